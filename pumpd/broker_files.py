"""What Mosquitto needs to let in the daemons and dashboards of one site, and nobody else."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
import secrets
import shutil
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from pumpd.certificates import CERTIFICATE_DAYS, Authority, write_private
from pumpd.contract.topics import Topics, check_id

ITERATIONS = 210_000
"""PBKDF2 with SHA-512 (OWASP Password Storage Cheat Sheet, 2023); Mosquitto's own default is 101."""

_LONGEST_NAME = 253
_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*")
"""What a program asks DNS for (RFC 1123 2.1), and the underscore of containers' names."""


def node_account(node: str) -> str:
    """Return the name of a daemon's account."""
    return f"node-{node}"


def dashboard_account(dashboard: str) -> str:
    """Return the name of a dashboard's account."""
    return f"dashboard-{dashboard}"


def acl_text(site: str, nodes: Iterable[str], dashboards: Iterable[str]) -> str:
    """Return Mosquitto's ``acl_file``: what is not named for an account is refused to it."""
    topics = Topics(site)
    rules = [
        "# Who may read and write what. Nothing stands outside of a user: who has no account reads and",
        "# writes nothing. A dashboard can not write what daemons tell, nor a daemon a command.",
    ]
    for node in nodes:
        rules += [
            "",
            f"user {node_account(check_id(node, 'node'))}",
            f"topic write {topics.node_status(node)}",
            f"topic write {topics.node_telemetry(node)}",
            f"topic write {topics.node_event(node)}",
            f"topic write {topics.reply(node, '+')}",
            f"topic write {topics.snapshot('+', '+')}",
            f"topic write {topics.alarm('+', '+', '+')}",
            *(f"topic read {topic}" for topic in (topics.node_status(node), topics.commands(node))),
            *(f"topic read {topic}" for topic in topics.everything_of_pumps()),
        ]
    for dashboard in dashboards:
        rules += [
            "",
            f"user {dashboard_account(check_id(dashboard, 'dashboard'))}",
            *(f"topic read {topic}" for topic in topics.everything_live()),
            f"topic write {topics.commands('+')}",
            f"topic write {topics.presence(dashboard)}",
        ]
    return "\n".join(rules) + "\n"


def password_line(account: str, password: str) -> str:
    """Return a line of Mosquitto's ``password_file``: a salted hash, from which nobody gets the password."""
    salt = secrets.token_bytes(12)
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"{account}:$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(made).decode()}\n"


def make_broker_files(
    folder: Path,
    site: str,
    nodes: Sequence[str],
    dashboards: Sequence[str],
    hosts: Sequence[str],
    now: datetime,
) -> tuple[str, ...]:
    """Make certificates, accounts and rules in a new folder, and return the accounts.

    FileExistsError where there is a folder, ValueError for an id or a host that is none, with nothing left.
    Every account's password is a file of its own. The authority's key is needed again only to renew.
    """
    nodes, dashboards, hosts = (tuple(dict.fromkeys(each)) for each in (nodes, dashboards, hosts))
    rules = acl_text(site, nodes, dashboards)
    accounts = (*map(node_account, nodes), *map(dashboard_account, dashboards))
    authority = Authority.new(f"pumpd {site}", now)
    until = now + timedelta(days=CERTIFICATE_DAYS)
    certificate, key = authority.vouch(hosts[0], [check_host(each) for each in hosts], now, until)
    folder.mkdir(parents=True, mode=0o700)
    try:
        (folder / "ca.pem").write_bytes(authority.pem)
        write_private(folder / "ca.key", authority.key_pem)
        (folder / "server.pem").write_bytes(certificate)
        write_private(folder / "server.key", key)
        (folder / "acl").write_text(rules, encoding="utf-8")
        lines = ""
        for account in accounts:
            password = secrets.token_urlsafe(24)
            write_private(folder / f"{account}.password", f"{password}\n".encode())
            lines += password_line(account, password)
        write_private(folder / "passwords", lines.encode())
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return accounts


def check_host(host: str) -> str:
    """Return ``host`` when a client can hold a certificate against it: a name or an address; ValueError."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        if len(host) <= _LONGEST_NAME and _NAME.fullmatch(host):
            return host
    raise ValueError(
        f"host {host!r}: allowed are an address, or a name of letters, digits, '-' and '.', as broker.example"
    )
