"""A whole dashboard and daemon, as talkative as they can be: what people type and hold stands nowhere."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from dashboard.visitor import DEVICE, SESSION
from pumpd.cli import app
from pumpd.config import load
from pumpd.key_files import own_key
from tests.dashboard.door import ALARM
from tests.dashboard.people import PASSWORD, open_store, prepare
from tests.dashboard.served import now_s
from tests.e2e.test_alarms import Program, programs
from tests.house.tree import ROOT
from tests.mosquitto import Mosquitto, free_port, missing

pytestmark = [
    pytest.mark.real,
    pytest.mark.e2e,
    pytest.mark.requirement("KEY-5", "PEOPLE-6"),
    pytest.mark.skipif(bool(missing()), reason=missing()),
    pytest.mark.timeout(300),
]
PIN = "73190462"
WRONG, WRONG_PIN = "the password of the bank", "60417359"
AS_A_NAME = "typed-into-the-field-for-names"
NEW_PASSWORD = "seven swans a-swimming"
PAGES = (
    "/",
    "/sign-in",
    "/healthz",
    "/readyz",
    "/metrics",
    "/api/state",
    "/api/session",
    "/api/people",
    "/none",
)


class Typist:
    """Somebody at the dashboard; everything that comes back is kept, but for the cookies' own headers."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, headers={"origin": url}, timeout=20)
        self.heard: dict[str, bytes] = {}

    def ask(self, method: str, path: str, **how: Any) -> httpx.Response:
        """Ask, and keep what was said."""
        said = self.client.request(method, path, **how)
        headers = [f"{name}: {value}" for name, value in said.headers.items() if name != "set-cookie"]
        self.heard[f"{method} {path} {len(self.heard)}"] = "\n".join(headers).encode() + said.content
        return said

    def post(self, path: str, status: int, body: dict[str, Any], **headers: str) -> Any:
        """Ask for something; return the answer's object."""
        said = self.ask("POST", f"/api/{path}", json=body, headers=headers)
        assert said.status_code == status, (path, said.status_code, said.text)
        return said.json()


def config_file(directory: Path, broker: int, web: int, health: int) -> Path:
    """Write the configuration of both programs."""
    file = directory / "pumpd.yaml"
    file.write_text(
        f"""site: clinic
node: ward-a
data_dir: var
mqtt: {{host: 127.0.0.1, port: {broker}}}
library: {ROOT}/config/drug-library.yaml
machine: {{time_server: false, least_free_mib: 0}}
syslog: {directory}/nobody
operation: {{port: {health}}}
dashboard: {{port: {web}}}
pumps:
  - {{id: PUMP-01, url: "modbus-tcp://127.0.0.1:{free_port()}/1", driver: reference-pump, ward: clinic}}
"""
    )
    return file


def everything_typed(typist: Typist) -> dict[str, str]:
    """Do what people do at the door, well and wrongly; return what came of it that must stay secret."""
    typist.post("sign-in", 401, {"name": "Ann", "password": WRONG})
    typist.post("sign-in", 401, {"name": AS_A_NAME, "password": WRONG})
    typist.post("sign-in", 422, {"name": "Ann", "password": [PASSWORD]})
    typist.post("sign-in", 422, {"name": "Ann", "password": PASSWORD, "pin": PIN})
    typist.ask("POST", "/api/sign-in", content=f'{{"name": "Ann", "password": "{PASSWORD}"')
    with contextlib.suppress(httpx.TransportError):  # it is refused before all of it was sent
        typist.ask("POST", "/api/sign-in", content=PASSWORD * 5000)
    typist.ask("POST", f"/api/{PASSWORD}", json={})
    typist.post("sign-in", 200, {"name": "Ann", "password": PASSWORD})
    session = typist.client.cookies[SESSION]
    typist.post("acknowledge", 200, ALARM)
    typist.ask("GET", "/api/session", headers={"x-debug": "1"})
    typist.ask("GET", f"/api/journal?start={session}")
    typist.client.cookies.clear()
    typist.client.cookies.set(DEVICE, "no-such-token")
    typist.ask("GET", "/api/state")
    return {"session's token": session}


def at_a_screen(typist: Typist, code: str) -> dict[str, str]:
    """Let a shared screen in and act at it by PIN."""
    typist.client.cookies.clear()
    typist.post("screen", 401, {"code": "AAAA-BBBB-CCCC"})
    typist.post("screen", 200, {"code": code})
    token = typist.client.cookies[DEVICE]
    typist.post("pin", 401, {"name": "Ann", "pin": WRONG_PIN})
    typist.post("pin", 422, {"name": "Ann", "pin": int(PIN)})
    grant = typist.ask("POST", "/api/pin", json={"name": "Ann", "pin": PIN}).json()["grant"]
    typist.post("acknowledge", 200, ALARM, **{"pumpd-grant": grant})
    for path in PAGES:
        typist.ask("GET", path)
    del typist.heard[next(key for key, said in typist.heard.items() if grant.encode() in said)]
    return {"screen's token": token, "what a PIN opened": grant}


def broken(typist: Typist, people: Path) -> None:
    """Have the accounts fail under the dashboard while somebody signs in."""
    with contextlib.closing(sqlite3.connect(people, isolation_level=None)) as db:
        db.execute("ALTER TABLE failure RENAME TO failure_away")
        said = typist.ask("POST", "/api/sign-in", json={"name": "Ann", "password": PASSWORD})
        assert said.status_code == 503
        typist.ask("POST", "/api/pin", json={"name": "Ann", "pin": PIN})
        db.execute("ALTER TABLE failure_away RENAME TO failure")
        db.execute("UPDATE account SET role = 'nobody knows it' WHERE name = 'Phil'")
        for path, secret in (("/api/sign-in", {"password": PASSWORD}), ("/api/pin", {"pin": PIN})):
            said = typist.ask("POST", path, json={"name": "Phil", **secret}, headers={"connection": "close"})
            assert said.status_code == 500
        db.execute("UPDATE account SET role = 'pharmacist' WHERE name = 'Phil'")


def inside(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what a backup holds, file by file."""
    with tarfile.open(archive) as tar:
        for member in tar:
            held = tar.extractfile(member)
            if held is not None:
                yield f"backup: {member.name}", held.read()


def until_up(typist: Typist, daemon: httpx.Client) -> None:
    """Return once both programs are ready; fails after 40 s."""
    deadline_s = now_s() + 40
    while True:
        with contextlib.suppress(httpx.HTTPError, ValueError):
            if json.loads(typist.client.get("/readyz").content)["ready"]:
                assert daemon.get("/healthz").status_code == 200
                return
        assert now_s() < deadline_s, "dashboard or daemon did not get ready"
        time.sleep(0.05)


def test_nothing_that_people_type_or_hold_is_in_any_log_page_file_backup_or_word(
    tmp_path: Path,
) -> None:
    """Passwords, PINs, tokens, codes and the signing key, through sign-in, failures, a fault and a backup."""
    web, health, broker = free_port(), free_port(), Mosquitto(tmp_path)
    file = config_file(tmp_path, broker.port, web, health)
    config = load(file)
    prepare(config.data_dir)
    store = open_store(config.people_file)
    store.accounts.set_pin("Ann", PIN, "test")
    store.close()
    runner, typist = CliRunner(), Typist(f"http://127.0.0.1:{web}")
    daemon = httpx.Client(base_url=f"http://127.0.0.1:{health}")
    with programs() as started, typist.client, daemon, contextlib.ExitStack() as ends:
        broker.start()
        ends.callback(broker.stop)
        for name in ("run", "dashboard"):
            started.append(Program(tmp_path / f"{name}.log", name, "-v", "-c", str(file)))
        until_up(typist, daemon)
        made = runner.invoke(app, ["screen", "add", "-c", str(file), "Desk", "--shared"])
        code = next(word for word in made.output.split() if word.count("-") == 2 and word.isupper())
        secrets = everything_typed(typist) | at_a_screen(typist, code)
        broken(typist, config.people_file)
        for path in ("/healthz", "/readyz", "/metrics"):
            typist.heard[f"daemon {path}"] = daemon.get(path).content
        words: dict[tuple[str, ...], str] = {
            ("user", "add", "Nina", "--role", "nurse", "--from", "-"): NEW_PASSWORD + "\n",
            ("user", "pin", "Nina", "--from", "-"): "a" + PIN + "\n",
            ("user", "pin", "nina", "--from", "-"): PIN + "\n",
            ("user", "list"): "",
            ("user", "log"): "",
            ("screen", "list"): "",
            ("check-config",): "",
            ("backup", "--to", str(tmp_path / "kept")): "",
        }
        for verb, typed in words.items():
            done = runner.invoke(app, [*verb, "-c", str(file)], input=typed)
            typist.heard[" ".join(verb)] = f"{done.output}{done.exception!r}".encode()
        for program in started:
            assert program.running()
    key = config.dashboard_key_file
    secrets |= {
        "password": PASSWORD,
        "wrong password": WRONG,
        "password in the field for names": AS_A_NAME,
        "new password": NEW_PASSWORD,
        "PIN": PIN,
        "wrong PIN": WRONG_PIN,
        "screen's code": code,
        "signing key": key.read_text().splitlines()[1],
    }
    (archive,) = (tmp_path / "kept").iterdir()
    files = [(each.name, each.read_bytes()) for each in tmp_path.rglob("*") if each.is_file() and each != key]
    looked = [*typist.heard.items(), *files, *inside(archive)]
    names = {name for name, _ in looked}
    assert {"run.log", "dashboard.log", "people.db", "journal.db", "backup: manifest.json"} <= names, names
    text = dict(looked)
    assert b"Traceback" in text["dashboard.log"], "the fault was logged, and is among what is looked at"
    assert b"request not answered" in text["dashboard.log"]
    public = own_key(key, config.dashboard.id).public.text.encode()
    assert any(public in said for _, said in looked), "what is not secret is found"
    found = [
        (what, where) for where, said in looked for what, secret in secrets.items() if secret.encode() in said
    ]
    assert found == []
