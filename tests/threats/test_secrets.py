"""Daemon and dashboard as programs, over TLS with accounts: they work, and no secret comes out anywhere."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pumpd.brokers import broker_of
from pumpd.cli import app
from pumpd.config import load
from pumpd.key_files import own_key
from tests.e2e.test_alarms import Program, programs
from tests.house.tree import ROOT
from tests.mosquitto import free_port, missing
from tests.mqtt.guarded import Guarded, guarded
from tests.waiting import until

pytestmark = [
    pytest.mark.real,
    pytest.mark.e2e,
    pytest.mark.requirement("KEY-3", "KEY-5"),
    pytest.mark.skipif(bool(missing()), reason=missing()),
]
TOKEN = "influx-token-that-nobody-may-see"
HOOK = "webhook-secret-that-nobody-may-see"
PAGES = ("/", "/healthz", "/readyz", "/metrics", "/api/state", "/api/templates", "/api/none")


def config_file(folder: Path, broker: Guarded, account: str, web_port: int, dashboards: str) -> Path:
    """Write a configuration that has a secret of every kind."""
    for name, secret in (("token", TOKEN), ("hook", HOOK)):
        (folder / name).write_text(secret)
        (folder / name).chmod(0o600)
    file = folder / f"{account}.yaml"
    file.write_text(
        f"""site: clinic
node: ward-a
data_dir: {account}
mqtt: {{host: localhost, port: {broker.port}, username: {account}, ca_file: {broker.folder}/ca.pem,
       password_file: {broker.folder}/{account}.password}}
history: {{kind: influxdb, url: "http://127.0.0.1:{free_port()}", token_file: token, spool_mib: 16}}
library: {ROOT}/config/drug-library.yaml
machine: {{time_server: false, least_free_mib: 0}}
syslog: {folder}/nobody
dashboard: {{port: {web_port}}}
{dashboards}alarms:
  contacts:
    - {{name: desk, kind: webhook, url: "http://127.0.0.1:{free_port()}/", secret_file: hook}}
pumps:
  - {{id: PUMP-01, url: "modbus-tcp://127.0.0.1:{free_port()}/1", driver: reference-pump, ward: clinic}}
"""
    )
    return file


def answered(port: int, path: str) -> str:
    """Return what the dashboard says, headers and all; empty while it does not listen."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as said:
            return f"{said.headers}{said.read().decode(errors='replace')}"
    except urllib.error.HTTPError as error:
        with error:
            return f"{error.headers}{error.read().decode(errors='replace')}"
    except OSError:
        return ""


def written(folder: Path, secret: set[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield every file below ``folder`` but those that are there to hold a secret."""
    for file in folder.rglob("*"):
        if file.is_file() and file not in secret:
            yield file.name, file.read_bytes()


@pytest.mark.timeout(300)
async def test_they_meet_over_tls_and_no_secret_is_in_any_log_page_file_or_word(tmp_path: Path) -> None:
    """Password, token, webhook's secret and private key: in their own files, and nowhere else."""
    web = free_port()
    with guarded(tmp_path) as broker, programs() as started:
        desk_file = config_file(tmp_path, broker, "dashboard-dashboard", web, "")
        desk = load(desk_file)
        signer = own_key(desk.dashboard_key_file, desk.dashboard.id)
        trusted = f"dashboards: [{{id: dashboard, keys: ['{signer.public.text}']}}]\n"
        node_file = config_file(tmp_path, broker, "node-ward-a", web, trusted)
        for verb, file in (("run", node_file), ("dashboard", desk_file)):
            started.append(Program(tmp_path / f"{verb}.log", verb, "-v", "-c", str(file)))
        await until(lambda: '"broker":"up"' in answered(web, "/healthz").replace(" ", ""), 40)
        await until(lambda: b"broker up" in (tmp_path / "run.log").read_bytes(), 40)
        said = {path: answered(web, path).encode() for path in PAGES}
    runner = CliRunner()
    for words in (
        ("check-config", "-c", str(node_file)),
        ("check-config", "-c", str(desk_file)),
        ("keys", "show", str(desk.dashboard_key_file)),
        ("store", "init", "-c", str(node_file)),
        ("contacts", "test", "desk", "-c", str(node_file)),
    ):
        done = await asyncio.to_thread(runner.invoke, app, words)
        said[" ".join(words)] = f"{done.output}{done.exception!r}".encode()
    said["reprs"] = f"{load(node_file)!r}{broker_of(load(node_file))!r}{signer!r}".encode()
    said["config"] = json.dumps(load(node_file).mqtt.model_dump()).encode()
    holders = {tmp_path / "token", tmp_path / "hook", desk.dashboard_key_file, *broker.folder.iterdir()}
    secrets = {
        "node's password": (broker.folder / "node-ward-a.password").read_bytes().strip(),
        "dashboard's password": (broker.folder / "dashboard-dashboard.password").read_bytes().strip(),
        "token": TOKEN.encode(),
        "webhook's secret": HOOK.encode(),
        "private key": desk.dashboard_key_file.read_bytes().splitlines()[1],
    }
    looked = [*said.items(), *written(tmp_path, holders)]
    assert len(looked) > 15
    assert any(b"broker up" in text for _, text in looked), "the logs are among what is looked at"
    assert any(signer.public.text.encode() in text for _, text in looked), "what is printed is found"
    found = [(what, where) for where, text in looked for what, secret in secrets.items() if secret in text]
    assert found == []
