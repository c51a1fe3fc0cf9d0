"""A container engine of the trial's own: ``dockerd`` by hand, with its files in a directory of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

STARTS_WITHIN_S = 60.0
STOPS_WITHIN_S = 60.0


class EngineError(Exception):
    """No engine starts here, or it refused what it was asked; the words say why."""


def now_s() -> float:
    """Return the monotonic time of this machine."""
    return time.monotonic()  # noqa: TID251 - containers take real time


def _forwards_nothing() -> bool:
    if shutil.which("iptables") is None:
        return False
    rules = subprocess.run(["iptables", "-S", "FORWARD"], capture_output=True, text=True, check=False).stdout
    return "-P FORWARD DROP" in rules


class Engine:
    """One ``dockerd``; whatever it holds goes with its directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._socket = directory / "docker.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self.environment = {
            **os.environ,
            "DOCKER_HOST": f"unix://{self._socket}",
            "DOCKER_BUILDKIT": "0",
            "DOCKER_CONFIG": str(directory / "client"),
            "COMPOSE_PROJECT_NAME": "pumpdtrial",
        }
        plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        self._compose = ["docker", "compose"] if plugin.returncode == 0 else ["docker-compose"]

    @staticmethod
    def missing() -> str:
        """Return why no engine can be started here; empty when it can be tried."""
        for program, package in (("dockerd", "docker.io"), ("docker-compose", "docker-compose")):
            if shutil.which(program) is None:
                return f"{program} is not installed (apt install {package})"
        return "" if os.geteuid() == 0 else "only root starts a container engine"

    def start(self) -> None:
        """Start it, and return once it answers; EngineError with the end of its log when it does not."""
        log = (self._directory / "dockerd.log").open("ab")
        self._process = subprocess.Popen(
            [
                "dockerd",
                f"--data-root={self._directory / 'data'}",
                f"--exec-root={self._directory / 'run'}",
                f"--pidfile={self._directory / 'dockerd.pid'}",
                f"--host=unix://{self._socket}",
                # Compose makes a network of its own; links and firewall stay as they are. Only where this
                # machine forwards nothing do containers need the engine's rules to reach each other.
                "--bridge=none",
                f"--iptables={'true' if _forwards_nothing() else 'false'}",
                "--ip-masq=false",
                "--ip-forward=false",
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the trial, which stops the engine in order
        )
        deadline_s = now_s() + STARTS_WITHIN_S
        while subprocess.run(
            ["docker", "info"], env=self.environment, capture_output=True, check=False
        ).returncode:
            if self._process.poll() is not None or now_s() > deadline_s:
                words = (self._directory / "dockerd.log").read_text().splitlines()[-5:]
                raise EngineError("dockerd does not start here:\n" + "\n".join(words))
            time.sleep(0.2)

    def stop(self) -> None:
        """End it as a service manager would."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def remove(self) -> None:
        """End every container, remove every image, stop, and take the directory away."""
        if self._process is not None:
            for listing, removing in (
                (["ps", "-aq"], ["rm", "-f", "-v"]),
                (["images", "-aq"], ["rmi", "-f"]),
            ):
                found = self.docker(*listing).split()
                if found:
                    self._run(["docker", *removing, *sorted(set(found))], check=False)
            self.stop()
        for namespace in (self._directory / "run" / "netns").glob("*"):
            subprocess.run(["umount", namespace], capture_output=True, check=False)
        shutil.rmtree(self._directory)

    def docker(self, *words: str) -> str:
        """Run ``docker`` and return what it printed; EngineError with its words when it fails."""
        return self._run(["docker", *words])

    def compose(self, *words: str, check: bool = True) -> str:
        """Run compose in the project's directory and return what it printed, both streams."""
        return self._run([*self._compose, *words], check=check)

    def _run(self, words: list[str], *, check: bool = True) -> str:
        done = subprocess.run(
            words,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            check=False,
            text=True,
        )
        if check and done.returncode:
            last = "\n".join(done.stdout.splitlines()[-25:])
            raise EngineError(f"{' '.join(words[:4])} ended with {done.returncode}:\n{last}")
        return done.stdout
