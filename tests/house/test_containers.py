"""What the container files say, in seconds; ``make compose-trial`` brings them up for real."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from pumpd.config import load
from pumpd.simulator.ward import load_ward
from tests.containers import bases, page
from tests.containers.kills import STEPS
from tests.house.tree import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
PINNED = re.compile(r"^[a-z0-9./-]+:\d+\.\d+(\.\d+)?[a-z0-9.-]*$")
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.mark.requirement("HOUSE-COMPOSE")
def test_the_whole_of_pumpd_is_there() -> None:
    """Broker, database, daemon and page start; the simulated ward only when it is asked for."""
    assert set(SERVICES) == {"mosquitto", "influxdb", "pumpd", "dashboard", "ward"}
    assert [name for name, service in SERVICES.items() if service.get("profiles")] == ["ward"]


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
@pytest.mark.parametrize("name", sorted(SERVICES))
def test_nothing_is_reachable_from_outside(name: str) -> None:
    """On the host's network each service binds to loopback by itself; published ports would name it."""
    service = SERVICES[name]
    assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", []))
    if service.get("network_mode") == "host":
        bound = {
            "mosquitto": (ROOT / "config" / "mosquitto" / "mosquitto.conf").read_text(),
            "influxdb": str(service.get("environment")),
            "ward": (ROOT / "config" / "compose" / "ward.yaml").read_text(),
        }.get(name, (ROOT / "config" / "compose" / "pumpd.yaml").read_text())
        assert "127.0.0.1" in bound
        assert "0.0.0.0" not in bound


@pytest.mark.requirement("HOUSE-COMPOSE")
def test_the_configuration_in_the_containers_is_accepted() -> None:
    """What the services are started with is what check-config accepts, pump for pump the ward's."""
    mounted = ROOT / "config"
    for name, service in OURS.items():
        verb, _, file = service["command"]
        path = mounted / file.removeprefix("/etc/pumpd/")
        assert path.is_file(), name
        if verb == "simulate":
            ward = load_ward(path)
        else:
            config = load(path)
    listening = {line.listen for line in ward.lines}
    assert {pump.url.rpartition("/")[0] for pump in config.pumps} == listening


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
    assert service["restart"] == "unless-stopped"
    assert "build" in service or int(service["user"].partition(":")[0]) > 0


@pytest.mark.requirement("HOUSE-COMPOSE")
def test_what_is_kept_is_in_a_named_volume() -> None:
    """Every volume that is declared is used, and what a service writes elsewhere is in memory."""
    used = {volume.partition(":")[0] for service in SERVICES.values() for volume in service["volumes"]}
    assert {name for name in used if not name.startswith(".")} == set(COMPOSE["volumes"])


@pytest.mark.requirement("HOUSE-COMPOSE")
def test_the_page_tells_of_every_step_of_the_trial() -> None:
    """docs/containers.md shows the steps that the trial takes, each with what was seen."""
    rows = page.rows()
    assert [row.what for row in rows] == [step.what for step in STEPS]
    assert all(row.seen for row in rows)
    killed = {name for name in SERVICES if any(f"main process of {name} killed" in row.what for row in rows)}
    assert killed == set(SERVICES)


@pytest.mark.requirement("HOUSE-COMPOSE")
def test_the_trial_makes_every_image_that_is_not_ours() -> None:
    """Each foreign image of the files has a recipe from Debian's packages under its own name."""
    named = {service["image"] for name, service in SERVICES.items() if name not in OURS}
    named |= set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))
    assert set(bases.names().values()) == named
    assert all((bases.HERE / f"{kind}.Dockerfile").is_file() for kind in bases.names())
