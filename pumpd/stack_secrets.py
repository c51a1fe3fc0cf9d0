"""Makes the secrets of docker-compose.yml once, each in the volume of the service that needs it.

``python -m pumpd.stack_secrets DIR``: certificates, accounts of the broker, a token of the database.
A second run finds them made and changes nothing, but for certificates that end soon. No secret is printed.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pumpd.broker_files import dashboard_account, make_broker_files, node_account, password_line
from pumpd.certificates import CERTIFICATE_DAYS, Authority, write_private
from pumpd.clock import SystemClock

SITE, NODE, DASHBOARD = "clinic", "ward-a", "dashboard"
"""As config/compose names them."""
OWNERS: Final[Mapping[str, int]] = {"mosquitto": 1883, "influxdb": 1000, "pumpd": 10001, "dashboard": 10001}
"""The number of the account under which each service runs."""
HERE = ("localhost", "127.0.0.1")
SERVERS = ("mosquitto", "influxdb", "dashboard")
"""Those with a certificate of their own."""
RENEWED_BEFORE = timedelta(days=30)
HEALTH_ACCOUNT = "health"
"""Reads one topic of the broker's own, to tell that it serves."""
HEALTH_RULES = f"\nuser {HEALTH_ACCOUNT}\ntopic read $SYS/broker/uptime\n"
BROKER_FILES = ("server.pem", "server.key", "ca.pem", "passwords", "acl", "health.password")
DONE = "authority/ca.pem"
"""Written last."""

Own = Callable[[Path, int], None]


def _own(path: Path, account: int) -> None:
    os.chown(path, account, account)


def make_stack_secrets(folder: Path, now: datetime, own: Own = _own) -> bool:
    """Make them below ``folder`` unless they are there; return whether anything was made.

    ``own`` gives a file or folder to an account. What an earlier run left half done is made anew.
    """
    if (folder / DONE).exists():
        return _renewed(folder, now, own)
    for service in ("authority", *OWNERS):
        (folder / service).mkdir(parents=True, exist_ok=True)
        for left in (folder / service).iterdir():
            left.unlink()
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "broker"
        make_broker_files(made, SITE, [NODE], [DASHBOARD], ["mosquitto", *HERE], now)
        health = secrets.token_urlsafe(24)
        with (made / "passwords").open("a") as accounts:
            accounts.write(password_line(HEALTH_ACCOUNT, health))
        with (made / "acl").open("a") as rules:
            rules.write(HEALTH_RULES)
        (made / "health.password").write_text(health)
        token = secrets.token_urlsafe(32).encode()
        _hand_out(
            folder,
            {
                "mosquitto": {name: (made / name).read_bytes() for name in BROKER_FILES},
                "influxdb": {
                    **_serving(made, "influxdb", now),
                    "admin-token": token,
                    "admin-password": secrets.token_urlsafe(24).encode(),
                },
                "pumpd": _client(made, node_account(NODE), token),
                "dashboard": {
                    **_serving(made, "dashboard", now),
                    **_client(made, dashboard_account(DASHBOARD), token),
                },
            },
            own,
        )
        write_private(folder / "authority" / "ca.key", (made / "ca.key").read_bytes())
        shutil.copy(made / "ca.pem", folder / DONE)
    return True


def _serving(authority: Path, server: str, now: datetime) -> dict[str, bytes]:
    """Return a certificate for a server and its key, from the authority in a folder."""
    key = load_pem_private_key((authority / "ca.key").read_bytes(), None)
    assert isinstance(key, EllipticCurvePrivateKey)
    vouching = Authority(x509.load_pem_x509_certificate((authority / "ca.pem").read_bytes()), key)
    shown = vouching.vouch(server, [server, *HERE], now, now + timedelta(days=CERTIFICATE_DAYS))
    return dict(zip(("server.pem", "server.key"), shown, strict=True))


def _renewed(folder: Path, now: datetime, own: Own) -> bool:
    """Give servers without a certificate that lasts another one; return whether there was one."""
    renewed = False
    for server in SERVERS:
        place = folder / server
        if _holds(place / "server.pem", now + RENEWED_BEFORE):
            continue
        renewed = True
        for name, content in _serving(folder / "authority", server, now).items():
            (place / name).unlink(missing_ok=True)
            write_private(place / name, content)
            own(place / name, OWNERS[server])
    return renewed


def _holds(certificate: Path, at: datetime) -> bool:
    if not certificate.exists():
        return False
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc > at


def _client(made: Path, account: str, token: bytes) -> dict[str, bytes]:
    return {
        "ca.pem": (made / "ca.pem").read_bytes(),
        "mqtt-password": (made / f"{account}.password").read_bytes(),
        "influxdb-token": token,
    }


def _hand_out(folder: Path, files: Mapping[str, Mapping[str, bytes]], own: Own) -> None:
    for service, account in OWNERS.items():
        place = folder / service
        for name, content in files[service].items():
            write_private(place / name, content)
            own(place / name, account)
        place.chmod(0o700)
        own(place, account)


def main(arguments: Sequence[str]) -> int:
    """Make them in the folder that is named and say whether they were there."""
    made = make_stack_secrets(Path(arguments[0]), SystemClock().wall())
    sys.stdout.write("secrets made\n" if made else "secrets are there already\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
