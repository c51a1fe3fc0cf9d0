"""Certificates for tests: an authority of their own, and what it vouches for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from pumpd.certificates import Authority, write_private
from pumpd.clock import SystemClock

NAME = "ward.example"
HOSTS = (NAME, "localhost", "127.0.0.1")


def show(
    folder: Path,
    hosts: Sequence[str] = HOSTS,
    days: float = 90,
    now: datetime | None = None,
    name: str = "desk",
) -> Path:
    """Write ``name``.pem, which ends ``days`` from ``now``, its key and ca.pem; return the certificate."""
    at = now or SystemClock().wall()
    authority = Authority.new("test", at - timedelta(days=100))
    made, key = authority.vouch(name, hosts, at - timedelta(days=99), at + timedelta(days=days))
    (folder / f"{name}.pem").write_bytes(made)
    (folder / "ca.pem").write_bytes(authority.pem)
    write_private(folder / f"{name}.key", key)
    return folder / f"{name}.pem"
