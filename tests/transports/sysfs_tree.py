"""Recorded trees of sysfs, kept as text and laid out as files and links."""

from __future__ import annotations

from pathlib import Path

RECORDED = Path(__file__).parent / "sysfs"


def laid_out(name: str, below: Path) -> tuple[Path, Path]:
    """Lay a tree out ``below``; return its sysfs root and its device files."""
    for line in (RECORDED / f"{name}.txt").read_text().splitlines():
        where, link, target = line.partition(" -> ")
        if not link:
            where, _, target = line.partition(" = ")
        place = below / where
        place.parent.mkdir(parents=True, exist_ok=True)
        if link:
            place.symlink_to(target)
        else:
            place.write_text(f"{target}\n")
    return below / "sys", below / "dev"
