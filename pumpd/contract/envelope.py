"""How a command travels: as text, with its sender's signature over that text and the topic."""

from __future__ import annotations

import hashlib

from pydantic import Field

from pumpd.contract.parts import Payload

_PURPOSE = b"pumpd command 1"
"""Signed with it, so that a signature made for anything else is never one of a command."""


class SignedPayload(Payload):
    """What goes to ``node/{node}/command/{verb}``: a command as text, and its sender's signature."""

    key: str = Field(pattern=r"^[0-9a-f]{16}$")
    """Which key signed: the first 16 hex digits of the SHA-256 of the public key's 32 bytes."""
    signature: str = Field(pattern=r"^[0-9a-f]{128}$")
    """Ed25519 (RFC 8032), in hex, over ``pumpd command 1``, the topic and ``command``, zero bytes between."""
    command: str
    """The verb's payload as JSON; this text is signed as it stands, and nothing else is carried out."""


def signed_bytes(topic: str, command: str) -> bytes:
    """Return what is signed: the topic names site, node and verb, so a signature holds for no others.

    ValueError when the text has no UTF-8 form (half of a surrogate pair).
    """
    return b"\0".join((_PURPOSE, topic.encode(), command.encode()))


def digest_of(message: bytes) -> str:
    """Return what a reply names the message by which it was caused: 32 hex digits."""
    return hashlib.sha256(message).hexdigest()[:32]
