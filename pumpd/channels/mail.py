"""Mail over SMTP."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Literal

from pumpd.channels.base import SENT_WITHIN_S, Message, in_thread, refused


@dataclass(frozen=True, slots=True)
class Mail:
    """One recipient behind one mail server."""

    host: str
    port: int
    tls: Literal["none", "starttls", "tls"]
    sender: str
    to: str
    username: str = ""
    secret: Callable[[], str] = lambda: ""
    """Returns the password; OSError when its file can not be read."""

    async def send(self, message: Message) -> None:
        """Hand a mail to the server; see ``Channel.send``."""
        mail = EmailMessage()
        mail["Subject"] = message.subject
        mail["From"] = self.sender
        mail["To"] = self.to
        mail["Message-ID"] = f"<{message.id}@pumpd>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note answers it
        mail.set_content(message.text)
        try:
            await in_thread(lambda: self._hand_over(mail), "pumpd-mail")
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise refused(f"mail server {self.host}:{self.port}", error) from None

    def _hand_over(self, mail: EmailMessage) -> None:
        context = ssl.create_default_context()
        if self.tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, timeout=SENT_WITHIN_S, context=context
            )
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=SENT_WITHIN_S)
        with server:
            if self.tls == "starttls":
                server.starttls(context=context)
            if self.username:
                server.login(self.username, self.secret())
            server.send_message(mail)
