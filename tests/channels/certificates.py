"""Certificates made for a test and for no longer than a day, by openssl."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate that vouches for itself."""

    file: Path
    key: Path

    def served(self) -> ssl.SSLContext:
        """Return what a server shows it with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context


def certificate(directory: Path, name: str = "IP:127.0.0.1") -> Certificate:
    """Make one for ``name``, such as ``IP:127.0.0.1`` or ``DNS:mail.invalid``."""
    stem = name.replace(":", "-")
    made = Certificate(directory / f"{stem}.pem", directory / f"{stem}.key")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "1", "-subj", "/CN=pumpd test", "-addext", f"subjectAltName={name}"),
            *("-out", str(made.file), "-keyout", str(made.key)),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return made
