"""The broker of the demo: amqtt inside a process of our own, on loopback only, with nothing on disk."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator, Sequence

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig
from amqtt.errors import BrokerError

HOST = "127.0.0.1"
_PLUGINS = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
"""Without the default plug-ins, which log every packet and publish statistics."""


TOLD_AGAIN_EVERY_S = 0.5


@contextlib.asynccontextmanager
async def embedded_broker(port: int) -> AsyncIterator[None]:
    """Serve MQTT 3.1.1 on ``127.0.0.1:port`` to anybody on this machine, while the context lasts.

    OSError when the port is taken. Retained messages live in memory: a restart forgets them.
    """
    # amqtt logs each client that goes away as a warning and each it shuts out as an error.
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    logging.getLogger("transitions").setLevel(logging.CRITICAL)
    listener = ListenerConfig(bind=f"{HOST}:{port}")
    broker = Broker(BrokerConfig(listeners={"default": listener}, plugins=_PLUGINS))
    try:
        await broker.start()
    except BrokerError as error:
        raise OSError(str(error)) from error
    try:
        yield
    finally:
        await _shut_down(broker)


async def _shut_down(broker: Broker) -> None:
    """Wait until it is down, and tell again to end who was told to.

    ``asyncio.wait_for`` of Python 3.11 drops a cancellation that comes together with what it waits for;
    amqtt then waits for the reader of that connection for ever.
    """
    ending = asyncio.create_task(broker.shutdown(), name="broker.shutdown")
    while not (await asyncio.wait({ending}, timeout=TOLD_AGAIN_EVERY_S))[0]:
        for task in asyncio.all_tasks():
            of = getattr(task.get_coro(), "__qualname__", "")
            if task.cancelling() and of.startswith("ProtocolHandler."):
                task.cancel()
    ending.result()


async def serve(port: int, stop: asyncio.Event) -> None:
    """Serve until ``stop`` is set; prints one line once it listens."""
    async with embedded_broker(port):
        sys.stdout.write(f"broker listens on {HOST}:{port}\n")
        sys.stdout.flush()
        await stop.wait()


def main(arguments: Sequence[str]) -> int:
    """Run the broker as ``python -m pumpd.broker PORT`` until SIGINT or SIGTERM."""

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve(int(arguments[0]), stop)

    try:
        asyncio.run(run())
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
