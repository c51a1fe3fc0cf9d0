"""The routes by which a page asks for what is no answer to an alarm: of the daemon, never of a pump."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dashboard.commands import ANSWER_WITHIN_S, Answer, Commands, Outcome
from dashboard.second_person import unconfirmed
from dashboard.sign_in import People
from dashboard.visitor import actor_of, visitor_of
from pumpd.channels.base import SENT_WITHIN_S
from pumpd.contract.infusion_payloads import (
    BeginPayload,
    ChangePayload,
    EndPayload,
    ObservePayload,
    SwapPayload,
    TransferPayload,
)
from pumpd.contract.parts import CommandPayload
from pumpd.contract.payloads import PausePumpPayload
from pumpd.contract.ports import ExchangePortsPayload
from pumpd.contract.quieting import OffLinePayload, TestChannelPayload

INFUSION_VERBS: Mapping[str, type[CommandPayload]] = {
    "begin": BeginPayload,
    "change": ChangePayload,
    "observe": ObservePayload,
    "end": EndPayload,
    "swap": SwapPayload,
    "transfer": TransferPayload,
}
OTHER_VERBS: Mapping[str, type[CommandPayload]] = {
    "off-line": OffLinePayload,
    "pause-pump": PausePumpPayload,
    "test-channel": TestChannelPayload,
    "exchange-ports": ExchangePortsPayload,
}
"""What is asked of a pump itself, or of its node."""
_ANSWER_WITHIN_S: Mapping[str, float] = {"test-channel": SENT_WITHIN_S + ANSWER_WITHIN_S}
"""A pager or a mail server may take its time; nobody waits beside a patient for it."""
_OURS = frozenset({"v", "advisory", "id", "dashboard", "user", "role", "wards", "expires_ms"})
"""Keys of a command that a page does not choose."""


class InfusionRequest(BaseModel):
    """What every request has; the other keys are those of the command."""

    model_config = ConfigDict(extra="allow", frozen=True)

    node: str = Field(min_length=1, max_length=64)
    boot_id: str = Field(min_length=1, max_length=64)
    """Of the daemon that the page saw."""
    confirmed: list[str] = Field(default_factory=list, max_length=50)
    """What second persons' PINs opened; their names stand in the other keys."""


def make_infusion_router(commands: Commands, people: People) -> APIRouter:
    """Return ``POST /api/infusion/{verb}`` for verbs of an infusion, ``POST /api/{verb}`` for others."""
    router = APIRouter()
    for verb, payload in INFUSION_VERBS.items():
        router.post(f"/api/infusion/{verb}")(_asking(commands, people, verb, payload))
    for verb, payload in OTHER_VERBS.items():
        router.post(f"/api/{verb}")(_asking(commands, people, verb, payload))
    return router


def _asking(
    commands: Commands, people: People, verb: str, payload: type[CommandPayload]
) -> Callable[[InfusionRequest, Request], Awaitable[JSONResponse]]:
    """Return the route of one verb."""

    async def ask(asked: InfusionRequest, request: Request) -> JSONResponse:
        """Ask the daemon; the answer is accepted, refused (with the reason) or unanswered."""
        actor, visitor = actor_of(request), visitor_of(request)
        fields = asked.model_dump(exclude={"node", "confirmed"})
        unknown = sorted(set(fields) - (set(payload.model_fields) - _OURS))
        if unknown:
            raise RequestValidationError(
                [
                    {"type": "extra_forbidden", "loc": ("body", key), "msg": f"{verb} has no such key"}
                    for key in unknown
                ]
            )
        seconds = [account for grant in asked.confirmed if (account := people.granted(grant, visitor))]
        missing = unconfirmed(fields, actor, seconds)
        if missing:
            return JSONResponse(Answer(Outcome.REFUSED, missing.words, missing.key).body)
        try:
            within_s = _ANSWER_WITHIN_S.get(verb, ANSWER_WITHIN_S)
            answer = await commands.send(verb, payload, asked.node, fields, actor, within_s)
        except ValidationError as error:
            raise RequestValidationError(error.errors()) from None
        return JSONResponse(answer.body)

    return ask
