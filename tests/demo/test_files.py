"""The demo takes ports that are free, and two demos never the same."""

from __future__ import annotations

import socket
from pathlib import Path

from pumpd.config import load
from pumpd.demo_files import claimed_ports, copied_demo
from pumpd.simulator.ward import load_ward


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_free_port_stays_as_it_is_and_a_taken_one_moves() -> None:
    """The usual port is kept where it can be; where somebody listens, another is found."""
    free = _free()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = int(other.getsockname()[1])
        with claimed_ports({free, taken}) as ports:
            assert ports[free] == free
            assert ports[taken] not in {free, taken}


def test_two_demos_that_start_together_take_different_ports(tmp_path: Path) -> None:
    """A port that one demo has chosen, and nobody listens on yet, is not chosen by another."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with copied_demo(tmp_path / "one") as one, copied_demo(tmp_path / "two") as two:
        first, second = load(one.config), load(two.config)
        assert {p.url for p in first.pumps}.isdisjoint(p.url for p in second.pumps)
        ports = [port for c in (first, second) for port in (c.mqtt.port, c.dashboard.port)]
        assert len(set(ports)) == 4
        assert load_ward(two.ward).lines[0].listen in second.pumps[0].url
        assert first.data_dir == (tmp_path / "one" / "data")
