"""An HTTP POST with the facts as JSON."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from pumpd.channels.base import SENT_WITHIN_S, Message, in_thread, refused, trusting


class _NoRedirect(HTTPRedirectHandler):
    """An answer elsewhere is no answer: the token goes to the host that was configured and no other."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""
        return


@dataclass(frozen=True, slots=True)
class Webhook:
    """One address of one server."""

    url: str
    secret: Callable[[], str] = lambda: ""
    """Returns the bearer token, empty for none; OSError when its file can not be read."""
    ca_file: str = ""
    """Whose certificates are trusted; empty for those of the machine."""

    async def send(self, message: Message) -> None:
        """POST the facts; any status but 2xx is a refusal. See ``Channel.send``."""
        try:
            await in_thread(lambda: self._post(message), "pumpd-webhook")
        except HTTPError as error:
            error.close()
            raise refused(f"webhook {self._host()}", ValueError(f"HTTP status {error.code}")) from None
        except URLError as error:
            reason = error.reason if isinstance(error.reason, OSError) else ValueError(error.reason)
            raise refused(f"webhook {self._host()}", reason) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise refused(f"webhook {self._host()}", error) from None

    def _host(self) -> str:
        """Return what may be shown of the address: its path may be a secret."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    def _post(self, message: Message) -> None:
        said = {"id": message.id, "subject": message.subject, "text": message.text, **message.facts}
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.id}
        token = self.secret()
        if token:
            headers["Authorization"] = f"Bearer {token}"
        request = Request(self.url, json.dumps(said).encode(), headers, method="POST")  # noqa: S310 - checked
        https = HTTPSHandler(context=trusting(self.ca_file))
        opener = build_opener(ProxyHandler({}), _NoRedirect(), https)
        with opener.open(request, timeout=SENT_WITHIN_S) as answer:
            answer.read(1024)
