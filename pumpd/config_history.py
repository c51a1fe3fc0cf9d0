"""Where readings are kept: the embedded history, or InfluxDB."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from pumpd.config_section import Section
from pumpd.document import DocPath, Document
from pumpd.errors import Problem
from pumpd.fields import Number, Whole


class HistorySection(Section):
    """Where readings are kept; every key but ``kind`` is for InfluxDB alone."""

    kind: Literal["sqlite", "influxdb"] = Field(
        default="sqlite",
        description="sqlite for files in data_dir, influxdb for a database server",
        examples=["sqlite"],
    )
    url: str = Field(
        default="",
        description="the server, http:// on this host or https:// anywhere",
        examples=["http://127.0.0.1:8086"],
    )
    org: str = Field(
        default="",
        max_length=64,
        description="the organisation; empty where there is none",
        examples=["clinic"],
    )
    bucket: str = Field(
        default="pumpd",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="the bucket or database, 1 to 64 letters, digits, '.', '_' and '-'",
        examples=["pumpd"],
    )
    token_file: str = Field(
        default="",
        description="a file that holds the token, readable by its owner only; relative to this file",
        examples=["influxdb-token"],
    )
    ca_file: str = Field(
        default="",
        description="a file with the certificates that vouch for the server; empty for the machine's own",
        examples=["ca.pem"],
    )
    timeout_s: Number = Field(
        default=10,
        ge=1,
        le=60,
        description="seconds that the server has for an answer, 1 to 60",
        examples=[10],
    )
    spool_mib: Whole = Field(
        default=1024,
        ge=16,
        le=1_048_576,
        description="what may wait on this host's disk while the server is away, 16 to 1048576 MiB",
        examples=[1024],
    )
    retention_days: Whole = Field(
        default=731,
        ge=0,
        le=36_500,
        description="for how many days `pumpd store init` has the server keep readings; 0 for ever",
        examples=[731],
    )


def history_problems(
    document: Document,
    history: HistorySection,
    directory: Path,
    secret: Callable[[DocPath, str], Iterator[Problem]],
) -> Iterator[Problem]:
    """Yield what does not fit together; ``secret`` judges a file that holds one."""
    if history.kind == "sqlite":
        for key in sorted(history.model_fields_set - {"kind"}):
            yield document.problem(
                ("history", key),
                f"{key} says nothing to the embedded history",
                "kind alone, with kind: sqlite",
                f"remove {key}, or write kind: influxdb",
            )
        return
    yield from _address(document, history.url)
    yield from secret(("history", "token_file"), history.token_file)
    if history.ca_file and not (directory / history.ca_file).is_file():
        yield document.problem(
            ("history", "ca_file"),
            f"{history.ca_file} is no file",
            "a file with certificates (PEM)",
            "name the file, relative to this file, or remove ca_file",
        )


def _address(document: Document, url: str) -> Iterator[Problem]:
    path: DocPath = ("history", "url")
    allowed = "http://HOST:PORT on this host, https://HOST:PORT anywhere"
    remedy = "write url: http://127.0.0.1:8086"
    if not url:
        yield document.problem(path, "there is no url, and kind is influxdb", allowed, remedy)
        return
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        yield document.problem(path, "this is no address", allowed, remedy)
        return
    if parts.username is not None or parts.password is not None:
        what = "there is a name or password in the address, which would stand in logs"
        yield document.problem(path, what, allowed, "put the token into a file and name it in token_file")
    elif parts.scheme not in {"http", "https"} or not host or " " in host or parts.port == 0:
        yield document.problem(path, f"{url!r} is no address of a server", allowed, remedy)
    elif parts.path.strip("/") or parts.query or parts.fragment:
        yield document.problem(path, f"{url!r} has a path", allowed, "end it after the port")
    elif parts.scheme == "http" and not _on_this_host(host):
        what = f"{host} is another host: readings and token would go over the network unencrypted"
        yield document.problem(path, what, allowed, f"write url: https://{parts.netloc}")


def _on_this_host(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
