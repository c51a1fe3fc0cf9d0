"""Whom a daemon listens to: dashboards, by the keys that they sign with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from pumpd.config_section import Section
from pumpd.contract.roles import MAY_ASK, Role
from pumpd.document import DocPath, Document
from pumpd.errors import Problem
from pumpd.fields import TopicId, refused
from pumpd.signing import VerifyingKey

MOST_KEYS = 2
"""The old and the coming one, while one takes the other's place."""
_ASKS = frozenset().union(*MAY_ASK.values())


def public_key(text: str) -> str:
    """Return ``text`` when it is a public key, for a field of a section."""
    try:
        return VerifyingKey.of(text).text
    except ValueError as error:
        raise refused(
            str(error), "the line that `pumpd keys show` prints", "copy that line, and nothing else"
        ) from None


def _some(keys: tuple[str, ...]) -> tuple[str, ...]:
    if not 1 <= len(keys) <= MOST_KEYS:
        raise refused(
            f"there are {len(keys)} keys",
            "one key, or two while one takes the other's place",
            "keep those in use",
        )
    return keys


class TrustedSection(Section):
    """One dashboard that this daemon listens to."""

    id: TopicId = Field(description="the dashboard's name, as its own file says it", examples=["dashboard"])
    keys: Annotated[tuple[Annotated[str, AfterValidator(public_key)], ...], AfterValidator(_some)] = Field(
        description="a list of its public keys, as `pumpd keys show` prints them: one, or two while one takes"
        " the other's place",
    )
    roles: tuple[Role, ...] = Field(
        default=(),
        description="a list of those it may speak for: nurse, engineer; empty: both",
        examples=["nurse"],
    )
    wards: tuple[str, ...] = Field(
        default=(),
        description="a list of the wards it may act in; empty: every one",
        examples=["pain-clinic"],
    )


def trust_problems(
    document: Document, dashboards: list[tuple[DocPath, TrustedSection]], wards: frozenset[str]
) -> Iterator[Problem]:
    """Yield what is wrong between the dashboards that are trusted, and the pumps."""
    names: set[str] = set()
    keys: set[str] = set()
    for place, each in dashboards:
        if each.id in names:
            yield document.problem(
                (*place, "id"), f"{each.id} stands twice", "ids that are unique", "put its keys together"
            )
        names.add(each.id)
        if keys & set(each.keys):
            what = f"{each.id} has a key that stands twice: nobody could tell who asks"
            yield document.problem(
                (*place, "keys"),
                what,
                "a key of its own for every dashboard",
                "make one with `pumpd keys new`",
            )
        keys |= set(each.keys)
        for role in each.roles:
            if role not in _ASKS:
                what = f"the role {role.value} asks nothing of a daemon"
                allowed = ", ".join(sorted(asks.value for asks in _ASKS))
                yield document.problem((*place, "roles"), what, allowed, "leave it out")
        for ward in sorted(set(each.wards) - wards):
            what = f"no pump is in the ward {ward!r}"
            yield document.problem((*place, "wards"), what, "a ward that a pump names", "mend its spelling")


def default_key_file(data_dir: Path, dashboard: str) -> Path:
    """Return where the key of this file's own dashboard lies when nothing else is said."""
    return data_dir / "keys" / f"{dashboard}.key"
