"""The broker of the demo: amqtt inside a process of our own, on loopback only, with nothing on disk."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator, Sequence

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType

HOST = "127.0.0.1"
_PLUGINS = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
"""Without the default plug-ins, which log every packet and publish statistics."""
_LISTENER = "default"
_OF_AMQTT = ("Broker.", "ProtocolHandler.", "BrokerProtocolHandler.")
TOLD_AGAIN_EVERY_S = 0.5
TOLD_AGAIN_TIMES = 10
"""A broker that has not ended by then is given up, and everything of it is cancelled."""


@contextlib.asynccontextmanager
async def embedded_broker(port: int) -> AsyncIterator[None]:
    """Serve MQTT 3.1.1 on ``127.0.0.1:port`` to anybody on this machine, while the context lasts.

    OSError when the port is taken. Retained messages live in memory: a restart forgets them. At the end every
    connection is closed, also one that comes while the broker goes down.
    """
    # amqtt logs each client that goes away as a warning and each it shuts out as an error.
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    logging.getLogger("transitions").setLevel(logging.CRITICAL)
    # The port is ours: amqtt's own listener lets clients in while it shuts the others out, and forgets them.
    listener = ListenerConfig(type=ListenerType.EXTERNAL, bind=f"{HOST}:{port}")
    broker = Broker(BrokerConfig(listeners={_LISTENER: listener}, plugins=_PLUGINS))
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            await broker.external_connected(
                StreamReaderAdapter(reader), StreamWriterAdapter(writer), _LISTENER
            )
        finally:
            connections.discard(task)
            writer.close()

    await broker.start()
    try:
        server = await asyncio.start_server(connected, HOST, port)
        try:
            yield
        finally:
            server.close()
    finally:
        await _shut_down(broker, connections)


async def _shut_down(broker: Broker, connections: set[asyncio.Task[None]]) -> None:
    """Wait until it is down and nobody is connected, and tell again to end who was told to.

    ``asyncio.wait_for`` of Python 3.11 drops a cancellation that comes together with what it waits for;
    amqtt then waits for the reader of that connection for ever. So it does for a reader that was told to end
    before it began.
    """
    ending = asyncio.create_task(broker.shutdown(), name="broker.shutdown")
    for _ in range(TOLD_AGAIN_TIMES):
        if (await asyncio.wait({ending}, timeout=TOLD_AGAIN_EVERY_S))[0]:
            break
        for task in _of("ProtocolHandler."):
            if task.cancelling():
                task.cancel()
    given_up = not ending.done()

    def left() -> set[asyncio.Task[None]]:
        """Return who had not introduced themselves yet; of a broker that was given up, everything."""
        of_broker = {ending} | _of(*_OF_AMQTT) if given_up else set()
        return {task for task in connections | of_broker if not task.done()}

    while tasks := left():
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=TOLD_AGAIN_EVERY_S)
    if not ending.cancelled():
        ending.result()


def _of(*parts: str) -> set[asyncio.Task[None]]:
    """Return the tasks that run a method of one of these classes."""
    return {
        task for task in asyncio.all_tasks() if getattr(task.get_coro(), "__qualname__", "").startswith(parts)
    }


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
