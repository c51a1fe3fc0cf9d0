"""The dashboard's own TLS: which certificate it shows, while that holds."""

from __future__ import annotations

import ssl
from datetime import datetime

from pumpd.certificate_files import certificates_in, load_chain
from pumpd.config import Config
from pumpd.errors import ConfigError, Problem

OLDEST = ssl.TLSVersion.TLSv1_2
"""Older ones are not spoken (RFC 8996)."""


def context_of(config: Config, now: datetime) -> ssl.SSLContext | None:
    """Return how to speak to browsers, None in the clear; ConfigError when the certificate holds not now."""
    files = config.dashboard_certificate
    if files is None:
        return None
    certificate, key = files
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = OLDEST
    try:
        load_chain(made, certificate, key)
        chain = certificates_in(certificate)
    except (OSError, ValueError) as error:
        raise _wrong(config, f"{certificate} can not be used with {key}: {error}") from error
    for each in chain:
        if now > each.not_valid_after_utc:
            raise _wrong(config, f"{certificate} ended on {each.not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
        if now < each.not_valid_before_utc:
            begins = f"{each.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
            raise _wrong(config, f"{certificate} begins to hold on {begins}, and it is {now:%Y-%m-%d %H:%M}")
    return made


def _wrong(config: Config, what: str) -> ConfigError:
    return ConfigError(
        (
            Problem(
                file=str(config.file),
                line=0,
                path="dashboard.certificate_file",
                what=what,
                allowed="a certificate that holds today, with its key",
                remedy="have a new one made, and look at this machine's time of day",
            ),
        )
    )
