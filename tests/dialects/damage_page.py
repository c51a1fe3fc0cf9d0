"""docs/damage.md: what each check misses in theory, what passed the real framers, and what was read then.

``make proof`` writes it from full counts. What is reckoned is compared in every run.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from textwrap import wrap
from typing import Final

from pumpd.drivers.registry import shipped
from tests.conformance.cost_page import WIDTH
from tests.dialects.damage import CASES, Passed
from tests.dialects.damage_theory import CHECKS, missed
from tests.house.tree import ROOT

PAGE: Final = ROOT / "docs" / "damage.md"
Found = Mapping[str, tuple[list[bytes], list[Passed]]]
"""By case: the replies as they travel, and what passed with one, two and three flipped bits."""
_SAME: Final = {
    "fresenius-pilot": "fresenius-base",
    "bbraun-bcc, not stuffed": "bbraun-bcc",
    "modbus-rtu (reference-pump)": "modbus-rtu",
}
_WORDS: Final = ("one", "two", "three")


def theory(name: str, frames: list[bytes]) -> tuple[float, ...] | None:
    """Return which share of one, two and three flips its check misses in these frames; None without one."""
    check = CHECKS.get(_SAME.get(name, name))
    if check is None:
        return None
    shares = [_missed(check, frame) for frame in frames]
    return tuple(sum(share) / len(frames) for share in zip(*shares, strict=True))


_missed = cache(missed)


def share(value: float) -> str:
    """Return a share in per cent."""
    return "0" if not value else f"{value:.3%}" if value > 1e-5 else f"1 in {1 / value:,.0f}"


def told(count: int, tried: int) -> str:
    """Return the share of what was counted; of none, what it is below."""
    return f"none, below 3 in {tried:,}" if not count else f"{count / tried:.3%}"


def reckoned(name: str, frames: list[bytes]) -> tuple[str, str]:
    """Return the first cells of the rows of a case: its check, and the three shares in theory."""
    check, shares = CHECKS.get(_SAME.get(name, name)), theory(name, frames)
    if check is None or shares is None:
        return "none", "whatever keeps its marks"
    return check.name, " / ".join(share(each) for each in shares)


def page(found: Found) -> str:
    """Return the whole page."""
    parts = [
        "# What share of damage does each check miss?",
        "",
        *_prose(
            "Written by `make proof`. Bits of a reply are flipped, anywhere in its frame: each one "
            "alone, and draws of two and of three. *In theory* counts every way to flip one, two and "
            "three bits of the same replies after which the check alone still agrees, reckoned without "
            "the code that reads them. *Taken* is what pumpd's framer gave on as a reply with another "
            "content: marks, lengths and characters that can not be keep some of it back. *Read as "
            "something else* is what then means anything but what was sent."
        ),
        "",
        "| driver | check | in theory: 1 / 2 / 3 bits | flipped | tried | taken | read as something else |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for name, (frames, passed) in found.items():
        check, shares = reckoned(name, frames)
        for bits, one in zip(_WORDS, passed, strict=True):
            first = f"| `{name}` | {check} | {shares} |" if bits == "one" else "| | | |"
            parts.append(
                f"{first} {bits} | {one.tried:,} | {told(one.taken, one.tried)} "
                f"| {told(one.misread, one.tried)} |"
            )
    parts += [
        "",
        "What each driver does about what its check misses, as its card says (some count the text alone):",
        "",
    ]
    drivers = dict.fromkeys(driver for driver, _ in CASES.values())
    parts += [f"- `{driver}`: {shipped()[driver].card.integrity}." for driver in drivers]
    parts += ["", *_prose(_RACKS.format(worst=_worst(found))), "", *_prose(_CREDITED)]
    return "\n".join(parts) + "\n"


def _prose(text: str) -> list[str]:
    return wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)


def _worst(found: Found) -> str:
    one = found["bbraun-bcc"][1][1]
    return f"{told(one.misread, one.tried)} of its replies with two flipped bits"


_RACKS: Final = (
    "Nothing of the others counts on one damaged reply: where a check is that weak, or there is none, a "
    "value counts only when the next reply bears it out, which leaves a counter that is damaged to what "
    "it could have come to. A rack of B. Braun is the exception. Its block of a pump is long and its sum "
    "has 8 bits, so {worst} are read as something else. Two bits of one reply have to be hit: on a line "
    "that damages one frame in twenty with one to three bits, one reading in some thousands is wrong, and "
    "the next one is right again. Keep such lines short and shielded, or use the TCP port."
)
_CREDITED: Final = (
    "Late and second replies, those of other pumps, noise, refusals and damage of up to three bits are "
    "tried in [proof.md](proof.md) under *hostile exchanges*. 0 values credited to the wrong question in "
    "100,000 seeded exchanges means below 3 in 100,000 at 95 %, for each dialect on its own; it does not "
    "mean never. A reading that damage made wrong unseen is not one of another question: with B. Braun, "
    "Harvard and New Era it can be, and is counted apart there; with all others it counts as a failure."
)
