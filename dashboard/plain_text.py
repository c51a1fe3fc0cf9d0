"""Text from outside, made harmless to read: what it says stays, what it does to the words around it goes."""

from __future__ import annotations

import unicodedata
from typing import Any

LONGEST = 160
"""Characters of one text on a page; a longer one ends in an ellipsis."""
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that show nothing, or turn the direction of what stands beside them."""
IDENTIFIERS = frozenset({"key", "pump", "channel", "node", "boot_id", "condition", "id"})
"""Fields that are sent back to the daemon as they came."""


def plain(text: str) -> str:
    """Return ``text`` as one line of seen characters, at most ``LONGEST`` of them."""
    kept: list[str] = []
    marks = 0
    for character in text[: 8 * LONGEST]:
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if category in UNSEEN:
            kept.append(" " if character in "\t\n\r" else "")
        elif marks <= 2:  # a tower of accents would cover the lines above it
            kept.append(character)
    words = "".join(kept).strip()
    return (
        words if len(words) <= LONGEST and len(text) <= 8 * LONGEST else words[: LONGEST - 1].rstrip() + "…"
    )


def plain_values(value: Any, field: str = "") -> Any:
    """Return JSON values with every text but identifiers made plain."""
    if isinstance(value, str):
        return value if field in IDENTIFIERS else plain(value)
    if isinstance(value, dict):
        return {key: plain_values(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [plain_values(part, field) for part in value]
    return value
