"""Where an InfluxDB is, and how to be let in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InfluxPlace:
    """One bucket (2.x) or database (1.x, 3.x) of one server."""

    url: str
    """``http://HOST:PORT`` or ``https://HOST:PORT``."""
    org: str
    """The organisation (2.x); empty where there is none."""
    bucket: str
    token: Callable[[], str]
    """Reads the secret anew; empty for none. It is never kept in words, and never shown."""
    timeout_s: float
    ca_file: str = ""
    """What vouches for the server; empty: what the machine trusts."""

    def without_secret(self, words: str) -> str:
        """Return ``words`` with the secret, should they hold it, blotted out."""
        token = self.token()
        return words.replace(token, "***") if token else words
