"""The engineer's test button: a message that is clearly a test, over the channel that is configured."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pumpd.cli import app
from tests.channels.servers import WebServer

CONFIG = """
site: clinic
node: ward-a
data_dir: data
library: LIBRARY
pumps:
  - {id: PUMP-01, url: "modbus-tcp://127.0.0.1:5020/1", driver: reference-pump}
alarms:
  contacts:
    - {name: charge nurse, kind: webhook, url: "http://127.0.0.1:PORT/hook", secret_file: token}
"""
LIBRARY = Path(__file__).parents[2] / "config" / "drug-library.yaml"
pytestmark = [pytest.mark.real, pytest.mark.requirement("LIFE-3")]


def written(directory: Path, port: int) -> Path:
    file = directory / "pumpd.yaml"
    file.write_text(CONFIG.replace("LIBRARY", str(LIBRARY)).replace("PORT", str(port)))
    token = directory / "token"
    token.write_text("a secret\n")
    token.chmod(0o600)
    return file


def asked(file: Path, name: str) -> tuple[int, str]:
    ran = CliRunner().invoke(app, ["contacts", "test", name, "-c", str(file)])
    return ran.exit_code, ran.output + str(ran.exception or "")


def test_a_contact_is_sent_a_test_and_its_secret_is_shown_nowhere(tmp_path: Path) -> None:
    """The server gets TEST, NO ALARM with the token of the file; the screen shows neither token nor path."""
    server, ready, done = WebServer(), threading.Event(), threading.Event()

    async def serve() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.port = listening.sockets[0].getsockname()[1]
        ready.set()
        async with listening:
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(5)
        status, output = asked(written(tmp_path, server.port), "charge nurse")
    finally:
        done.set()
        thread.join(5)
    assert (status, "charge nurse: taken" in output) == (0, True)
    assert "secret" not in output
    ((_, headers, body),) = server.asked
    assert headers["authorization"] == "Bearer a secret"
    assert json.loads(body)["subject"].startswith("TEST, NO ALARM")


def test_a_contact_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The operator edits something: exit status 2, with the names that are known."""
    status, output = asked(written(tmp_path, 1), "doctor")
    assert (status, "known are charge nurse" in output) == (2, True)
