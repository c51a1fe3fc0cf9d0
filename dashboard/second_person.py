"""The second person: named in a request only where that person's own PIN was typed for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dashboard.acting import Acting
from dashboard.people import Account, folded
from pumpd.contract.roles import Role

MAY_CONFIRM = frozenset({Role.NURSE, Role.PHARMACIST})
"""Whose look counts as a second person's: a check, a witness of waste, an answer of the checklist."""
NAMED_IN = ("checked_by", "witness")


@dataclass(frozen=True, slots=True)
class Missing:
    """A name that counts for nothing, and the key it stands in."""

    key: str
    words: str


def unconfirmed(fields: Mapping[str, object], actor: Acting, seconds: Sequence[Account]) -> Missing | None:
    """Return the first second person who did not confirm; None when all did, or nobody is named."""
    confirmed = {folded(account.name): account for account in seconds}
    for key, name in _named(fields):
        account = confirmed.get(folded(name))
        if folded(name) == folded(actor.user):
            return Missing(key, "must be somebody else")
        if account is None:
            return Missing(key, f"{name} must confirm with a PIN")
        if account.role not in MAY_CONFIRM:
            return Missing(key, f"{account.name} is {account.role}: a nurse or a pharmacist must confirm")
    return None


def _named(fields: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield every second person that is named, with the key."""
    for key in NAMED_IN:
        if isinstance(name := fields.get(key), str) and name.strip():
            yield key, name
    answers = fields.get("answers")
    for answer in answers if isinstance(answers, list) else []:
        if isinstance(answer, dict) and isinstance(name := answer.get("second_person"), str) and name.strip():
            yield "second_person", name
