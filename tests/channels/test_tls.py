"""Mail and webhooks over TLS: what a certificate vouches for is sent, and nothing else."""

from __future__ import annotations

import ssl
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Literal

import pytest

from pumpd.channels.mail import Mail
from pumpd.channels.webhook import Webhook
from pumpd.errors import TransportError
from tests.channels.certificates import certificate, needs_openssl
from tests.channels.servers import MailServer, mail_server, web_server
from tests.channels.test_channels import MESSAGE, SECRET, mail

pytestmark = [pytest.mark.real, pytest.mark.requirement("LIFE-3"), needs_openssl]
Tls = Literal["starttls", "tls"]
BOTH = pytest.mark.parametrize("tls", ["starttls", "tls"])


def _server(tls: Tls, shown: ssl.SSLContext) -> AbstractAsyncContextManager[MailServer]:
    account = f"pumpd:{SECRET}"
    if tls == "tls":
        return mail_server(tls=shown, account=account)
    return mail_server(offers=shown, account=account)


def _mail(port: int, tls: Tls, ca_file: Path | str) -> Mail:
    return mail(port, tls=tls, username="pumpd", secret=lambda: SECRET, ca_file=str(ca_file))


@BOTH
async def test_a_mail_arrives_over_tls(tmp_path: Path, tls: Tls) -> None:
    """From the first byte or after STARTTLS; the account signs in behind it."""
    made = certificate(tmp_path)
    async with _server(tls, made.served()) as server:
        await _mail(server.port, tls, made.file).send(MESSAGE)
        assert [taken["Subject"] for taken in server.mails] == [MESSAGE.subject]
        assert ("STARTTLS" in server.heard) is (tls == "starttls")


@BOTH
@pytest.mark.parametrize(
    ("name", "trusted", "words"),
    [
        (
            "IP:127.0.0.1",
            "",
            "certificate is not trusted .self.signed certificate.; ca_file names whom to trust",
        ),
        ("IP:127.0.0.1", "another", "certificate is not trusted .self.signed certificate"),
        ("DNS:mail.invalid", "itself", "certificate is not trusted .IP address mismatch"),
    ],
)
async def test_a_wrong_certificate_is_refused_in_clear_words(
    tmp_path: Path, tls: Tls, name: str, trusted: str, words: str
) -> None:
    """Nobody vouches for it, somebody else is trusted, or it is another's: no password, no mail."""
    made = certificate(tmp_path, name)
    (tmp_path / "other").mkdir()
    whom = {"": "", "itself": str(made.file), "another": str(certificate(tmp_path / "other").file)}[trusted]
    async with _server(tls, made.served()) as server:
        with pytest.raises(TransportError, match=words) as refused:
            await _mail(server.port, tls, whom).send(MESSAGE)
        assert str(refused.value).startswith(f"mail server 127.0.0.1:{server.port}: its certificate")
        assert server.mails == []
        assert "AUTH" not in server.heard


@BOTH
async def test_a_file_of_authorities_that_is_none_is_named(tmp_path: Path, tls: Tls) -> None:
    """The reason says which file, so that somebody can mend it."""
    made, empty = certificate(tmp_path), tmp_path / "empty.pem"
    empty.write_text("no certificate")
    async with _server(tls, made.served()) as server:
        for file in (empty, tmp_path / "nowhere.pem"):
            with pytest.raises(TransportError, match=f"ca_file {file}"):
                await _mail(server.port, tls, file).send(MESSAGE)
        assert server.mails == []


async def test_a_webhook_over_tls_goes_to_whom_it_trusts_and_to_nobody_else(tmp_path: Path) -> None:
    """The token is sent only after the certificate was checked."""
    made = certificate(tmp_path)
    async with web_server(tls=made.served()) as server:
        url = f"https://127.0.0.1:{server.port}/hook"
        with pytest.raises(TransportError, match="certificate is not trusted"):
            await Webhook(url, lambda: SECRET).send(MESSAGE)
        assert server.asked == []
        await Webhook(url, lambda: SECRET, str(made.file)).send(MESSAGE)
        ((_, headers, _),) = server.asked
    assert headers["authorization"] == f"Bearer {SECRET}"
