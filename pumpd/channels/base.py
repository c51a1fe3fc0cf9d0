"""Ways to call a person who is not at a screen."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from pumpd.errors import TransportError

SENT_WITHIN_S = 10.0
"""What carries a message must have taken it by then; else it counts as not told, and is tried again."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one contact is told; it holds no patient label unless the configuration says so."""

    id: str
    """The same however often it is sent: whoever gets it twice can tell."""
    subject: str
    text: str
    facts: dict[str, str | bool] = field(default_factory=dict)
    """The same for programs: ``advisory``, ``test`` and ``demo`` are always there."""


class Channel(Protocol):
    """One contact's channel."""

    async def send(self, message: Message) -> None:
        """Hand ``message`` over; TransportError, without any secret in its words, when it was not taken."""
        ...


async def in_thread(call: Callable[[], None], name: str) -> None:
    """Run ``call``, which may wait for a network, in a thread of its own; what it raises is raised here.

    Nobody waits for the thread when this is cancelled: it ends by its own time-out.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def tell(error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        error: Exception | None = None
        try:
            call()
        except Exception as raised:  # noqa: BLE001 - it is raised again on the loop
            error = raised
        try:
            loop.call_soon_threadsafe(tell, error)
        except RuntimeError:
            return  # the loop has ended; nobody wants to know any more

    threading.Thread(target=run, name=name, daemon=True).start()
    await done


def refused(what: str, error: Exception) -> TransportError:
    """Return the error of a channel: what was tried, and why it failed."""
    reason = str(error) or type(error).__name__
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = f"its certificate is not trusted ({error.verify_message}); ca_file names whom to trust"
    return TransportError(f"{what}: {reason}")


def trusting(ca_file: str) -> ssl.SSLContext:
    """Return what checks a server's certificate and name, by the machine's authorities when it is empty.

    OSError when the file can not be read or holds no certificate.
    """
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except OSError as error:
        raise OSError(f"ca_file {ca_file}: {error.strerror or error}") from None
