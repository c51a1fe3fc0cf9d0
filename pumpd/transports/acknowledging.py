"""Acknowledgements: what a protocol owes the pump for what arrived, asked for or not.

They go out between a question and its reply, since a pump that waits for one says nothing more. Each is held
to the same list as every other frame, and may be no more than LINK.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from pumpd.errors import ForbiddenFrameError, TransportError
from pumpd.protocols.wire import AcknowledgingFramer, Framer, Permission
from pumpd.transports.base import Transport
from pumpd.transports.outgoing import OutgoingFilter


def acknowledging(framer: Framer, outgoing: OutgoingFilter, transport: Transport) -> Callable[[], None]:
    """Return what sends what ``framer`` owes; nothing, where its protocol acknowledges nothing."""
    if not isinstance(framer, AcknowledgingFramer):
        return _nothing
    return partial(_acknowledge, framer, outgoing, transport)


def _nothing() -> None:
    """Owe nobody anything."""


def _acknowledge(framer: AcknowledgingFramer, outgoing: OutgoingFilter, transport: Transport) -> None:
    """Send what is owed, each at its moment; what is not declared is held back and told."""
    for after_s, frame in framer.take_owed():
        if after_s <= 0:
            _send(frame, outgoing, transport)
        else:
            asyncio.get_running_loop().call_later(after_s, _send, frame, outgoing, transport)


def _send(frame: bytes, outgoing: OutgoingFilter, transport: Transport) -> None:
    """Send one; a line that has gone needs it no more."""
    try:
        outgoing.check(frame, Permission.LINK)
        transport.write(frame)
    except (ForbiddenFrameError, TransportError):
        return  # the filter has told it; a broken line tells of itself
