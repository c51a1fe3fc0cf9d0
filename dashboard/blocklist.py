"""Passwords that are guessed first, and what only dresses one up (NIST SP 800-63B-4, 3.1.1.2)."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

FILE = Path(__file__).parent / "common-passwords.txt"
"""Where they stand, with their source and licence."""
ALWAYS = ("pumpd", "password", "passwort", "infusion", "pump", "hospital", "clinic", "ward", "ketamine")
"""Words that this service brings to mind; the configuration's site, node and wards come on top."""
SHORTEST_WORD = 4
"""What is shorter, such as the `a` of `ward-a`, is no word of its own."""
FEW_LETTERS = 3
"""So many letters beside a common word still only dress it up; more, and somebody made it of chance."""
_SPELT = str.maketrans("013457@$!", "oleastasi")
"""Digits and signs that are written for letters."""
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")
_REPEATED = re.compile(r"(.{1,4}?)\1{2,}.{0,3}")


@cache
def common() -> frozenset[str]:
    """Return the shipped list."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def why_common(password: str, place: Iterable[str] = ()) -> str:
    """Return why this password is guessed first, empty when it is not; ``place``: words of this site.

    Refused is a common one as it is, one common word or words of this place with digits and signs around
    it or for its letters, one word said again and again, and a row of characters.
    """
    said = unicodedata.normalize("NFKC", password).casefold()
    if _REPEATED.fullmatch(said) or _is_row(said):
        return "a password is no row and no repeated piece"
    here = {piece for word in (*ALWAYS, *place) for piece in _words(word.casefold())}
    for spelt in (said, _AROUND.sub("", said).translate(_SPELT)):
        words = _words(spelt)
        left = {_once(word) for word in words} - here
        others = sum(character.isalpha() for character in spelt) - sum(map(len, words))
        dressed = words and others <= FEW_LETTERS and len(left) <= 1 and left <= common()
        if spelt in common() or dressed:
            return (
                "this password is among the first that are tried; three or four words of your own are better"
            )
    return ""


def _words(text: str) -> list[str]:
    return [piece for piece in re.findall(r"[^\W\d_]+", text) if len(piece) >= SHORTEST_WORD]


def _once(piece: str) -> str:
    """Return a word that is only said several times in a row as it is said once."""
    found = re.fullmatch(r"(.{4,}?)\1+", piece)
    return found[1] if found else piece


def _is_row(text: str) -> bool:
    """Return whether each character is as far from the last as all the others: abcdef, 987654."""
    steps = [ord(after) - ord(before) for before, after in itertools.pairwise(text)]
    turned = {step % 10 for step in steps} if text.isdigit() else set(steps)
    return len(turned) == 1 and turned <= {-1, 0, 1, 9}
