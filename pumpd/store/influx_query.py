"""InfluxQL over HTTP: every version of InfluxDB answers it at ``/query``."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from pumpd.errors import StoreError
from pumpd.store.influx_place import InfluxPlace
from pumpd.store.timely import TimelyConnection, TimelyTlsConnection

MOST_WORDS = 500
MOST_READ = 4096
_REMEDIES = {
    401: "; the token of history.token_file is not known there, or may not do this",
    403: "; the token of history.token_file may not do this",
}
_NO_BUCKET = ("database not found", "retention policy not set", "retention policy not found")
"""1.6 says the first. 2.7.11's v1/coordinator says the others, of a bucket that a token may not read, too."""


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer."""

    tags: Mapping[str, str]
    """Those that were asked for by GROUP BY."""
    rows: tuple[dict[str, Any], ...]
    """By column; ``time`` is in ms since 1970, or in what was asked for."""


def text(value: str) -> str:
    """Return a string as InfluxQL spells it."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def name(value: str) -> str:
    """Return the name of a field, tag, measurement or database as InfluxQL spells it."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _no_bucket(words: str) -> str:
    """Return what to do where a server finds no bucket by this name, or none that may be read."""
    if not any(each in words for each in _NO_BUCKET):
        return ""
    return "; make it (pumpd store init), or have the token of history.token_file read it"


def told_by(place: InfluxPlace, code: int, body: str) -> str:
    """Return a server's refusal in its words, without the secret, and what to do where that is known."""
    try:
        told = json.loads(body)
        body = told.get("message") or told.get("error") or body
    except (ValueError, AttributeError):
        pass
    words = place.without_secret(" ".join(str(body).split()))[:MOST_WORDS]  # cut last, or half a secret stays
    return f"{code}: {words}{_REMEDIES.get(code, '')}"


class InfluxQuery:
    """Asks one database; what is asked stands in the body, never in an address that a log could keep."""

    def __init__(self, place: InfluxPlace) -> None:
        self._place = place
        self._opener = _opener(place)

    def ask(self, statement: str, *, database: bool = True, epoch: str = "ms") -> tuple[Series, ...]:
        """Return what one statement gives; StoreError with the server's words, and no secret in them."""
        fields = {"q": statement, "epoch": epoch}
        if database:
            fields["db"] = self._place.bucket
        answer = self._send("/query", urlencode(fields).encode())
        try:
            (result,) = json.loads(answer)["results"]
            if "error" in result:
                words = self._place.without_secret(str(result["error"]))
                raise StoreError(f"{self._place.url}: {words}{_no_bucket(words)}")
            return tuple(
                Series(
                    series.get("tags", {}),
                    tuple(dict(zip(series["columns"], row, strict=True)) for row in series.get("values", ())),
                )
                for series in result.get("series", ())
            )
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{self._place.url}/query: the answer is no answer of InfluxDB's") from error

    def version(self) -> str:
        """Return what the server calls itself, such as ``1.6.7`` or ``v2.7.1``; empty when silent."""
        with self._listening():
            try:
                with self._open(Request(f"{self._place.url}/ping")) as answer:  # noqa: S310 - http(s), checked
                    return str(answer.headers.get("X-Influxdb-Version", ""))
            except HTTPError as error:
                found = str(error.headers.get("X-Influxdb-Version", ""))
                error.close()
                return found

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        """Post JSON to another of the server's paths; StoreError with its words."""
        self._send(path, json.dumps(body).encode(), "application/json")

    def _send(self, path: str, body: bytes, kind: str = "application/x-www-form-urlencoded") -> bytes:
        request = Request(f"{self._place.url}{path}", body, {"Content-Type": kind})  # noqa: S310 - http(s)
        with self._listening():
            try:
                with self._open(request) as answer:
                    found = answer.read()
            except HTTPError as error:
                with error:
                    words = told_by(self._place, error.code, error.read(MOST_READ).decode(errors="replace"))
                raise StoreError(f"{self._place.url}{path}: {words}") from None
        assert isinstance(found, bytes)
        return found

    def _open(self, request: Request) -> Any:
        token = self._place.token()
        if token:
            request.add_unredirected_header("Authorization", f"Token {token}")
        return self._opener.open(request, timeout=self._place.timeout_s)

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """Turn what goes wrong on the way, to the last byte of an answer, into a StoreError."""
        try:
            yield
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise StoreError(f"{self._place.url}: it does not answer: {reason}") from None


class _Http(HTTPHandler):
    def http_open(self, request: Request) -> HTTPResponse:
        return self.do_open(TimelyConnection, request)


class _Https(HTTPSHandler):
    def __init__(self, trusted: ssl.SSLContext) -> None:
        super().__init__()
        self._trusted = trusted

    def https_open(self, request: Request) -> HTTPResponse:
        return self.do_open(TimelyTlsConnection, request, context=self._trusted)


def _opener(place: InfluxPlace) -> OpenerDirector:
    """Return what opens addresses: without a proxy that the environment names, with the place's own CA."""
    trusted = ssl.create_default_context(cafile=place.ca_file or None)
    return build_opener(ProxyHandler({}), _Http(), _Https(trusted))
