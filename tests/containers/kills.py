"""What the trial does to the running services, one step after the other, and what it must see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.containers.stack import Stack, Watch, until

BACK_WITHIN_S = 90.0
PUMPS = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what is done, and how; ``run`` returns what was seen."""

    what: str
    run: Callable[[Stack], str]


def all_live(stack: Stack) -> bool:
    try:
        shown = len(stack.picture()["pumps"])
    except (OSError, ValueError):
        return False
    return shown == PUMPS and not stack.not_live()


def _healthy(stack: Stack) -> bool:
    return all(stack.health(service) in {"healthy", "running", "exited"} for service in stack.services())


def up(stack: Stack) -> str:
    """Start everything."""
    stack.compose("up", "-d")
    took_s = until("every pump live on the page", lambda: all_live(stack), BACK_WITHIN_S)
    healthy_s = until("every service healthy", lambda: _healthy(stack), BACK_WITHIN_S)
    return (
        f"{PUMPS} pumps live on the page after {took_s:.0f} s, all services healthy {healthy_s:.0f} s later"
    )


def _killed(service: str) -> Callable[[Stack], str]:
    def run(stack: Stack) -> str:
        with Watch(stack) as watch:
            boot = stack.boot()
            pid = stack.kill(service)

            def back() -> bool:
                state = stack.seen(service)["State"]
                again = int(state["Pid"]) if state["Running"] else 0
                other_boot = service != "pumpd" or stack.boot() not in {"", boot}
                return again not in {0, pid} and other_boot and all_live(stack)

            took_s = until(f"{service} back, pid {pid} killed", back, BACK_WITHIN_S)
        return f"back after {took_s:.1f} s; meanwhile the page: {watch.words() or 'every pump live'}"

    return run


STEPS = (
    Step("`docker compose --profile ward up`", up),
    *(
        Step(f"main process of {service} killed from the host", _killed(service))
        for service in ("mosquitto", "influxdb", "ward", "pumpd", "dashboard")
    ),
)
