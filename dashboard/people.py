"""Who people are to the dashboard, and what a name, a password and a PIN must be."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from dashboard.blocklist import why_common
from pumpd.contract.roles import Role

LONGEST_NAME = 64
LONGEST_WARD = 64
"""As a pump's in the configuration."""
SHORTEST_PASSWORD, LONGEST_PASSWORD = 15, 128
"""NIST SP 800-63B-4 3.1.1.2, for a password that is all there is; OWASP ASVS 4.0.3, 2.1.2."""
SHORTEST_PIN, LONGEST_PIN = 4, 8
"""Short, for gloves: it is taken from screens that were let in only, and ten wrong ones end it."""
FEWEST_SIGNS = 5
"""Different characters of a password."""
_NAME_MARKS = frozenset(".'’-")
_DIGITS = "0123456789"


class RefusedSecretError(ValueError):
    """A name, password or PIN that can not be taken; the words say why and never what it was."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in."""

    number: int
    """Its own, for ever."""
    name: str
    role: Role
    wards: frozenset[str]
    """Where its owner may act; empty: everywhere. Looking is not bound to wards."""
    has_pin: bool
    disabled: bool
    demo: bool
    """Its secrets are known to everybody."""


def folded(name: str) -> str:
    """Return what spellings of a name have in common: case, blanks and compatible letters are the same."""
    readable = name.encode("utf-8", "replace").decode()
    return " ".join(unicodedata.normalize("NFKC", readable).casefold().split())


def checked_name(name: str) -> str:
    """Return the name as it is shown; RefusedSecretError unless it is letters, digits, blanks and ``.'-``."""
    shown = " ".join(unicodedata.normalize("NFC", name).split())
    if not shown or len(shown) > LONGEST_NAME:
        raise RefusedSecretError(f"a name has 1 to {LONGEST_NAME} characters")
    for character in shown:
        if unicodedata.category(character)[0] not in "LMN" and character not in _NAME_MARKS | {" "}:
            raise RefusedSecretError("a name has letters, digits, blanks and . ' - only")
    if not any(unicodedata.category(character)[0] == "L" for character in shown):
        raise RefusedSecretError("a name has a letter")
    return shown


def checked_wards(wards: Iterable[str]) -> list[str]:
    """Return the wards, each once, in order; RefusedSecretError for one that no pump can be in."""
    taken = sorted(set(wards))
    for ward in taken:
        if not ward.strip():
            raise RefusedSecretError("a ward has a name; name none where the account may act everywhere")
        if len(ward) > LONGEST_WARD or any(unicodedata.category(sign)[0] == "C" for sign in ward):
            raise RefusedSecretError(f"a ward has 1 to {LONGEST_WARD} characters that can be seen")
    return taken


def checked_password(password: str, name: str, place: Iterable[str] = ()) -> str:
    """Return the password as it is hashed; RefusedSecretError when it is too easily guessed.

    ``place`` holds names of this site, which are guessed first.
    """
    taken = same_signs(password)
    if not SHORTEST_PASSWORD <= len(taken) <= LONGEST_PASSWORD:
        raise RefusedSecretError(f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    if len(set(taken)) < FEWEST_SIGNS:
        raise RefusedSecretError(f"a password has at least {FEWEST_SIGNS} different characters")
    if folded(name) in folded(taken):
        raise RefusedSecretError("a password does not hold the name")
    if reason := why_common(taken, (*place, name)):
        raise RefusedSecretError(reason)
    return taken


def checked_pin(pin: str) -> str:
    """Return the PIN; RefusedSecretError when it is no number of the right length, or the first to try."""
    if not SHORTEST_PIN <= len(pin) <= LONGEST_PIN or not set(pin) <= set(_DIGITS):
        raise RefusedSecretError(f"a PIN has {SHORTEST_PIN} to {LONGEST_PIN} digits")
    steps = {(ord(after) - ord(before)) % 10 for before, after in itertools.pairwise(pin)}
    if len(steps) == 1 and steps <= {0, 1, 9}:
        raise RefusedSecretError("a PIN is no row such as 1234, 4321 or 0000")
    return pin


def same_signs(password: str) -> str:
    """Return the password in the one spelling that every keyboard makes of it (NIST SP 800-63B 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)
