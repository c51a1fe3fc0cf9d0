"""What the container files say, in seconds; ``make compose-trial`` brings them up for real."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.x509 import load_pem_x509_certificate

from pumpd.certificates import CERTIFICATE_DAYS
from pumpd.config import Config, load
from pumpd.simulator.ward import load_ward
from pumpd.stack_secrets import DONE, OWNERS, SERVERS, make_stack_secrets
from tests.containers import bases, page, trial
from tests.containers.attacks import ATTACKS
from tests.containers.engine import Engine, EngineError
from tests.containers.kills import STEPS
from tests.house.tree import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
PINNED = re.compile(r"^[a-z0-9./-]+:\d+\.\d+(\.\d+)?[a-z0-9.-]*$")
DOCKERFILE = (ROOT / "Dockerfile").read_text()
NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """Make the secrets, which stay with whoever runs the test."""
    assert make_stack_secrets(tmp_path / "secrets", NOW, lambda _path, _account: None)
    return tmp_path / "secrets"


def config_of(service: str, secrets: Path) -> Config:
    """Load what a service is started with, as it finds it in its container."""
    file = ROOT / "config" / "compose" / Path(SERVICES[service]["command"][-1]).name
    (mounted,) = [each for each in SERVICES[service]["volumes"] if each.startswith("secrets-")]
    assert mounted == f"secrets-{service}:/run/pumpd:ro"
    text = file.read_text().replace("/run/pumpd", str(secrets / service))
    inside = secrets / f"{service}.yaml"
    inside.write_text(text.replace("../demo", str(ROOT / "config" / "demo")))
    return load(inside)


def accounts_in(secrets: Path) -> set[str]:
    lines = (secrets / "mosquitto" / "passwords").read_text().splitlines()
    return {line.partition(":")[0] for line in lines}


ONCE = {"secrets", "store-init"}
"""Services that do one thing and end."""
WATCHING = set(SERVICES) - ONCE


@pytest.mark.requirement("HOUSE-COMPOSE")
def test_the_whole_of_pumpd_is_there() -> None:
    """Broker, database, daemon and page start; the simulated ward only when it is asked for."""
    assert {"mosquitto", "influxdb", "pumpd", "dashboard", "ward"} == WATCHING
    assert [name for name, service in SERVICES.items() if service.get("profiles")] == ["ward"]
    assert all("healthcheck" in SERVICES[name] for name in WATCHING)


@pytest.mark.requirement("HOUSE-COMPOSE")
@pytest.mark.parametrize("name", sorted(SERVICES))
def test_what_is_mounted_exists(name: str) -> None:
    """Every file or directory of the project that a service mounts is there, and mounted read-only."""
    named = COMPOSE["volumes"]
    for volume in SERVICES[name].get("volumes", []):
        source, _, rest = volume.partition(":")
        if source.startswith("."):
            assert (ROOT / source).exists(), volume
            assert rest.endswith(":ro"), volume
        else:
            assert source in named, volume


@pytest.mark.requirement("HOUSE-COMPOSE")
@pytest.mark.parametrize("name", sorted(SERVICES))
def test_images_are_pinned(name: str) -> None:
    """An image has a version, so that the same file starts the same programs."""
    assert PINNED.match(SERVICES[name]["image"]), SERVICES[name]["image"]


@pytest.mark.requirement("HOUSE-COMPOSE")
def test_nothing_is_reachable_from_outside(secrets: Path) -> None:
    """The page alone is published, over TLS and on loopback; no service is on the machine's own network."""
    published = {name: each["ports"] for name, each in SERVICES.items() if "ports" in each}
    assert list(published) == ["dashboard"]
    (port,) = published["dashboard"]
    assert port.startswith("127.0.0.1:")
    assert port.endswith(f":{config_of('dashboard', secrets).dashboard.port}")
    assert config_of("dashboard", secrets).dashboard_certificate is not None
    assert {each.get("network_mode", "none") for each in SERVICES.values()} == {"none"}
    tls = (ROOT / "config" / "mosquitto" / "tls.conf").read_text()
    assert "allow_anonymous false" in tls
    assert re.findall(r"^listener (\S+)", tls, re.MULTILINE) == ["8883"]


@pytest.mark.requirement("HOUSE-COMPOSE")
def test_the_configurations_in_the_containers_are_accepted(secrets: Path) -> None:
    """check-config accepts what the services start with; daemon and page name just the ward's pumps."""
    daemon, page_of = config_of("pumpd", secrets), config_of("dashboard", secrets)
    assert daemon.pumps == page_of.pumps
    assert {page_of.mqtt.host, str(page_of.history.url)[len("https://") :].partition(":")[0]} < set(SERVICES)
    assert (daemon.data_dir, daemon.site) == (page_of.data_dir, page_of.site)
    assert {daemon.mqtt.username, page_of.mqtt.username} == accounts_in(secrets) - {"health"}
    ward = load_ward(ROOT / "config" / "compose" / "ward.yaml")
    listening = {line.listen.replace("0.0.0.0", "ward") for line in ward.lines}
    assert {pump.url.rpartition("/")[0] for pump in daemon.pumps} == listening
    assert SERVICES["store-init"]["command"][-1] == SERVICES["pumpd"]["command"][-1]


@pytest.mark.requirement("HOUSE-COMPOSE")
def test_the_image_runs_as_nobody_special() -> None:
    """Two build stages stay behind, the last one is not root, and packages are held against the lock."""
    stages = re.findall(r"^FROM (\S+)( AS \w+)?$", DOCKERFILE, re.MULTILINE)
    assert len(stages) == 3
    assert all(PINNED.match(image) for image, _ in stages)
    last = DOCKERFILE.rsplit("\nFROM ", 1)[1]
    assert "\nUSER pumpd\n" in last
    assert DOCKERFILE.count("--require-hashes") == 2


@pytest.mark.requirement("HOUSE-COMPOSE")
@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_can_do_no_more_than_it_must(name: str) -> None:
    """A root that is read-only, no capability, no way to more of them, an account that is not root."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == ("on-failure" if name in ONCE else "unless-stopped")
    if name == "secrets":  # gives files to other accounts; it has no network, and ends
        assert service["network_mode"] == "none"
        assert service["cap_add"] == ["CHOWN", "DAC_OVERRIDE", "FOWNER"]
    else:
        assert "cap_add" not in service
        assert "user" in service or "build" in service
        assert int(str(service.get("user", "10001")).partition(":")[0]) > 0


@pytest.mark.requirement("HOUSE-COMPOSE")
def test_what_is_kept_is_in_a_named_volume() -> None:
    """Every volume that is declared is used, and what a service writes elsewhere is in memory."""
    used = {
        volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])
    }
    assert {name for name in used if not name.startswith(".")} == set(COMPOSE["volumes"])


@pytest.mark.requirement("HOUSE-COMPOSE")
def test_the_page_tells_of_every_step_of_the_trial() -> None:
    """docs/containers.md shows the steps that the trial takes, each with what was seen."""
    rows = page.rows()
    assert [row.what for row in rows] == [step.what for step in (*STEPS, *ATTACKS)]
    assert all(row.seen and not row.seen.startswith(page.FAILED) for row in rows)
    killed = {name for name in SERVICES if any(f"main process of {name} killed" in row.what for row in rows)}
    assert killed == WATCHING


@pytest.mark.requirement("HOUSE-COMPOSE")
@pytest.mark.parametrize(
    "why", ["dockerd is not installed (apt install docker.io)", "dockerd does not start"]
)
def test_where_no_engine_starts_nothing_is_said_to_be_shown(
    why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 3, neither success nor failure, with the reason; the page stays as it was written."""
    before = page.PAGE.read_text()

    def does_not_start() -> bool:
        raise EngineError(f"{why} here:\nno such device")

    monkeypatch.setattr(Engine, "missing", lambda: "" if "start" in why else why)
    monkeypatch.setattr(bases, "missing", lambda: "")
    monkeypatch.setattr(trial, "trial", does_not_start)
    assert trial.main() == 3
    said = capsys.readouterr().out
    assert said.startswith(f"No trial here: {why}")
    assert said.endswith("What the files say is checked by make test.\n")
    assert page.PAGE.read_text() == before


@pytest.mark.requirement("HOUSE-COMPOSE")
def test_the_trial_makes_every_image_that_is_not_ours() -> None:
    """Each foreign image of the files has a recipe from Debian's packages under its own name."""
    named = {service["image"] for name, service in SERVICES.items() if name not in OURS}
    named |= set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    assert set(bases.names().values()) == named
    assert all((bases.HERE / f"{kind}.Dockerfile").is_file() for kind in bases.names())


@pytest.mark.requirement("HOUSE-COMPOSE")
def test_each_secret_is_for_one_service_alone(secrets: Path) -> None:
    """Every file is its owner's alone; no private key, password or token of one is with another by chance."""
    files = [path for path in secrets.rglob("*") if path.is_file() and path.name != Path(DONE).name]
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
    private = [path.read_bytes() for path in files if path.name not in {"influxdb-token", "admin-token"}]
    assert len(set(private)) == len(private)
    assert {path.name for path in secrets.iterdir()} == {"authority", *OWNERS}
    assert not (secrets / "pumpd" / "ca.key").exists()


@pytest.mark.requirement("HOUSE-COMPOSE")
def test_secrets_are_made_once_and_anew_when_half_done(tmp_path: Path) -> None:
    """A second run changes nothing; one that was cut short is done again; files go to their accounts."""
    given: dict[str, int] = {}

    def own(path: Path, account: int) -> None:
        given[str(path.relative_to(tmp_path))] = account

    assert make_stack_secrets(tmp_path, NOW, own)
    assert given["pumpd"] == OWNERS["pumpd"]
    assert given["mosquitto/server.key"] == OWNERS["mosquitto"]
    first = (tmp_path / "pumpd" / "mqtt-password").read_bytes()
    assert not make_stack_secrets(tmp_path, NOW, own)
    assert (tmp_path / "pumpd" / "mqtt-password").read_bytes() == first
    (tmp_path / DONE).unlink()
    (tmp_path / "influxdb" / "server.key").unlink()
    assert make_stack_secrets(tmp_path, NOW, own)
    assert (tmp_path / "pumpd" / "mqtt-password").read_bytes() != first
    assert (tmp_path / "influxdb" / "server.key").exists()


@pytest.mark.requirement("HOUSE-COMPOSE")
def test_a_certificate_that_ends_soon_is_renewed(tmp_path: Path) -> None:
    """A start within its last 30 days gives each server another from the same authority; one before, none."""
    assert make_stack_secrets(tmp_path, NOW, lambda _path, _account: None)
    authority = (tmp_path / DONE).read_bytes()
    given: list[str] = []

    def own(path: Path, _account: int) -> None:
        given.append(str(path.relative_to(tmp_path)))

    lasts = timedelta(days=CERTIFICATE_DAYS)
    assert not make_stack_secrets(tmp_path, NOW + lasts - timedelta(days=31), own)
    assert make_stack_secrets(tmp_path, NOW + lasts - timedelta(days=29), own)
    assert given == [f"{server}/server.{kind}" for server in SERVERS for kind in ("pem", "key")]
    assert (tmp_path / DONE).read_bytes() == authority
    for server in SERVERS:
        renewed = load_pem_x509_certificate((tmp_path / server / "server.pem").read_bytes())
        renewed.verify_directly_issued_by(load_pem_x509_certificate(authority))
        assert renewed.not_valid_after_utc > NOW + lasts


@pytest.mark.requirement("HOUSE-COMPOSE")
def test_a_server_without_a_certificate_is_given_one(tmp_path: Path) -> None:
    """Secrets that were made when the page had none of its own are made whole by the next start."""
    assert make_stack_secrets(tmp_path, NOW, lambda _path, _account: None)
    (tmp_path / "dashboard" / "server.pem").unlink()
    assert make_stack_secrets(tmp_path, NOW, lambda _path, _account: None)
    made = load_pem_x509_certificate((tmp_path / "dashboard" / "server.pem").read_bytes())
    made.verify_directly_issued_by(load_pem_x509_certificate((tmp_path / DONE).read_bytes()))
