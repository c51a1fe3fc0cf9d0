"""The shipped TLS and ACL files on a real Mosquitto: who gets in, and who may write what."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pumpd.certificate_files import ends_of_chain
from pumpd.certificates import Authority
from pumpd.clock import SystemClock
from pumpd.contract.verbs import VERBS
from pumpd.mqtt import Broker
from pumpd.mqtt_client import Tls
from tests.mosquitto import missing
from tests.mqtt.guarded import PREFIX, Guarded, client, guarded, up
from tests.waiting import until

pytestmark = [
    pytest.mark.real,
    pytest.mark.requirement("KEY-3"),
    pytest.mark.skipif(bool(missing()), reason=missing()),
]
NODE, DESK = "node-ward-a", "dashboard-dashboard"
OF_NODES = (
    "node/ward-a/telemetry",
    "node/ward-a/status",
    "node/ward-a/event",
    "node/ward-a/reply/c-000001",
    "pump/PUMP-01/1/snapshot",
    "pump/PUMP-01/1/alarm/kvo",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory):
    """One broker for all that leaves it as it was."""
    with guarded(tmp_path_factory.mktemp("site")) as broker:
        yield broker


async def test_daemon_and_dashboard_speak_to_each_other(site: Guarded):
    """Everything that the contract sends goes through: the rules refuse nothing that is needed."""
    told = [f"{PREFIX}/{topic}" for topic in OF_NODES]
    asked = [f"{PREFIX}/node/ward-a/command/{verb}" for verb in VERBS]
    from pumpd.contract.topics import Topics

    live = Topics("clinic").everything_live()
    async with (
        client(site.broker(NODE), "n1", f"{PREFIX}/node/ward-a/command/+") as node,
        client(site.broker(DESK), "d1", *live) as desk,
    ):
        await up(node, desk)
        for topic in told:
            await node.publish(topic)
        for topic in asked:
            await desk.publish(topic)
        await desk.publish(f"{PREFIX}/dashboard/dashboard/presence")
        await until(lambda: len(desk.heard) >= len(told) - 1 and len(node.heard) >= len(asked))
    assert {m.topic for m in desk.heard} == set(told) - {f"{PREFIX}/pump/PUMP-01/1/alarm/kvo"}
    assert {m.topic for m in node.heard} == set(asked)


async def test_a_dashboard_can_not_tell_what_pumps_do(site: Guarded):
    """No telemetry, snapshot, alarm, event, status or reply from a dashboard's account reaches anybody."""
    async with (
        client(site.broker(NODE), "n2", f"{PREFIX}/node/ward-a/status") as node,
        client(site.broker(DESK), "d2", f"{PREFIX}/node/#", f"{PREFIX}/pump/+/+/snapshot") as desk,
        client(site.broker(DESK), "d3", f"{PREFIX}/pump/+/+/snapshot", f"{PREFIX}/node/+/telemetry") as other,
    ):
        await up(node, desk, other)
        for topic in (*OF_NODES, "dashboard/another/presence"):
            await desk.publish(f"{PREFIX}/{topic}", "false")
        await node.publish(f"{PREFIX}/node/ward-a/telemetry", "true")
        await until(lambda: other.heard)
    assert [(m.topic, m.payload) for m in other.heard] == [(f"{PREFIX}/node/ward-a/telemetry", b"true")]
    assert node.heard == []


async def test_a_daemon_can_not_ask_and_not_speak_for_another(site: Guarded):
    """A daemon's account writes no command, and no status of another node."""
    async with (
        client(site.broker(NODE), "n3", f"{PREFIX}/node/ward-a/command/+") as node,
        client(site.broker(DESK), "d4", f"{PREFIX}/node/+/status", f"{PREFIX}/node/+/telemetry") as desk,
    ):
        await up(node, desk)
        await node.publish(f"{PREFIX}/node/ward-a/command/pause-pump")
        await node.publish(f"{PREFIX}/node/ward-b/status")
        await node.publish(f"{PREFIX}/node/ward-a/telemetry")
        await until(lambda: desk.heard)
    assert [m.topic for m in desk.heard] == [f"{PREFIX}/node/ward-a/telemetry"]
    assert node.heard == []


@pytest.mark.parametrize("account", ["", "dashboard-dashboard", "nobody"])
async def test_a_stranger_is_not_let_in(site: Guarded, account: str, capsys):
    """Without an account, with a wrong password, or under a name that is none: no session, nothing read."""
    password = "a wrong one" if account else ""
    who = Broker("localhost", site.port, account, password, tls=Tls(str(site.folder / "ca.pem")))
    async with client(who, "s1", "#") as stranger:
        await until(lambda: "broker down" in capsys.readouterr().out)
        assert not stranger.connection.up
        assert stranger.heard == []


async def test_what_speaks_in_the_clear_is_not_let_in(site: Guarded, capsys):
    """The listener speaks TLS and nothing else: no password goes over the wire to find that out."""
    async with client(Broker("127.0.0.1", site.port), "s2", "#") as stranger:
        await until(lambda: "broker down" in capsys.readouterr().out)
        assert not stranger.connection.up


async def test_an_authority_that_we_do_not_trust_vouches_for_nobody(site: Guarded, tmp_path: Path, capsys):
    """Somebody else's broker gets neither our name nor our password."""
    other = tmp_path / "other.pem"
    other.write_bytes(Authority.new("somebody", SystemClock().wall()).pem)
    async with client(site.broker(NODE, ca=other), "n4") as node:
        await until(lambda: "certificate verify failed" in capsys.readouterr().out)
        assert not node.connection.up


@pytest.mark.parametrize(
    ("hosts", "days", "why"),
    [(("elsewhere.example",), 30, "mismatch"), (("localhost",), -1, "expired")],
    ids=["another host's", "expired"],
)
async def test_a_certificate_that_is_not_good_is_refused(tmp_path, hosts, days, why, capsys):
    """Of another host, or past its date: we do not speak to that broker, and the log says why."""
    with guarded(tmp_path, hosts=hosts, until_days=days) as broker:
        async with client(broker.broker(NODE), "n5") as node:
            await until(lambda: why in capsys.readouterr().out)
            assert not node.connection.up


async def test_until_when_the_brokers_certificate_holds_is_read_from_the_connection(tmp_path, site):
    """As Mosquitto shows it, at every connect; a broker in the clear shows none."""
    with guarded(tmp_path, until_days=6) as broker:
        async with client(broker.broker(NODE), "n8") as node:
            await up(node)
            assert node.connection.shown_until == ends_of_chain(broker.folder / "server.pem")
    days = (ends_of_chain(site.folder / "server.pem") - SystemClock().wall()).days
    async with client(site.broker(NODE), "n9") as node:
        await up(node)
        assert node.connection.shown_until == ends_of_chain(site.folder / "server.pem")
    assert days > 300


async def test_where_certificates_of_clients_are_asked_for_nobody_comes_in_without(tmp_path, capsys):
    """With the line that tls.conf names: no certificate, no session; with one of the authority, one."""
    now = SystemClock().wall()
    with guarded(tmp_path, extra="cafile {folder}/ca.pem\nrequire_certificate true") as broker:
        async with client(broker.broker(NODE), "n6") as node:
            await until(lambda: "broker down" in capsys.readouterr().out)
            assert not node.connection.up
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
        from cryptography.x509 import load_pem_x509_certificate

        found = load_pem_private_key((broker.folder / "ca.key").read_bytes(), None)
        ca = load_pem_x509_certificate((broker.folder / "ca.pem").read_bytes())
        pair = Authority(ca, found).vouch("ward-a", (), now, now + timedelta(days=1))  # type: ignore[arg-type]
        ours = [tmp_path / "c.pem", tmp_path / "c.key"]
        for file, text in zip(ours, pair, strict=True):
            file.write_bytes(text)
        plain = broker.broker(NODE)
        shown = Tls(str(broker.folder / "ca.pem"), *map(str, ours))
        who = Broker(plain.host, plain.port, plain.username, plain.password, tls=shown)
        async with client(who, "n7") as node:
            await up(node)


def test_passwords_are_kept_as_salted_hashes_and_in_files_of_their_owner(site: Guarded):
    """The broker's file tells nobody a password; two accounts have two, and others may read neither."""
    lines = (site.folder / "passwords").read_text()
    found = [(site.folder / f"{name}.password").read_text().strip() for name in (NODE, DESK)]
    assert len(set(found)) == 2
    assert all(len(each) >= 32 and each not in lines for each in found)
    for name in ("passwords", "ca.key", "server.key", f"{NODE}.password", f"{DESK}.password"):
        assert (site.folder / name).stat().st_mode & 0o077 == 0, name
