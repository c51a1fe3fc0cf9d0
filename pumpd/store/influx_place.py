"""Where an InfluxDB is, and how to be let in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pumpd.errors import StoreError


@dataclass(frozen=True, slots=True)
class InfluxPlace:
    """One bucket (2.x) or database (1.x, 3.x) of one server."""

    url: str
    """``http://HOST:PORT`` or ``https://HOST:PORT``."""
    org: str
    """The organisation (2.x); empty where there is none."""
    bucket: str
    token: Callable[[], str]
    """Reads the secret anew, empty for none; StoreError if it can not be read. It is never kept or shown."""
    timeout_s: float
    ca_file: str = ""
    """What vouches for the server; empty: what the machine trusts."""

    def without_secret(self, words: str) -> str:
        """Return ``words`` with the secret, should they hold it, blotted out."""
        try:
            token = self.token()
        except StoreError:
            return "(what it said is not shown, since the token's file can not be read)"
        return words.replace(token, "***") if token else words
