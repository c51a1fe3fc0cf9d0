"""What the container files say. No container engine runs here, so building and running them is not shown."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from pumpd.config import load
from pumpd.simulator.ward import load_ward
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
    assert all(service.get("read_only") and service["cap_drop"] == ["ALL"] for service in OURS.values())
