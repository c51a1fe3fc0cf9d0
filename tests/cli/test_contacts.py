"""The engineer's test button: a message that is clearly a test, over the channel that is configured."""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import re
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeVar

import pytest
from typer.testing import CliRunner

from pumpd.cli import app
from tests.channels.certificates import certificate, needs_openssl
from tests.channels.servers import MailServer, WebServer, mail_server, syslog_server, web_server
from tests.channels.test_channels import script

CONFIG = """
site: clinic
node: ward-a
data_dir: data
library: LIBRARY
pumps:
  - {id: PUMP-01, url: "modbus-tcp://127.0.0.1:5020/1", driver: reference-pump}
alarms:
  contacts:
"""
LIBRARY = Path(__file__).parents[2] / "config" / "drug-library.yaml"
pytestmark = [pytest.mark.real, pytest.mark.requirement("LIFE-3")]


def written(directory: Path, contact: str) -> Path:
    file = directory / "pumpd.yaml"
    file.write_text(CONFIG.replace("LIBRARY", str(LIBRARY)) + f"    - {{name: charge nurse, {contact}}}\n")
    token = directory / "token"
    token.write_text("a secret\n")
    token.chmod(0o600)
    return file


def asked(file: Path, name: str) -> tuple[int, str]:
    ran = CliRunner().invoke(app, ["contacts", "test", name, "-c", str(file)])
    return ran.exit_code, ran.output + str(ran.exception or "")


S = TypeVar("S", MailServer, WebServer)


@contextlib.contextmanager
def beside(serving: AbstractAsyncContextManager[S]) -> Iterator[S]:
    """Yield a server that runs on a loop of its own, beside a command that has one, too."""
    made: queue.Queue[S] = queue.Queue()
    done = threading.Event()

    async def serve() -> None:
        async with serving as server:
            made.put(server)
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        yield made.get(timeout=30)
    finally:
        done.set()
        thread.join(30)


def test_a_contact_is_sent_a_test_and_its_secret_is_shown_nowhere(tmp_path: Path) -> None:
    """The server gets TEST, NO ALARM with the token of the file; the screen shows neither token nor path."""
    with beside(web_server()) as server:
        contact = f'kind: webhook, url: "http://127.0.0.1:{server.port}/hook", secret_file: token'
        status, output = asked(written(tmp_path, contact), "charge nurse")
    assert (status, "charge nurse: taken" in output) == (0, True)
    assert "secret" not in output
    ((_, headers, body),) = server.asked
    assert headers["authorization"] == "Bearer a secret"
    assert json.loads(body)["subject"].startswith("TEST, NO ALARM")


@needs_openssl
@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_mail_contact_is_tested_over_tls_by_the_authority_that_is_configured(
    tmp_path: Path, tls: str
) -> None:
    """With the hospital's own authority it arrives; without it nothing does, and the reason is clear."""
    made = certificate(tmp_path)
    mail = "kind: smtp, host: 127.0.0.1, sender: pumpd@ward.invalid, to: nurse@ward.invalid"
    shown = made.served()
    serving = mail_server(tls=shown) if tls == "tls" else mail_server(offers=shown)
    with beside(serving) as server:
        contact = f"{mail}, port: {server.port}, tls: {tls}"
        status, output = asked(written(tmp_path, contact), "charge nurse")
        assert (status, "its certificate is not trusted" in output, server.mails) == (1, True, [])
        status, output = asked(written(tmp_path, f"{contact}, ca_file: {made.file.name}"), "charge nurse")
    assert (status, "charge nurse: taken" in output) == (0, True)
    (taken,) = server.mails
    assert taken["Subject"].startswith("TEST, NO ALARM")


def test_a_syslog_contact_and_a_command_are_tested(tmp_path: Path) -> None:
    """One line at the server; the whole message at the program. Where nobody listens the answer is no."""
    with syslog_server() as server:
        contact = f'kind: syslog, address: "127.0.0.1:{server.getsockname()[1]}"'
        assert asked(written(tmp_path, contact), "charge nurse")[0] == 0
        assert "TEST, NO ALARM" in server.recv(2000).decode()
    into = tmp_path / "paged"
    program = script(tmp_path, f'cat > "{into}"')
    assert asked(written(tmp_path, f"kind: command, command: [{program}]"), "charge nurse")[0] == 0
    assert json.loads(into.read_text())["subject"].startswith("TEST, NO ALARM")
    for contact in ("kind: command, command: [/nowhere/page]", "kind: syslog, address: /nowhere/log"):
        status, output = asked(written(tmp_path, contact), "charge nurse")
        assert (status, "No such file" in output) == (1, True)


def test_an_authority_that_can_not_be_read_is_found_before_the_start(tmp_path: Path) -> None:
    """check-config names it; the command does not get as far as a server."""
    (tmp_path / "empty.pem").write_text("no certificate")
    for name in ("nowhere.pem", "empty.pem"):
        contact = f'kind: webhook, url: "https://127.0.0.1:1/", ca_file: {name}'
        status, output = asked(written(tmp_path, contact), "charge nurse")
        assert (status, f"{name} can not be used" in output) == (1, True)


def test_a_contact_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The operator edits something: exit status 2, with the names that are known."""
    file = written(tmp_path, "kind: syslog, address: /dev/log")
    status, output = asked(file, "doctor")
    assert status == 2
    assert f"{file}: alarms.contacts: there is no contact 'doctor'\n    allowed: charge nurse\n" in output
    file.write_text(file.read_text().partition("alarms:")[0])
    status, output = asked(file, "charge nurse")
    assert (status, f"remedy:  write 'charge nurse' below alarms.contacts of {file}" in output) == (2, True)


def test_the_documented_contact_is_taken(tmp_path: Path) -> None:
    """The lines of docs/commands.md make the command beside them a true one; only the server is another."""
    page = (LIBRARY.parents[1] / "docs" / "commands.md").read_text().partition("## contacts test\n")[2]
    lines, shown = re.findall(r"```(?:yaml)?\n(.*?)```", page, re.DOTALL)[:2]
    with beside(web_server()) as server:
        file = written(tmp_path, "kind: syslog, address: /dev/log")
        mine = re.sub(r'https://[^"]+', f"http://127.0.0.1:{server.port}/hook", lines)
        file.write_text(file.read_text().partition("alarms:")[0] + mine)
        assert f'contacts test "charge nurse" -c {file.name}\n' in shown
        assert asked(file, "charge nurse") == (0, shown.partition("\n")[2])
