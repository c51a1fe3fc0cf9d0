"""The services of docker-compose.yml as the trial sees them: by host pid, and through the published port."""

from __future__ import annotations

import http.client
import json
import os
import signal
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from tests.containers.engine import Engine, EngineError, now_s
from tests.house.tree import ROOT

COMPOSE = ROOT / "docker-compose.yml"
FRESH_MS = 5_000
AUTHORITY = "/run/pumpd/ca.pem"
PUMPD, CONFIG = "/opt/pumpd/bin/pumpd", "/etc/pumpd/compose/dashboard.yaml"
"""The program and its configuration inside of pumpd's image."""
SERVICE = "com.docker.compose.service"
"""The label by which compose names a container's service."""


class NotBackError(AssertionError):
    """Something did not come back in time."""


class Stack:
    """The services, brought up by compose on an engine."""

    def __init__(self, engine: Engine, address: str, override: Path) -> None:
        """``address`` is where the dashboard is published; ``override`` is laid over the compose file."""
        self.engine = engine
        self.address = address
        self._cookie = ""
        self._trust: ssl.SSLContext | None = None
        self._tries = 0
        self._files = ("-f", str(COMPOSE), "-f", str(override), "--project-directory", str(ROOT))

    def compose(self, *words: str, check: bool = True) -> str:
        """Run compose on the project's file, with the simulated ward."""
        return self.engine.compose(*self._files, "--profile", "ward", *words, check=check)

    def services(self) -> list[str]:
        """Return the services that have a container, running or not."""
        return sorted(self.engine.docker("ps", "-a", "--format", f'{{{{.Label "{SERVICE}"}}}}').split())

    def seen(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of a service's container."""
        (container,) = self.engine.docker("ps", "-aq", "--filter", f"label={SERVICE}={service}").split()
        found: dict[str, Any] = json.loads(self.engine.docker("inspect", container))[0]
        return found

    def health(self, service: str) -> str:
        """Return healthy, unhealthy or starting, and running where nothing checks it."""
        state = self.seen(service)["State"]
        return str(state.get("Health", {}).get("Status") or state["Status"])

    def kill(self, service: str) -> int:
        """Kill a service's main process from the host, as the kernel or a crash would; return its pid."""
        pid = int(self.seen(service)["State"]["Pid"])
        os.kill(pid, signal.SIGKILL)
        return pid

    def picture(self) -> dict[str, Any]:
        """Return what the dashboard says; OSError when nothing answers at the published port."""
        asked = urllib.request.Request(f"{self.address}/api/state", headers={"Cookie": self._let_in()})
        with self._open(asked) as answer:
            said: dict[str, Any] = json.load(answer)
        return said

    def _open(self, asked: urllib.request.Request) -> http.client.HTTPResponse:
        """Return the answer of the page, if the authority that the service secrets made vouches for it."""
        if self._trust is None:
            try:
                authority = self.compose("exec", "-T", "dashboard", "cat", AUTHORITY)
            except EngineError as error:
                raise ConnectionError("the dashboard does not run") from error
            self._trust = ssl.create_default_context(cadata=authority)
        answer: http.client.HTTPResponse = urllib.request.urlopen(asked, timeout=3, context=self._trust)
        return answer

    def _let_in(self) -> str:
        """Return the cookie of a wall screen, let in once by the code that ``pumpd screen add`` gives."""
        if not self._cookie:
            with self._open(urllib.request.Request(f"{self.address}/healthz")):  # a code is good for one try
                self._tries += 1
            name = f"trial-{self._tries}"
            made = self.compose("exec", "-T", "dashboard", PUMPD, "screen", "add", name, "-c", CONFIG)
            asked = urllib.request.Request(
                f"{self.address}/api/screen",
                data=json.dumps({"code": made.split()[0]}).encode(),
                headers={"Content-Type": "application/json", "Origin": self.address},
            )
            with self._open(asked) as answer:
                self._cookie = str(answer.headers["Set-Cookie"]).partition(";")[0]
        return self._cookie

    def not_live(self) -> list[str]:
        """Return, for each pump that is not shown live, why; and ``no answer`` when the page is away."""
        try:
            picture = self.picture()
        except (OSError, ValueError):
            return ["no answer"]
        reasons = [] if picture["broker_up"] else ["the page has lost the broker"]
        for pump in picture["pumps"]:
            reason = pump["not_live"]
            if not reason and (pump["reading"] is None or (pump["age_ms"] or 0) > FRESH_MS):
                reason = "old"
            if reason:
                reasons.append(f"{pump['pump']} {reason}")
        return reasons

    def node_alarms(self) -> set[str]:
        """Return what the daemon says is wrong with itself or its machine, as the page has it."""
        try:
            (node,) = self.picture()["nodes"]
        except (OSError, ValueError):
            return set()
        alarms = (node["status"] or {}).get("alarms", [])
        return {alarm["condition"] for alarm in alarms if alarm["signal"] != "latched"}

    def boot(self) -> str:
        """Return which start of the daemon the page hears; empty while it hears none."""
        try:
            (node,) = self.picture()["nodes"]
        except (OSError, ValueError):
            return ""
        return str((node["status"] or {}).get("boot_id", ""))


class Watch:
    """Looks at the page ten times a second beside everything else, and keeps every reason it gave."""

    def __init__(self, stack: Stack) -> None:
        self.reasons: dict[str, None] = {}
        self._stack = stack
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._end.wait(0.1):
            self.reasons |= dict.fromkeys(self._stack.not_live())

    def words(self) -> str:
        """Return what the page said, pumps with the same reason together."""
        told: dict[str, list[str]] = {}
        for reason in self.reasons:
            pump, _, why = reason.partition(" ")
            told.setdefault(why if pump.startswith("PUMP-") else reason, []).append(pump)
        return "; ".join(
            f"{len(pumps)} pumps {why}" if pumps[0].startswith("PUMP-") else why
            for why, pumps in told.items()
        )


def until(what: str, is_so: Callable[[], object], within_s: float) -> float:
    """Return after how many seconds ``is_so`` held; NotBackError, with ``what``, when it does not in time."""
    began_s = now_s()
    while True:
        if is_so():
            return now_s() - began_s
        if now_s() - began_s > within_s:
            raise NotBackError(f"{what}: not within {within_s:.0f} s")
        time.sleep(0.1)
