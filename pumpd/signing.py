"""Ed25519 keys of dashboards: signing a command, and telling whether one was signed."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pumpd.contract.envelope import SignedPayload, signed_bytes
from pumpd.contract.parts import CommandPayload

KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """The public half: it tells whether the other half signed."""

    raw: bytes

    @classmethod
    def of(cls, text: str) -> VerifyingKey:
        """Return the key that ``text`` names: 44 characters of base64; ValueError when it is none."""
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("a public key is 44 characters of base64") from None
        if len(raw) != KEY_BYTES or base64.b64encode(raw).decode() != text:
            raise ValueError("a public key is 44 characters of base64")
        if raw in _WEAK:
            raise ValueError("everybody could sign for this key")
        return cls(raw)

    @property
    def text(self) -> str:
        """As it stands in a configuration."""
        return base64.b64encode(self.raw).decode()

    @property
    def id(self) -> str:
        """What names it in a signed command: 16 hex digits."""
        return hashlib.sha256(self.raw).hexdigest()[:16]

    def signed(self, topic: str, envelope: SignedPayload) -> bool:
        """Return whether the other half signed this command for this topic."""
        try:
            said = signed_bytes(topic, envelope.command)
        except ValueError:
            return False
        return self._holds(said, envelope.signature)

    def signed_text(self, purpose: str, text: str, signature: str) -> bool:
        """Return whether the other half signed ``text`` for ``purpose``."""
        return self._holds(_text_bytes(purpose, text), signature)

    def _holds(self, said: bytes, signature: str) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(bytes.fromhex(signature), said)
        except (InvalidSignature, ValueError):
            return False
        return True


def _text_bytes(purpose: str, text: str) -> bytes:
    return b"\0".join((purpose.encode(), text.encode()))


def _encoded(y: int, sign: int = 0) -> bytes:
    return (y | sign << 255).to_bytes(KEY_BYTES, "little")


_P = 2**255 - 19
_ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
_WEAK = frozenset(
    _encoded(y, sign) for y in (0, 1, _P - 1, _P, _P + 1, _ORDER_8, _P - _ORDER_8) for sign in (0, 1)
)
"""Points of small order, in every encoding: a signature under one of them holds for many messages."""


class Signer:
    """A dashboard as it speaks to daemons: its name, and the private half of its key."""

    def __init__(self, dashboard: str, key: Ed25519PrivateKey) -> None:
        self.dashboard = dashboard
        self._key = key
        self.public = VerifyingKey(key.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"Signer({self.dashboard!r}, key {self.public.id})"

    def message(self, topic: str, command: CommandPayload) -> bytes:
        """Return what is published to ``topic``."""
        return self.sign(topic, command.model_dump_json())

    def sign(self, topic: str, command: str) -> bytes:
        """Return the message that says ``command``, whatever that text is."""
        signature = self._key.sign(signed_bytes(topic, command)).hex()
        made = SignedPayload(key=self.public.id, signature=signature, command=command)
        return made.model_dump_json().encode()

    def sign_text(self, purpose: str, text: str) -> str:
        """Return the signature of ``text`` for ``purpose``, in hex: it holds for no other."""
        return self._key.sign(_text_bytes(purpose, text)).hex()
