"""What share of damage each dialect's check misses: reckoned, and measured on the real framers."""

from __future__ import annotations

import math
import random

import pytest

from pumpd.drivers.registry import shipped
from tests import proof
from tests.dialects.damage import CASES, flipped, measured
from tests.dialects.damage_page import PAGE, page, reckoned, theory
from tests.dialects.damage_theory import CHECKS, MOST_BITS, missed

SMALL, FULL = 300, 100_000
ON_CARD = ("bbraun-bcc", "fresenius-base", "fresenius-pilot")
"""Their cards tell the theory; those of others what was counted in the text of a frame alone."""
ZYNO = b"\x02Q500123454\x03"


def share_in(text: str) -> float:
    """Return a share as the page tells it; -1 for what is no number."""
    if text.endswith("%"):
        return float(text[:-1]) / 100
    return 1 / float(text[5:].replace(",", "")) if text.startswith("1 in") else 0.0 if text == "0" else -1.0


def approx(share: float) -> object:
    """Return what is that share, give or take what else stands in a reply."""
    return pytest.approx(share, rel=0.3)


def most(share: float, tries: int) -> float:
    """Return how often at most what has this share is seen in so many tries, six deviations up."""
    return tries * share + 6 * math.sqrt(tries * share) + 6


@pytest.mark.requirement("INV-2", "DIAL-3")
@pytest.mark.timeout(1800)
def test_what_each_check_misses_is_measured_beside_the_theory():
    """No framer takes more than its check alone would; one flipped bit never passes where there is one."""
    tries = proof.count("replies with two, and with three flipped bits, for each dialect", SMALL, FULL)
    found = {name: measured(name, tries) for name in CASES}
    for name, (frames, passed) in found.items():
        shares = theory(name, frames)
        if shares is None:
            assert passed[0].taken, "without a check damage is taken for another reply"
            continue
        assert (shares[0], passed[0].taken) == (0, 0), name
        for expected, one in zip(shares, passed, strict=True):
            assert one.taken <= most(expected, one.tried), (name, one)
        card = shipped()[CASES[name][0]].card
        if name in ON_CARD:
            assert f"misses {100 * shares[1]:.1f} % of two flipped bits" in card.integrity, name
    if proof.FULL:
        PAGE.write_text(page(found), encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    for name, (frames, _) in found.items():
        check, now = reckoned(name, frames)
        told = text.partition(f"| `{name}` | {check} | ")[2].partition(" |")[0]
        close = [share_in(each) for each in told.split(" / ")] == [
            approx(share_in(each)) for each in now.split(" / ")
        ]
        assert close, f"{name}: make proof writes the page anew"
    assert (
        text.partition("as its card says")[2].partition("A rack")[0]
        == page(found).partition("as its card says")[2].partition("A rack")[0]
    )
    assert "below 3 in 100,000 at 95 %" in " ".join(text.split())


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_the_theory_counts_what_is_found_by_trying(name):
    """On frames of a few bytes every way to flip two bits is tried on a second writing of the check."""
    check, chance = CHECKS[name], random.Random(proof.SEED)
    first, behind = check.covered
    frame = bytes(chance.choices(b"0123456789ABCDEF", k=first + 3 + behind))
    low, high = len(frame) + check.digits[0], len(frame) + check.digits[1]

    def value(digits: bytes) -> int | None:
        if check.base == 256:
            return int.from_bytes(digits, "little" if check.low_first else "big")
        return int(digits, check.base) if digits.isalnum() and digits == digits.upper() else None

    def passes(hurt: bytes) -> bool:
        marks = [
            at for at in range(len(frame)) if not (first <= at < len(frame) - behind or low <= at < high)
        ]
        try:
            told = value(hurt[low:high])
        except ValueError:
            return False
        if told is None or any(hurt[at] != frame[at] for at in marks):
            return False
        before = value(frame[low:high])
        assert before is not None
        whole = 0
        for at in range(first, len(frame) - behind):
            whole = check.join(whole, check.change(len(frame) - behind - 1 - at, frame[at], hurt[at]))
        change = (
            told ^ before
            if check.change(0, 0, 1) and check.join(1, 1) == 0
            else check.join(0, check.sign * (told - before))
        )
        return check.join(whole, change) == 0

    if check.base == 10:
        frame = frame[:low] + b"00109" + frame[high:]
    size = 8 * len(frame)
    pairs = sum(passes(flipped(frame, [one, other])) for one in range(size) for other in range(one))
    assert missed(check, frame)[1] == pytest.approx(pairs / math.comb(size, 2), abs=1e-12)
    assert len(missed(check, frame)) == MOST_BITS


def test_a_sum_misses_what_cancels_out():
    """Of two flips of the same place in two bytes, one up and one down, nothing shows in a plain sum."""
    found = missed(CHECKS["zyno-miva"], ZYNO)
    assert found[0] == 0
    assert 0.01 < found[1] < 0.07
    assert missed(CHECKS["modbus-rtu"], bytes(range(20)))[1] == 0
