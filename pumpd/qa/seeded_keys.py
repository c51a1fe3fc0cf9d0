"""Keys for virtual hospitals: the same in every run, and so worth nothing anywhere else."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pumpd.signing import Signer


def seeded_signer(dashboard: str) -> Signer:
    """Return the signer of a dashboard of a virtual hospital; its key follows from its name."""
    seed = hashlib.sha256(b"pumpd qa " + dashboard.encode()).digest()
    return Signer(dashboard, Ed25519PrivateKey.from_private_bytes(seed))
