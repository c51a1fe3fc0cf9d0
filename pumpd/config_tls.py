"""Whether the files for TLS to the broker are there and fit together."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

from pumpd.config_models import MqttSection
from pumpd.document import DocPath, Document
from pumpd.errors import Problem

Look = Callable[[Document, DocPath, str, Path], Iterator[Problem]]


def tls_problems(
    document: Document, mqtt: MqttSection, directory: Path, authorities: Look, secret: Look
) -> Iterator[Problem]:
    """Yield what is wrong; ``authorities`` and ``secret`` look at one file of their kind."""
    yield from authorities(document, ("mqtt", "ca_file"), mqtt.ca_file, directory)
    yield from secret(document, ("mqtt", "certificate_key_file"), mqtt.certificate_key_file, directory)
    path: DocPath = ("mqtt", "certificate_file")
    name, key = mqtt.certificate_file, mqtt.certificate_key_file
    if (name or key) and not (name and key and mqtt.ca_file):
        what = "a certificate is shown only with its key, and over TLS"
        yield document.problem(
            path, what, "all of certificate_file, certificate_key_file and ca_file", "add them"
        )
    elif name:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(directory / name, directory / key)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            what = f"{name} can not be used with {key}: {reason}"
            yield document.problem(
                path, what, "a PEM file, and the private key that belongs to it", "name both"
            )
