"""What the trial does to the services beyond killing them, and the words in which they must tell of it."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

from tests.containers.kills import BACK_WITHIN_S, Step, all_live
from tests.containers.stack import NotBackError, Stack, Watch, until

AWAY_S = 120.0


def _says(stack: Stack, service: str, *words: str) -> str:
    """Wait until a service's log has a line with one of ``words``, and return that line's end."""
    found: list[str] = []

    def said() -> bool:
        lines = stack.compose("logs", "--no-color", "--tail=60", service, check=False).splitlines()
        found.extend(line for line in lines if any(word in line for word in words))
        return bool(found)

    until(f"{service} says one of {words}", said, BACK_WITHIN_S)
    return " ".join(found[-1].partition("|")[2].split())[-200:].replace("|", "/")


def _back(stack: Stack) -> str:
    took_s = until("every pump live again", lambda: all_live(stack), BACK_WITHIN_S)
    return f"every pump live {took_s:.0f} s later"


def _on_volume(stack: Stack, volume: str, command: str) -> None:
    """Run a command as root on a volume, beside the service that has it."""
    whole = f"{stack.engine.environment['COMPOSE_PROJECT_NAME']}_{volume}"
    stack.engine.docker(
        *("run", "--rm", "--network=none", "--user=0:0", "--entrypoint=/bin/sh", f"--volume={whole}:/volume"),
        *("pumpd:0.1.0", "-c", f"cd /volume && {command}"),
    )


def broker_away(stack: Stack) -> str:
    """Stop the broker for two minutes: the page says so, and everything is back after it."""
    with Watch(stack) as watch:
        stack.compose("stop", "mosquitto")
        until(
            "the page says that the broker is lost",
            lambda: any("broker" in why for why in stack.not_live()),
            30,
        )
        unwell = until("pumpd is unhealthy", lambda: stack.health("pumpd") == "unhealthy", AWAY_S)
        time.sleep(max(0.0, AWAY_S - unwell))
        running = stack.seen("pumpd")["RestartCount"]
        stack.compose("start", "mosquitto")
        back = _back(stack)
        assert stack.seen("pumpd")["RestartCount"] == running
    return f"page: {watch.words()}; pumpd unhealthy, not restarted; {back}"


def out_of_memory(stack: Stack) -> str:
    """Give pumpd less memory than it needs, so that the kernel kills it; then give it back."""
    stack.compose("stop", "pumpd")
    container = str(stack.seen("pumpd")["Id"])
    stack.engine.docker("update", "--memory=40m", "--memory-swap=40m", container)
    stack.compose("start", "pumpd")
    until("the kernel killed it", lambda: stack.seen("pumpd")["RestartCount"] > 0, BACK_WITHIN_S)
    stack.engine.docker("update", "--memory=2g", "--memory-swap=2g", container)
    return f"started again and again by the engine; with memory: {_back(stack)}"


def disk_full(stack: Stack) -> str:
    """Leave no byte on the disk of pumpd's volume: it raises its alarms about that and goes on watching."""
    before = stack.node_alarms()
    fill = "dd if=/dev/zero of=filler bs=1M 2>/dev/null; dd if=/dev/zero of=filler2 bs=1k 2>/dev/null; true"
    _on_volume(stack, "data", fill)
    seen: list[str] = []

    def told() -> bool:
        seen[:] = sorted(stack.node_alarms() - before)
        return bool(seen)

    until("an alarm about the disk", told, BACK_WITHIN_S)
    live = "every pump live" if all_live(stack) else "; ".join(stack.not_live())
    _on_volume(stack, "data", "rm -f filler filler2")
    until("its end", lambda: stack.node_alarms() <= before, BACK_WITHIN_S)
    return f"told: {', '.join(seen)}; meanwhile {live}; after room was made: {_back(stack)}"


def wrong_owner(stack: Stack) -> str:
    """Give pumpd's volume to root: it says that it can not write there; given back, it watches again."""
    stack.compose("stop", "pumpd")
    _on_volume(stack, "data", "chown -R 0:0 . && chmod 700 .")
    stack.compose("start", "pumpd")
    said = _says(stack, "pumpd", "ermission denied", "can not be", "unable to open")
    _on_volume(stack, "data", "chown -R 10001:10001 .")
    stack.compose("restart", "pumpd", "dashboard")
    return f"log: {said}; given back: {_back(stack)}"


def secret_missing(stack: Stack) -> str:
    """Take pumpd's password away: it names the file and does not start; put back, it watches again."""
    _on_volume(stack, "secrets-pumpd", "mv mqtt-password kept")
    stack.compose("restart", "pumpd")
    said = _says(stack, "pumpd", "mqtt-password")
    _on_volume(stack, "secrets-pumpd", "mv kept mqtt-password")
    stack.compose("restart", "pumpd")
    return f"log: {said}; put back: {_back(stack)}"


@contextlib.contextmanager
def _taken(port: int) -> Iterator[None]:
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        holder.listen()
        yield


def port_taken(stack: Stack) -> str:
    """Hold the published port while the dashboard starts: the engine says so; free, the page is there."""
    stack.compose("stop", "dashboard")
    with _taken(8443):
        said = stack.compose("start", "dashboard", check=False)
        if "address already in use" not in said:
            raise NotBackError(f"the engine did not say that the port is taken: {said}")
    stack.compose("start", "dashboard")
    return f"the engine: address already in use; free again: {_back(stack)}"


ATTACKS = (
    Step("broker stopped for two minutes", broker_away),
    Step("pumpd short of memory, killed by the kernel", out_of_memory),
    Step("pumpd's disk filled to the last byte", disk_full),
    Step("pumpd's volume given to root", wrong_owner),
    Step("pumpd's password taken away", secret_missing),
    Step("the published port taken", port_taken),
)
