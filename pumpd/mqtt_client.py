"""aiomqtt's client, opened and closed so that nothing is left behind: no socket, thread, task or callback.

aiomqtt 2.x leaves a socket and a task behind when the broker does not answer CONNECT, waits for a broker that
hangs when it says goodbye, and registers closed sockets. All use of its private parts is in here.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

import aiomqtt
from paho.mqtt.client import Client as Paho

from pumpd.errors import TransportError

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike


def busy(client: aiomqtt.Client) -> bool:
    """Return whether something waits to be written to the socket."""
    return client._client.want_write()


def prepare(client: aiomqtt.Client, connect_timeout_s: float) -> None:
    """Make a client ready for ``enter``."""
    client._client.connect_timeout = connect_timeout_s
    _write_at_once(client)


def _write_at_once(client: aiomqtt.Client) -> None:
    """Register for writing while the socket is known to be open.

    aiomqtt does it one turn of the loop later: if the connection is lost in between, it would register a
    closed descriptor, or one that belongs to somebody else by then.
    """
    paho, loop = client._client, asyncio.get_running_loop()

    def write() -> None:
        try:
            paho.loop_write()
        except Exception as error:  # noqa: BLE001 - as aiomqtt: whatever it is, the connection is broken
            if not client._disconnected.done():
                client._disconnected.set_exception(error)

    def register(_client: Paho, _userdata: object, sock: SocketLike) -> None:
        def add() -> None:
            if paho.socket() is sock:
                loop.add_writer(sock.fileno(), write)

        if threading.get_ident() == loop_thread:
            add()
        else:
            loop.call_soon_threadsafe(add)  # paho sends CONNECT from the thread it connects in

    loop_thread = threading.get_ident()
    paho.on_socket_register_write = register


async def enter(client: aiomqtt.Client) -> None:
    """Connect; whatever goes wrong, and also when cancelled, no socket, thread or task is left behind."""
    entering = asyncio.create_task(client.__aenter__(), name="mqtt.connect")
    try:
        await asyncio.shield(entering)
    except aiomqtt.MqttError as error:
        await leave(client, goodbye=False)
        raise TransportError(str(error)) from error
    except asyncio.CancelledError:
        # paho connects in a thread that can not be interrupted: wait until it has opened a socket and
        # aiomqtt has registered it (its task is made right after that), or until it has given up.
        while not entering.done() and client._misc_task is None:
            await asyncio.wait({entering}, timeout=0.02)
        entering.cancel()
        await asyncio.gather(entering, return_exceptions=True)
        await leave(client, goodbye=False)
        raise


async def leave(client: aiomqtt.Client, *, goodbye: bool) -> None:
    """Close everything at once; with ``goodbye``, if the socket takes it, the last will stays untold."""
    paho = client._client
    if goodbye:
        paho.disconnect()
    await asyncio.sleep(0)  # aiomqtt registers a socket one turn of the loop late
    if goodbye:
        with contextlib.suppress(OSError):
            paho.loop_write()
    paho._reset_sockets()
    ending = client._misc_task
    if ending is not None:
        ending.cancel()
        await asyncio.gather(ending, return_exceptions=True)
    if client._disconnected.done() and not client._disconnected.cancelled():
        client._disconnected.exception()  # asyncio reports one that nobody looked at
