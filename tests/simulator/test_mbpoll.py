"""mbpoll does all that it offers to a simulated ISCO: well, with an alarm, refused, silent, and again."""

from __future__ import annotations

import re

import pytest

from pumpd.core.telemetry import PumpAlarm, PumpStatus
from pumpd.simulator.faults import Fault, FaultKind
from tests.dialects.port import tell
from tests.simulator.stages import open_stage
from tests.simulator.test_modbus_peers import WARD, tcp_port
from tests.simulator.test_third_parties import mbpoll

pytestmark = [pytest.mark.real, pytest.mark.requirement("SIM-2", "MAP-4")]

READ_RUN, READ_FLOW, STOP_A, START_A = "read run coils", "read flow", "stop A", "start A"
OPERATIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    READ_RUN: (("-t", "0", "-r", "0", "-c", "4"), ()),
    READ_FLOW: (("-t", "4:float", "-B", "-r", "74", "-c", "1"), ()),
    "read over-pressure of B": (("-t", "0", "-r", "118", "-c", "1"), ()),
    "read discrete inputs": (("-t", "1", "-r", "0", "-c", "4"), ()),
    "read input registers": (("-t", "3", "-r", "0", "-c", "2"), ()),
    STOP_A: (("-t", "0", "-r", "0"), ("0",)),
    START_A: (("-t", "0", "-r", "0"), ("1",)),
    "write a register": (("-t", "4", "-r", "12"), ("1",)),
}
"""What mbpoll can send, the values to write behind it."""
KNOWN = {READ_RUN, READ_FLOW, "read over-pressure of B", STOP_A, START_A}


async def performed(port: int) -> dict[str, str]:
    """Run every operation once; return its values, or how it was refused."""
    found = {}
    for name, (asked, written) in OPERATIONS.items():
        line = ("-m", "tcp", "-p", str(port), "-o", "0.1", *asked, "127.0.0.1", *written)
        status, values, said = await mbpoll(*line)
        failed = re.search("failed: (.*)", said)
        found[name] = failed[1] if status and failed else " ".join(values.values()) or "done"
    return found


async def test_mbpoll_does_all_that_it_offers(tmp_path):
    """Values and writes while it is well or alarms; exceptions and time-outs in their own words."""
    found: dict[str, dict[str, str]] = {}
    async with open_stage(tmp_path, WARD) as stage:
        staged = stage.pumps["ISCO"]
        faults = staged.served.line.faults
        for when, fault in (
            ("well", None),
            ("alarm", None),
            ("refused", Fault(FaultKind.EXCEPTION, exception_code=6)),
            ("silent", Fault(FaultKind.SILENCE)),
            ("again", None),
        ):
            if when == "alarm":
                staged.pump.face.models["B"].raise_alarm(PumpAlarm.OCCLUSION)
            if fault is not None:
                faults.add(1, fault)
            found[when] = await performed(tcp_port(stage))
            tell("mbpoll", when, found[when])
            faults.clear(1)
        assert staged.pump.face.models["A"].status is PumpStatus.RUNNING
    for when in ("well", "alarm", "again"):
        refused = {name for name, said in found[when].items() if said.startswith("Illegal")}
        assert refused == set(OPERATIONS) - KNOWN, found[when]
        assert found[when][READ_RUN] == "1 0 0 0"
        assert found[when]["read over-pressure of B"] == ("0" if when == "well" else "1")
        assert found[when][STOP_A] == found[when][START_A] == "done"
    assert len(set(found["refused"].values())) == 1
    assert "busy" in found["refused"][READ_RUN]
    assert set(found["silent"].values()) == {"Connection timed out"}
