"""A copy of a recording without the patient, the people and the place; it replays to the same decisions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from pumpd.errors import StoreError
from pumpd.qa.hands import ASKED_BY_A_PERSON
from pumpd.store.recording import Kind, Record, Recording, encode, encode_json, split, written
from pumpd.transports.url import parse_url

KEPT: Final = (
    "the pumps' ids and drivers, the programme and its drug library, and the times",
    "the bytes of the wire as they are: a pump's own serial number and firmware stand in them",
)
"""What a redacted copy holds on purpose: without it there is nothing to replay."""
_JSON = {Kind.HEAD, Kind.EVENT, Kind.TROUBLE, Kind.STATE, Kind.INFUSION}
_WORDS = {Kind.NOT_OPENED, Kind.LOST, Kind.NOT_WRITTEN}
_FIELDS: Final = {
    "label": "patient",
    "identifier": "mark",
    "bed": "bed",
    "ward": "ward",
    "site": "site",
    "node": "node",
    "by": "person",
    "acknowledged_by": "person",
    "checked_by": "person",
    "second_person": "person",
    "witness": "person",
    "reason": "reason",
    "accepted": "reason",
    "another_patient": "reason",
    "side_effects": "reason",
    "sedation": "reason",
}
"""Fields that hold nothing but a name, and what the pseudonym begins with."""
_IN_WORDS: Final = {"patient", "site", "node", "person", "host", "reason"}
"""What may stand in the midst of a sentence, too; a bed's name is often a number, as a dose is."""
_SHORTEST_IN_WORDS = 2


class _Names:
    """Each name with its pseudonym, equal names equal ones."""

    def __init__(self) -> None:
        self.pseudonyms: dict[tuple[str, str], str] = {}

    def of(self, kind: str, name: str) -> str:
        """Return the pseudonym of a name; of none there is none."""
        if not name:
            return name
        known = sum(other == kind for other, _ in self.pseudonyms)
        given = f"{kind}-{known + 1}" + (".invalid" if kind == "host" else "")
        return self.pseudonyms.setdefault((kind, name), given)

    def in_words(self) -> list[tuple[re.Pattern[str], str]]:
        """Return what to look for in sentences, the longest first, and what stands there then."""
        told = [
            (name, pseudonym)
            for (kind, name), pseudonym in self.pseudonyms.items()
            if kind in _IN_WORDS and len(name) >= _SHORTEST_IN_WORDS and name != pseudonym
        ]
        told.sort(key=lambda pair: -len(pair[0]))
        return [(re.compile(rf"(?<![\w-]){re.escape(n)}(?![\w-])", re.IGNORECASE), p) for n, p in told]


def redacted(recording: Recording) -> bytes:
    """Return the file of a copy in which pseudonyms stand for patients, people, beds, wards, site and hosts.

    StoreError when a name is still found in it afterwards; nothing should be handed on then.
    """
    names = _Names()
    for record in recording.of(*_JSON):
        _collect(record.json(), names)
    patterns = names.in_words()

    def clean(text: str) -> str:
        for pattern, pseudonym in patterns:
            text = pattern.sub(pseudonym, text)
        return text

    def named(field: str, name: str) -> str:
        return names.of(_FIELDS[field], name)

    records = [_redacted(record, clean, named) for record in recording.records]
    for record in records:
        left = _left(record, names)
        if left:
            raise StoreError(
                f"{recording.name}: a {left} still stands in record {record.number} ({record.kind.name}); "
                "nothing was written"
            )
    return written(iter(records))


def _collect(value: Any, names: _Names) -> None:
    """Learn every name in a JSON value."""
    for field, text in _texts(value):
        if field in _FIELDS:
            names.of(_FIELDS[field], text)
        elif field == "url":
            names.of("host", parse_url(text).host)
        elif text.startswith(ASKED_BY_A_PERSON):
            names.of("reason", text.removeprefix(ASKED_BY_A_PERSON))


def _texts(value: Any, field: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield field, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _redacted(record: Record, clean: Callable[[str], str], named: Callable[[str, str], str]) -> Record:
    if record.kind in _JSON:
        told = _cleaned(record.json(), "", clean, named)
        if record.kind is Kind.HEAD:
            told["config_sha256"] = ""  # who has the file could tell which one it was
        return replace(record, payload=encode_json(told))
    if record.kind in _WORDS:
        return replace(record, payload=clean(record.text()).encode())
    if record.kind is Kind.PREAMBLE:
        inner = [_redacted(one, clean, named) for one in split(record.payload)[0]]
        return replace(record, payload=b"".join(encode(r.kind, r.at_ns, r.payload) for r in inner))
    return record


def _cleaned(value: Any, field: str, clean: Callable[[str], str], named: Callable[[str, str], str]) -> Any:
    if isinstance(value, str):
        return named(field, value) if field in _FIELDS else clean(value)
    if isinstance(value, dict):
        return {key: _cleaned(item, key, clean, named) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item, "", clean, named) for item in value]
    return value


def _left(record: Record, names: _Names) -> str:
    """Return the kind of a name that is still in a record, also in bytes of the wire; empty for none."""
    text = record.payload.decode("latin-1")
    for pattern, pseudonym in names.in_words():
        raw = pattern.pattern.encode().decode("latin-1")
        if re.search(raw, text, re.IGNORECASE):
            return pseudonym.partition("-")[0]
    return ""
