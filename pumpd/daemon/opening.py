"""Opens what came as a command: bytes from anybody, until a key says whose they are."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from pumpd.contract.envelope import SignedPayload, digest_of
from pumpd.contract.parts import CommandPayload, why
from pumpd.contract.verbs import VERBS
from pumpd.daemon.permission import NotAllowedError, Permission, TrustedDashboard
from pumpd.daemon.seams import Ward
from pumpd.mqtt import Incoming

LARGEST_BYTES = 32_768


class RefusedError(Exception):
    """Why a command is not carried out, in words for the person who asked, and by which field."""

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.field = field


@dataclass(slots=True)
class Opened:
    """A message as far as it could be read; what it says of itself counts only with ``command``."""

    topic: str
    verb: str
    digest: str
    """What its reply names it by."""
    id: str = ""
    """Empty when there is none that a reply could go to."""
    envelope: SignedPayload | None = None
    dashboard: TrustedDashboard | None = None
    """Who signed it; None: nobody that is known."""
    command: CommandPayload | None = None

    @property
    def who(self) -> str:
        """Who asks, for the journal; nobody's name stands there on the word of a stranger."""
        if self.command is not None:
            return self.command.user
        return "" if self.dashboard is None else self.dashboard.id


def opened(message: Incoming) -> Opened:
    """Return the message before anything of it is judged."""
    return Opened(message.topic, message.topic.rpartition("/")[2], digest_of(message.payload))


def read(message: Incoming, it: Opened, permission: Permission, ward: Ward) -> CommandPayload:
    """Fill ``it`` and return the command, when it is one and its sender may ask for it; RefusedError else."""
    if len(message.payload) > LARGEST_BYTES:
        raise RefusedError(f"{len(message.payload)} bytes; at most {LARGEST_BYTES} are allowed")
    _only_once(message.payload)
    try:
        it.envelope = SignedPayload.model_validate_json(message.payload, strict=True)
    except ValidationError as error:
        raise RefusedError(f"it is not signed: {_in_words(error)}") from None
    said = it.envelope.command
    it.id = _id_in(said)
    if message.retained:
        raise RefusedError("a command must not be retained; it would be carried out again and again")
    model = VERBS.get(it.verb)
    if model is None:
        raise RefusedError(f"unknown command {it.verb[:40]!r}; known are {', '.join(VERBS)}")
    try:
        it.dashboard = permission.signer(message.topic, it.envelope)
        command = model.model_validate_json(said, strict=True)
        permission.allow(it.dashboard, it.verb, command, ward)
    except NotAllowedError as error:
        raise RefusedError(str(error)) from None
    except ValidationError as error:
        raise RefusedError(_in_words(error), _first_field(error)) from None
    it.command = command
    return command


def is_command_id(text: str) -> bool:
    """Return whether ``text`` may be the id of a command, and so the end of a reply's topic."""
    return 8 <= len(text) <= 64 and text.isascii() and text.replace("-", "a").isalnum()


def _id_in(said: str) -> str:
    found = _only_once(said)
    command_id = found.get("id") if isinstance(found, dict) else None
    if not isinstance(command_id, str) or not is_command_id(command_id):
        raise RefusedError("no id of 8 to 64 letters, digits and '-'")
    return command_id


def _only_once(text: str | bytes) -> Any:
    """Return what JSON says; RefusedError when a key stands twice, which two readers may read in two ways."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(found)
        if len(made) != len(found):
            raise RefusedError("a key stands twice in one object")
        return made

    try:
        return json.loads(text, object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"not JSON: {error}") from None


def _first_field(error: ValidationError) -> str:
    """Return the key that the first problem is about."""
    keys = [step for step in error.errors(include_url=False)[0]["loc"] if isinstance(step, str)]
    return keys[-1] if keys else ""


def _in_words(error: ValidationError) -> str:
    problems = [
        f"{'.'.join(str(step) for step in problem['loc']) or 'payload'}: {why(problem)}"
        for problem in error.errors(include_url=False, include_input=False)
    ]
    return "; ".join(problems[:5])
