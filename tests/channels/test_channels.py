"""Messages really arrive: by mail, HTTP, syslog and at a program; a refusal says why."""

from __future__ import annotations

import json
import socket
import stat
from pathlib import Path

import pytest

from pumpd.channels.base import Message
from pumpd.channels.command import Command
from pumpd.channels.mail import Mail
from pumpd.channels.syslog import SyslogChannel
from pumpd.channels.webhook import Webhook
from pumpd.clock import SystemClock
from pumpd.errors import TransportError
from pumpd.syslog import Syslog
from tests.channels.servers import mail_server, syslog_server, web_server

pytestmark = [pytest.mark.real, pytest.mark.requirement("LIFE-3")]
MESSAGE = Message(
    "0123abcd",
    "HIGH bed 3: TOO FAST: 3 mg/kg/h",
    "TOO FAST\nLook at the pump.\n",
    {"advisory": True, "test": False},
)
SECRET = "a very secret word"


def mail(port: int, **changes: object) -> Mail:
    usual = {"tls": "none", "sender": "pumpd@ward.invalid", "to": "nurse@ward.invalid"}
    return Mail("127.0.0.1", port, **{**usual, **changes})  # type: ignore[arg-type]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


async def test_a_mail_arrives_whole():
    """Subject, recipient, text, and an id by which it is known when it comes twice."""
    async with mail_server() as server:
        await mail(server.port).send(MESSAGE)
        (taken,) = server.mails
    assert (taken["Subject"], taken["To"], taken["Message-ID"]) == (
        MESSAGE.subject,
        "nurse@ward.invalid",
        "<0123abcd@pumpd>",
    )
    assert taken.get_payload(decode=True) == MESSAGE.text.replace("\n", "\r\n").encode()


async def test_a_mail_server_that_wants_a_password_gets_it():
    """The account signs in; a wrong password is refused without being shown."""
    async with mail_server(account=f"pumpd:{SECRET}") as server:
        await mail(server.port, username="pumpd", secret=lambda: SECRET).send(MESSAGE)
        assert len(server.mails) == 1
        with pytest.raises(TransportError) as refused:
            await mail(server.port, username="pumpd", secret=lambda: "another").send(MESSAGE)
        assert "another" not in str(refused.value)
        assert len(server.mails) == 1


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
async def test_a_mail_that_is_refused_says_so(verb):
    """Whenever the server says no, nobody was told."""
    async with mail_server(refuse=verb) as server:
        with pytest.raises(TransportError, match=f"mail server 127.0.0.1:{server.port}"):
            await mail(server.port).send(MESSAGE)
        assert server.mails == []


async def test_a_server_without_tls_never_gets_a_mail_that_needs_it():
    """Nothing goes out in the clear that was meant to be hidden."""
    async with mail_server(account=f"pumpd:{SECRET}") as server:
        with pytest.raises(TransportError, match="STARTTLS"):
            await mail(server.port, tls="starttls", username="pumpd", secret=lambda: SECRET).send(MESSAGE)
        assert "AUTH" not in server.heard


async def test_a_webhook_gets_the_facts():
    """One POST with JSON, the token, and the id as the key against doubles."""
    async with web_server() as server:
        await Webhook(f"http://127.0.0.1:{server.port}/hook", lambda: SECRET).send(MESSAGE)
        ((first, headers, body),) = server.asked
    assert first == "POST /hook HTTP/1.1"
    assert headers["authorization"] == f"Bearer {SECRET}"
    assert headers["idempotency-key"] == "0123abcd"
    assert json.loads(body) == {
        "id": "0123abcd",
        "subject": MESSAGE.subject,
        "text": MESSAGE.text,
        "advisory": True,
        "test": False,
    }


@pytest.mark.parametrize("status", ["500 No", "404 No", "401 No"])
async def test_a_webhook_that_is_refused_says_so(status):
    """Any answer but 2xx; neither path nor token is shown."""
    async with web_server(status=status) as server:
        hook = Webhook(f"http://127.0.0.1:{server.port}/secret-path", lambda: SECRET)
        with pytest.raises(TransportError, match=f"HTTP status {status[:3]}") as refused:
            await hook.send(MESSAGE)
    assert SECRET not in str(refused.value)
    assert "secret-path" not in str(refused.value)


async def test_a_webhook_is_never_led_elsewhere():
    """A redirection is a refusal: the token goes to the configured host alone."""
    async with (
        web_server() as other,
        web_server(status="302 Found", more=f"Location: http://127.0.0.1:{other.port}/\r\n") as server,
    ):
        with pytest.raises(TransportError, match="HTTP status 302"):
            await Webhook(f"http://127.0.0.1:{server.port}/", lambda: SECRET).send(MESSAGE)
        assert other.asked == []


async def test_a_syslog_server_gets_one_line():
    """At severity alert, with the id at its end."""
    with syslog_server() as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        await SyslogChannel(Syslog(address, SystemClock())).send(MESSAGE)
        line = server.recv(2000).decode()
    assert line.startswith("<25>1 ")
    assert line.endswith(f"{MESSAGE.subject} (0123abcd)")


def script(directory: Path, text: str) -> str:
    file = directory / "page.sh"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(stat.S_IRWXU)
    return str(file)


async def test_a_program_gets_the_message_on_its_standard_input(tmp_path):
    """Its arguments are as configured, and nothing of pumpd's own surroundings reaches it."""
    into = tmp_path / "paged"
    program = script(tmp_path, f'cat > "{into}"; echo "$1 $HOME" >> "{into}"')
    await Command((program, "ward-a")).send(MESSAGE)
    body, last = into.read_text().split("\n")[0], into.read_text().split("\n")[-2]
    assert json.loads(body.removesuffix("ward-a "))["subject"] == MESSAGE.subject
    assert last.endswith("ward-a ")


async def test_a_program_that_fails_says_why(tmp_path):
    """Its exit status and its last words are in the reason."""
    program = script(tmp_path, "cat > /dev/null; echo no carrier >&2; exit 3")
    with pytest.raises(TransportError, match="exit status 3 no carrier"):
        await Command((program,)).send(MESSAGE)
    with pytest.raises(TransportError, match="No such file"):
        await Command(("/nowhere/page",)).send(MESSAGE)


async def test_a_program_that_hangs_is_ended(tmp_path, monkeypatch):
    """It is killed, so that the next attempt does not find it still there."""
    monkeypatch.setattr("pumpd.channels.command.SENT_WITHIN_S", 0.2)
    with pytest.raises(TransportError, match="did not end within"):
        await Command((script(tmp_path, "exec sleep 60"),)).send(MESSAGE)


async def test_where_nobody_listens_nobody_is_told():
    """Mail and webhook say so at once."""
    port = free_port()
    for channel in (mail(port), Webhook(f"http://127.0.0.1:{port}/")):
        with pytest.raises(TransportError, match="refused"):
            await channel.send(MESSAGE)
