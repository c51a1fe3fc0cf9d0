"""Passwords and PINs are kept as argon2id; tokens are random and kept as SHA-256."""

from __future__ import annotations

import hashlib
import secrets

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

TOKEN_BYTES = 32


class Hasher:
    """Makes and checks hashes; by default at the cost of RFC 9106, section 4, second recommended option."""

    def __init__(self, cost: Parameters = RFC_9106_LOW_MEMORY) -> None:
        self._argon2 = PasswordHasher.from_parameters(cost)
        self._nobodys = ""

    def make(self, secret: str) -> str:
        """Return the hash with its parameters and a salt of its own; takes a tenth of a second."""
        return self._argon2.hash(secret)

    def agrees(self, kept: str, secret: str) -> bool:
        """Return whether ``kept`` was made of ``secret``; takes as long when ``kept`` is empty: nobody's."""
        try:
            self._argon2.verify(kept or self.nobodys(), secret)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False
        return bool(kept)

    def nobodys(self) -> str:
        """Return the hash of what nobody knows: made once, before the first stranger's name."""
        self._nobodys = self._nobodys or self.make(secrets.token_urlsafe(TOKEN_BYTES))
        return self._nobodys


def new_token() -> str:
    """Return 256 random bits as text (OWASP ASVS 4.0.3, 3.2.2 asks for 64)."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest(token: str) -> bytes:
    """Return what is kept of a token, or of a name in a counter: who reads the file can not use it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
