"""A dashboard in a test: signs what it asks of a daemon, with the key of the daemon's own file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pumpd.config import load
from pumpd.key_files import own_key
from pumpd.signing import Signer


def signer_of(config: Path) -> Signer:
    """Return the signer that the daemon of this configuration listens to."""
    found = load(config)
    return own_key(found.dashboard_key_file, found.dashboard.id)


def signed(signer: Signer, topic: str, command: Mapping[str, object]) -> str:
    """Return what is published; a nurse asks unless ``command`` says who else."""
    said = {"role": "nurse", **command, "dashboard": signer.dashboard}
    return signer.sign(topic, json.dumps(said)).decode()
