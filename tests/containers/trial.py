"""``make compose-trial``: bring docker-compose.yml up for real, and kill one thing after another.

Prints what happens, and writes it into docs/containers.md. Exit status 0: everything came back; 1: something
did not; 3: no engine starts on this machine, so nothing was shown.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from tests.containers import bases, page
from tests.containers.attacks import ATTACKS
from tests.containers.engine import Engine, EngineError, now_s
from tests.containers.kills import STEPS
from tests.containers.stack import COMPOSE, NotBackError, Stack
from tests.proof_run import commit

PAGE = "https://localhost:8443"
UP_WITHIN_S = 120.0


def say(words: str) -> None:
    """Print one line at once."""
    print(words, flush=True)


@contextmanager
def engine() -> Iterator[Engine]:
    """Yield an engine with nothing in it; take it, its containers and its images away afterwards."""
    made = Engine(Path(tempfile.mkdtemp(prefix="pumpd-trial-")))
    try:
        made.start()
        yield made
    finally:
        made.remove()


@contextmanager
def small_disk(scratch: Path) -> Iterator[Path]:
    """Yield a folder on a disk of 2 GiB of its own, so that it can be full."""
    image, folder = scratch / "disk.img", scratch / "disk"
    with image.open("wb") as made:
        made.truncate(2 * 2**30)
    folder.mkdir()
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, folder], check=True)
    try:
        (folder / "data").mkdir()
        os.chown(folder / "data", 10001, 10001)
        yield folder / "data"
    finally:
        subprocess.run(["umount", folder], check=True)


def override(directory: Path, data: Path) -> Path:
    """Write what the trial lays over the compose file: a build that sees the packages here, a small disk."""
    ours = [
        name
        for name, service in yaml.safe_load(COMPOSE.read_text())["services"].items()
        if "build" in service
    ]
    path = directory / "trial.yml"
    small = {"driver": "local", "driver_opts": {"type": "none", "o": "bind", "device": str(data)}}
    laid_over = {
        "services": {name: {"build": {"network": "host"}} for name in ours},
        "volumes": {"data": small},
    }
    path.write_text(yaml.safe_dump(laid_over))
    return path


def sizes(engine: Engine, images: dict[str, str]) -> page.Sizes:
    """Return the size of pumpd's image and of the Python image below it."""

    def mb(image: str) -> int:
        return round(int(engine.docker("inspect", "--format", "{{.Size}}", image)) / 1e6)

    return page.Sizes(whole_mb=mb("pumpd:0.1.0"), below_mb=mb(images["python"]))


def trial() -> bool:
    """Tell the whole story; return whether all went well."""
    began_s = now_s()
    with contextlib.ExitStack() as held:
        scratch = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="pumpd-trial-files-")))
        data = held.enter_context(small_disk(scratch))
        made = held.enter_context(engine())
        version = made.docker("version", "--format", "{{.Server.Version}}").strip()
        say(f"dockerd {version} answers")
        with bases.base_images(made, scratch) as images:
            say(f"base images made: {', '.join(sorted(images.values()))}")
            stack = Stack(made, PAGE, override(scratch, data))
            stack.compose("build")
        measured = sizes(made, images)
        say(f"pumpd's image has {measured.whole_mb} MB, {measured.below_mb} MB of them the Python image")
        found: list[page.Row] = []
        try:
            for step in (*STEPS, *ATTACKS):
                say(f"{now_s() - began_s:6.0f} s  {step.what}")
                try:
                    row = page.Row(step.what, step.run(stack))
                except (NotBackError, EngineError) as error:
                    say(stack.compose("ps", check=False))
                    say(stack.compose("logs", "--tail=25", "--no-color", check=False))
                    row = page.Row(step.what, f"{page.FAILED}: {' '.join(str(error).split())}")
                    stack.compose("up", "-d", check=False)
                say(f"{'':10}{row.seen}")
                found.append(row)
        finally:
            stack.compose("down", "--volumes", "--timeout", "5", check=False)
    page.write(page.Trial(commit(), version, images, measured, tuple(found)))
    say(f"written into {page.PAGE.name}; took {now_s() - began_s:.0f} s")
    return not any(row.seen.startswith(page.FAILED) for row in found)


def main() -> int:
    """Run the trial and return the exit status."""
    why_not = Engine.missing() or bases.missing()
    if why_not:
        return nothing_shown(why_not)
    try:
        return 0 if trial() else 1
    except (NotBackError, EngineError, subprocess.SubprocessError) as error:
        if "dockerd does not start" in str(error):
            return nothing_shown(str(error))
        say(f"FAILED: {error}")
        return 1


def nothing_shown(why: str) -> int:
    """Say that there is no engine, and return the exit status of that: it is no success."""
    say(f"No trial here: {why.rstrip('.')}. What the files say is checked by make test.")
    return 3


if __name__ == "__main__":
    sys.exit(main())
