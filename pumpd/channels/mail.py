"""Mail over SMTP."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from typing import Literal

from pumpd.channels.base import SENT_WITHIN_S, Message, in_thread, refused, trusting

_IN_ONE_LINE = SMTP.clone(max_line_length=900)
"""A subject is not broken up, for pagers that would show none of it; RFC 5322, 2.1.1: at most 998."""


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
    ca_file: str = ""
    """Whose certificates are trusted; empty for those of the machine."""

    async def send(self, message: Message) -> None:
        """Hand a mail to the server; see ``Channel.send``."""
        mail = EmailMessage(_IN_ONE_LINE)
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
        server: smtplib.SMTP
        if self.tls == "tls":
            context = trusting(self.ca_file)
            server = smtplib.SMTP_SSL(self.host, self.port, timeout=SENT_WITHIN_S, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=SENT_WITHIN_S)
        with server:
            if self.tls == "starttls":
                server.starttls(context=trusting(self.ca_file))
            if self.username:
                server.login(self.username, self.secret())
            server.send_message(mail)
