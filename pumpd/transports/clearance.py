"""When a question may go so that no answer to another is taken for its own: see ``docs/decisions``."""

from __future__ import annotations

from typing import Any, Final

from pumpd.protocols.wire import Framer, Permission, Request
from pumpd.transports.exchange import Exchange

_REMEMBERED_SHAPES: Final = 1024


class Clearance:
    """What was asked of one line, and until when it may still be answered."""

    def __init__(self, framer: Framer) -> None:
        """Where the framer tells replies apart nothing has to wait."""
        self._framer = framer
        self._opened_at = 0.0
        self._overdue: dict[Request[Any], Exchange[Any]] = {}
        self._unanswered_until = 0.0
        self._clear_at: dict[tuple[object, ...], float] = {}
        self._read_again_at: dict[int | None, float] = {}

    def opened(self, now_s: float) -> None:
        """Learn that the line was opened: what somebody else asked may still be answered on it."""
        self._opened_at = now_s

    def at(self, exchange: Exchange[Any]) -> float:
        """Return from when on a question may go."""
        at = self._unanswered_until if exchange.follow is not None else 0.0
        if self._framer.tells_replies_apart or exchange.answer.done():
            return at
        clear = self._clear_at
        at = max(
            at,
            self._opened_at + exchange.horizon_s,
            clear.get(exchange.request.shape, 0.0),
            clear.get(exchange.request.refusal_shape, 0.0),
        )
        if exchange.permission is Permission.READ:
            at = max(at, self._read_again_at.get(exchange.address, 0.0))
        return at

    def sent(self, exchange: Exchange[Any], now_s: float) -> None:
        """Learn that a question was sent; its answer may come twice."""
        if self._framer.tells_replies_apart:
            return
        if len(self._clear_at) > _REMEMBERED_SHAPES:
            self._clear_at = {shape: at for shape, at in self._clear_at.items() if at > now_s}
            self._overdue.clear()
        self._clear_at[exchange.request.shape] = now_s + exchange.horizon_s

    def silent(self, exchange: Exchange[Any]) -> None:
        """Learn that no answer came in time: it may still come late."""
        self._overdue[exchange.request] = exchange
        until = exchange.sent_at + exchange.horizon_s
        self._unanswered_until = max(self._unanswered_until, until)
        self._quarantine(exchange, until)

    def answered(self, exchange: Exchange[Any], now_s: float) -> None:
        """Learn that an answer came: where that took long, a second copy comes later than the horizon."""
        if not self._framer.tells_replies_apart:
            shape = exchange.request.shape
            self._clear_at[shape] = max(self._clear_at.get(shape, 0.0), now_s + exchange.copy_s)

    def unusable(self, exchange: Exchange[Any], now_s: float) -> None:
        """Learn that the answer was a refusal or no answer: the true one may still come."""
        self._quarantine(exchange, max(exchange.sent_at + exchange.horizon_s, now_s + exchange.copy_s))

    def late(self, request: Request[object], now_s: float) -> None:
        """Learn that an answer came late, and count it; a second copy of it may be as late again."""
        exchange = self._overdue.pop(request, None)
        if exchange is not None:
            exchange.counters.late += 1
            self._quarantine(exchange, now_s + exchange.horizon_s)

    def _quarantine(self, exchange: Exchange[Any], until: float) -> None:
        """Ask nothing before ``until`` that a late or second answer to ``exchange`` could be taken for."""
        if not self._framer.tells_replies_apart:
            clear = self._clear_at
            for shape in (exchange.request.shape, exchange.request.refusal_shape):
                clear[shape] = max(until, clear.get(shape, 0.0))
            self._read_again_at[exchange.address] = max(until, self._read_again_at.get(exchange.address, 0.0))
