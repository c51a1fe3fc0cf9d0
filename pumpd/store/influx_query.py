"""InfluxQL over HTTP: every version of InfluxDB answers it at ``/query``."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener

from pumpd.errors import StoreError
from pumpd.store.influx_place import InfluxPlace

MOST_WORDS = 500


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
                raise StoreError(f"{self._place.url}: {self._place.without_secret(str(result['error']))}")
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
        try:
            with self._open(request) as answer:
                found = answer.read()
        except HTTPError as error:
            with error:
                said = error.read(MOST_WORDS).decode(errors="replace").strip()
            raise StoreError(
                f"{self._place.url}{path}: {error.code}: {self._place.without_secret(said)}"
            ) from None
        assert isinstance(found, bytes)
        return found

    def _open(self, request: Request) -> Any:
        token = self._place.token()
        if token:
            request.add_unredirected_header("Authorization", f"Token {token}")
        try:
            return self._opener.open(request, timeout=self._place.timeout_s)
        except HTTPError:
            raise
        except (URLError, OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise StoreError(f"{self._place.url}: it does not answer: {reason}") from None


def _opener(place: InfluxPlace) -> OpenerDirector:
    """Return what opens addresses: without a proxy that the environment names, with the place's own CA."""
    trusted = ssl.create_default_context(cafile=place.ca_file or None)
    return build_opener(ProxyHandler({}), HTTPSHandler(context=trusted))
