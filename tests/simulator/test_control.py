"""The control of a running ward: what it takes, what it refuses, and who may use it at all."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import httpx
import pytest

from pumpd.errors import ConfigError, TransportError
from pumpd.simulator.control import ControlServer, control_app
from pumpd.simulator.control_place import ControlPlace, control_place
from pumpd.simulator.timeline import TAKES
from tests.simulator.stages import WARD, open_stage

pytestmark = [pytest.mark.real, pytest.mark.requirement("SIM-6")]
PLACE = ControlPlace("127.0.0.1", 5090)


@asynccontextmanager
async def controlled(folder, text=WARD, **headers):
    """Serve a ward; hand over it and a client of its control."""
    async with open_stage(folder, text) as stage:
        transport = httpx.ASGITransport(control_app(stage, PLACE))
        async with httpx.AsyncClient(
            transport=transport, base_url=f"http://{PLACE}", headers=headers
        ) as client:
            yield stage, client


def channel(told):
    return told.json()["pump"]["channels"]["1"]


async def test_a_person_sets_the_rate_and_presses_keys_at_any_moment(tmp_path):
    """What is posted is done at once, and the answer tells what is true afterwards."""
    async with controlled(tmp_path) as (stage, client):
        told = await client.post("/act", json={"pump": "TCP-1", "action": "set-rate", "rate": "60 mL/h"})
        assert told.status_code == 200, told.text
        assert (channel(told)["status"], channel(told)["set_rate_ml_h"]) == ("running", "60")
        told = await client.post("/act", json={"pump": "TCP-1", "action": "stop"})
        assert channel(told)["status"] == "stopped"
        whole = (await client.get("/")).json()
        assert (whole["simulated"], set(whole["pumps"])) == (True, set(stage.pumps))
        one = (await client.get("/pumps/TCP-1")).json()
        assert (one["serial_number"], one["channels"]["1"]["set_rate_ml_h"]) == ("SIM-0001", "60")


@pytest.mark.parametrize("action", [action for action, takes in TAKES.items() if not takes])
async def test_every_action_without_a_value_is_taken(tmp_path, action):
    """The control takes what a timeline takes: none of it breaks the ward, each is answered."""
    async with controlled(tmp_path) as (_, client):
        told = await client.post("/act", json={"pump": "TCP-1", "action": action})
        assert told.status_code == 200, told.text
        assert (await client.post("/act", json={"pump": "TCP-1", "action": "plug"})).status_code == 200


async def test_a_fault_is_caused_seen_and_ended(tmp_path):
    """A fault stands in the state with what is left of its time, until it is ended."""
    async with controlled(tmp_path) as (_, client):
        fault = {"pump": "RTU-1", "action": "fault", "kind": "damage", "share": 0.5, "for_s": 60}
        told = (await client.post("/act", json=fault)).json()["pump"]["faults"]
        assert [(one["kind"], one["share"]) for one in told] == [("damage", 0.5)]
        assert 0 < float(told[0]["ends_in_s"]) <= 60
        assert (await client.get("/pumps/RTU-2")).json()["faults"] == []
        told = await client.post("/act", json={"pump": "RTU-1", "action": "end-faults"})
        assert told.json()["pump"]["faults"] == []


async def test_what_the_pump_does_not_know_is_told(tmp_path):
    """Free flow: the counter stands still, the patient's account and the control's state do not."""
    async with controlled(tmp_path) as (_, client):
        await client.post("/act", json={"pump": "RTU-1", "action": "free-flow", "rate": "300 mL/h"})
        await client.post("/time", json={"action": "step", "by_s": 60})
        seen = (await client.get("/pumps/RTU-1")).json()["channels"]["1"]
        assert (seen["status"], seen["volume_ml"]) == ("stopped", "0")
        assert float(seen["true"]["patient_ml"]) == pytest.approx(5, abs=0.01)


@pytest.mark.parametrize(
    ("body", "status", "where", "words"),
    [
        ({"pump": "TCP-9", "action": "stop"}, 422, "pump", "there is no pump TCP-9"),
        ({"pump": "TCP-1", "action": "run"}, 422, "action", "there is no action 'run'"),
        ({"pump": "TCP-1", "action": "set-rate"}, 422, "(body)", "rate is missing"),
        ({"pump": "TCP-1", "action": "set-rate", "rate": "60"}, 422, "rate", "60"),
        ({"pump": "TCP-1", "action": "set-rate", "rate": "9000 mL/h"}, 422, "action", "too fast"),
        ({"pump": "TCP-1", "channel": "2", "action": "stop"}, 422, "channel", "no channel 2"),
        ({"pump": "TCP-1", "action": "stop", "speed": 1}, 422, "speed", "no key 'speed'"),
        ({"pump": "TCP-1", "action": "show", "path": "x", "words": [1]}, 422, "path", "no place of the map"),
        ([], 422, "(body)", "a list"),
        (
            {"pump": "TCP-1", "action": "square-bolus", "volume": "1195 mL", "over_s": 3600},
            409,
            "TCP-1",
            "allowed up to",
        ),
        ({"at_s": 0, "pump": "TCP-1", "action": "stop"}, 422, "at_s", "already"),
        ({"at_s": 1e300, "pump": "TCP-1", "action": "stop"}, 422, "at_s", "can not stand here"),
    ],
)
async def test_a_wrong_action_is_refused_in_words(tmp_path, body, status, where, words):
    """Where, what, allowed and a remedy; nothing is done."""
    async with controlled(tmp_path) as (_, client):
        before = (await client.get("/pumps/TCP-1")).json()["channels"]["1"]["set_rate_ml_h"]
        told = await client.post("/act", json=body)
        assert told.status_code == status, told.text
        problem = told.json()["problems"][0]
        assert (problem["where"], words in problem["what"]) == (where, True), problem
        assert problem["allowed"]
        assert problem["remedy"]
        assert (await client.get("/pumps/TCP-1")).json()["channels"]["1"]["set_rate_ml_h"] == before


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://127.0.0.1:5090"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "pumps.example:5090"}, 403),
        ({"Host": "127.0.0.1"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
async def test_a_web_page_can_not_drive_it(tmp_path, headers, status):
    """No origin, only its own name in Host (a name that leads here by a trick is another), JSON only."""
    async with controlled(tmp_path) as (stage, client):
        asked = json.dumps({"pump": "TCP-1", "action": "stop"})
        told = await client.post(
            "/act", content=asked, headers={"Content-Type": "application/json"} | headers
        )
        assert told.status_code == status
        assert told.json()["problems"][0]["remedy"]
        assert stage.pumps["TCP-1"].pump.face.models["1"].status.value == "running"
        assert (await client.get("/", headers={"Host": "localhost:5090"})).status_code == 200


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ("{", 400),
        ('{"pump": "TCP-1", "pump": "RTU-1", "action": "stop"}', 400),
        ("[" * 60_000, 400),
        (b"\xff", 400),
    ],
)
async def test_no_body_breaks_it(tmp_path, content, status):
    """Broken, doubled, deep or no text: refused in words, and it answers on."""
    async with controlled(tmp_path) as (_, client):
        told = await client.post("/act", content=content, headers={"Content-Type": "application/json"})
        assert (told.status_code, bool(told.json()["problems"])) == (status, True)
        assert (await client.get("/")).status_code == 200


async def test_it_serves_on_a_socket_and_leaves_nothing_behind(tmp_path):
    """On a port that the system chose; a body that never ends is cut; the port is free afterwards."""
    async with open_stage(tmp_path) as stage:
        server = ControlServer(stage, ControlPlace("127.0.0.1", 0))
        await server.open()
        with pytest.raises(TransportError, match="Choose another --control"):
            ControlServer(stage, server.place)
        async with httpx.AsyncClient(base_url=f"http://{server.place}") as client:
            assert (await client.get("/")).json()["simulated"] is True
            told = await client.post(
                "/act", content=" " * 70_000, headers={"Content-Type": "application/json"}
            )
            assert told.status_code == 413
        await server.close()
        with pytest.raises(OSError):
            await asyncio.open_connection(server.place.host, server.place.port)


@pytest.mark.parametrize("asked", [("GET", "/act"), ("POST", "/"), ("GET", "/docs"), ("GET", "/pumps/TCP-9")])
async def test_what_is_not_there_is_told(tmp_path, asked):
    """A wrong path, method or pump is refused in the same words as the rest."""
    async with controlled(tmp_path) as (_, client):
        told = await client.request(*asked)
        assert told.status_code in {404, 405}
        assert told.json()["problems"][0]["allowed"]


@pytest.mark.parametrize("text", ["0.0.0.0:5090", "10.0.0.5:5090", "ward.example:5090", ":5090", "[::]:1"])
def test_it_listens_on_this_machine_only(text):
    """An address that others can reach is refused with a remedy."""
    with pytest.raises(ConfigError) as refused:
        control_place(text, "--control")
    assert refused.value.problems[0].path == "--control"
    assert "127.0.0.1" in refused.value.problems[0].remedy


@pytest.mark.parametrize("text", ["127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999", ""])
def test_a_place_that_is_none_is_refused(text):
    """Host and port, both."""
    with pytest.raises(ConfigError, match="no HOST:PORT"):
        control_place(text, "--control")


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("localhost", "127.0.0.1:5090"),
        ("localhost:", "127.0.0.1:5090"),
        ("localhost:99999", "127.0.0.1:5090"),
        ("10.0.0.5:5091", "127.0.0.1:5091"),
    ],
)
def test_the_remedy_of_a_wrong_place_is_a_place(text: str, remedy: str) -> None:
    """Whatever was typed, what is advised can be typed as it stands."""
    with pytest.raises(ConfigError) as caught:
        control_place(text, "--at")
    (problem,) = caught.value.problems
    assert problem.remedy == f"write --at {remedy}"
    assert str(control_place(remedy, "--at")) == remedy


def test_places_on_this_machine():
    """By number or by name, in both families."""
    places = [str(control_place(text, "--at")) for text in ("127.0.0.1:1", "localhost:2", "[::1]:3")]
    assert places == ["127.0.0.1:1", "127.0.0.1:2", "[::1]:3"]
