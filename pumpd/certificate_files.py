"""What files with certificates say: for whom, and until when; X.509 (RFC 5280)."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import datetime
from pathlib import Path

from cryptography import x509

from pumpd.document import read_bounded


def certificates_in(file: Path) -> tuple[x509.Certificate, ...]:
    """Return those that ``file`` holds, in order; OSError or ValueError when there is none to read."""
    return tuple(x509.load_pem_x509_certificates(read_bounded(file)))


def load_chain(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Have ``context`` show a certificate; OSError when the two do not fit together or can not be read.

    A key that asks for a passphrase is refused: nobody is there to type it.
    """
    context.load_cert_chain(certificate, key, password=_no_passphrase)


def holds_for(certificate: x509.Certificate, host: str) -> bool:
    """Return whether a browser takes it for ``host``, a name or an address (RFC 9525 6.3)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    try:
        return ipaddress.ip_address(host) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        asked = host.lower()
        any_label = f"*.{asked.partition('.')[2]}"
        known = {name.lower() for name in names.get_values_for_type(x509.DNSName)}
        return asked in known or any_label in known


def ends_of_chain(file: Path) -> datetime:
    """Return when what ``file`` shows ends to hold: with the first of its certificates that does."""
    return min(each.not_valid_after_utc for each in certificates_in(file))


def ends_of(shown: bytes) -> datetime:
    """Return when a certificate ends to hold that came over the wire, in DER."""
    return x509.load_der_x509_certificate(shown).not_valid_after_utc


def ends_of_trust(file: Path) -> datetime:
    """Return until when an authority in ``file`` vouches: an old one may stay beside a new one."""
    return max(each.not_valid_after_utc for each in certificates_in(file))


def _no_passphrase() -> str:
    raise OSError("the key asks for a passphrase, and nobody is there to type it")
