"""Whether the files for TLS, to the broker and of the dashboard's own, are there and fit together."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

from pumpd.certificate_files import certificates_in, holds_for, load_chain
from pumpd.config_dashboard import DashboardSection
from pumpd.config_models import MqttSection
from pumpd.document import DocPath, Document
from pumpd.errors import Problem

Look = Callable[[Document, DocPath, str, Path], Iterator[Problem]]


def tls_problems(
    document: Document, mqtt: MqttSection, directory: Path, authorities: Look, secret: Look
) -> Iterator[Problem]:
    """Yield what is wrong to the broker; ``authorities`` and ``secret`` look at one file of their kind."""
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
        yield from _together(document, path, directory, name, key)


def https_problems(
    document: Document, dashboard: DashboardSection, directory: Path, secret: Look
) -> Iterator[Problem]:
    """Yield what is wrong with what the dashboard shows to browsers; ``secret`` looks at a private file."""
    name, key = dashboard.certificate_file, dashboard.certificate_key_file
    path: DocPath = ("dashboard", "certificate_file")
    if dashboard.names and not (name or dashboard.proxy):
        yield document.problem(
            ("dashboard", "names"),
            "names of other machines' browsers, and pages are served without TLS",
            "names with certificate_file, or with the proxy that speaks TLS",
            "add certificate_file and certificate_key_file, or take names out",
        )
    refused = list(secret(document, ("dashboard", "certificate_key_file"), key, directory))
    yield from refused
    if bool(name) != bool(key):
        what = "a certificate is shown only with its key"
        yield document.problem(path, what, "both certificate_file and certificate_key_file", "add the other")
    elif name and not refused:
        wrong = list(_together(document, path, directory, name, key))
        yield from wrong
        if not wrong:
            shown = certificates_in(directory / name)[0]
            for host in dashboard.names:
                if not holds_for(shown, host):
                    yield document.problem(
                        ("dashboard", "names"),
                        f"{name} does not hold for {host}: every browser would warn",
                        "names that stand in the certificate",
                        f"have a certificate made for {host}, or take the name out",
                    )


def _together(document: Document, path: DocPath, directory: Path, name: str, key: str) -> Iterator[Problem]:
    try:
        load_chain(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), directory / name, directory / key)
        certificates_in(directory / name)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        what = f"{name} can not be used with {key}: {reason}"
        yield document.problem(path, what, "a PEM file, and the private key that belongs to it", "name both")
