"""What holds for every framed dialect that ships: the recorded wire, real pseudo-terminals, agreement."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pumpd.core.quantities import FlowRate
from pumpd.drivers.base import LoweringDriver
from pumpd.drivers.framed import ONE
from pumpd.drivers.registry import DriverSpec, shipped
from pumpd.errors import ForbiddenFrameError, PumpdError, WireError
from pumpd.probe import probe
from pumpd.protocols.wire import Dialect, Permission
from pumpd.qa.conformance.rig import Rig, over_pty, rig
from pumpd.qa.conformance.subject import subject_of
from pumpd.qa.conformance.wire import DressedUp
from pumpd.qa.virtual_time import in_virtual_time, run_virtual
from pumpd.simulator.faults import Fault, FaultKind
from tests.promises import TRIES

FRAMED = {name: spec for name, spec in shipped().items() if spec.dialect is not None}
EVERY = pytest.mark.parametrize("name", sorted(FRAMED))
ALLOWED = {Permission.READ, Permission.LINK, Permission.PAUSE, Permission.LOWER}


def dialect_of(spec: DriverSpec) -> Dialect:
    """Return the dialect of a framed driver."""
    assert spec.dialect is not None
    return spec.dialect


async def everything(on: Rig) -> list[bytes]:
    """Do all that a driver can, before and after an alarm, a refusal and a silence; return what was sent."""
    sent: list[bytes] = []
    wire: Any = on.bus.link._transport
    write = wire.write

    def written(data: bytes) -> None:
        sent.append(data)
        write(data)

    wire.write = written
    kinds = (None, FaultKind.SILENCE, FaultKind.EXCEPTION, FaultKind.DAMAGE, None)
    for kind in kinds:
        if kind is not None:
            refusals = dialect_of(on.spec).refusals or (1,)  # where none is known the pump is silent then
            on.line.faults.add(1, Fault(kind, exception_code=refusals[0]))
        on.start()
        await asyncio.sleep(60)
        await tried(on.driver.identify(on.talk))
        await tried(on.driver.read(on.talk))
        if isinstance(on.driver, LoweringDriver):
            await tried(on.driver.lower_rate(on.talk, ONE, FlowRate(4_000_000), lambda: None))
            await asyncio.sleep(30)
        for channel in on.spec.channels:
            await tried(on.driver.pause(on.talk, channel))
        await asyncio.sleep(30)
        on.line.faults.clear(1)
        for model in on.models:
            model.turn_rate(10_000_000)
    return sent


async def tried(asked) -> None:
    try:
        await asked
    except PumpdError:
        return


@EVERY
@pytest.mark.requirement("DIAL-1")
def test_what_was_recorded_on_the_wire_reads_asks_stops_or_lowers(name):
    """Every frame that left, through alarms, refusals, silence and damage, is one of the declared four."""
    spec = FRAMED[name]

    @in_virtual_time
    async def recorded() -> tuple[list[bytes], list[str]]:
        subject = subject_of(spec)
        async with rig(subject, subject.framings[0]) as on:
            return await everything(on), on.judge.tally.raises

    sent, raises = recorded()
    does = [dialect_of(spec).judge(frame)[1] for frame in sent]
    assert len(sent) >= 10
    assert set(does) <= ALLOWED & {Permission.READ, *spec.controls}
    assert set(spec.controls) <= set(does)
    assert raises == []


@EVERY
@pytest.mark.requirement("DIAL-1")
def test_what_the_pump_knows_and_pumpd_never_sends_has_no_way_out(name):
    """A start can not be dressed up as anything, and as what it is it is no request at all."""
    spec = FRAMED[name]
    dialect = dialect_of(spec)
    assert dialect.never_sent
    for payload in dialect.never_sent:
        for permission in Permission:
            frame = dialect.framer().encode(DressedUp(payload, permission))
            with pytest.raises(WireError):
                dialect.judge(frame)

    @in_virtual_time
    async def asked() -> None:
        subject = subject_of(spec)
        async with rig(subject, subject.framings[0]) as on:
            for payload in dialect.never_sent:
                with pytest.raises(ForbiddenFrameError, match="no permission"):
                    await on.bus.link.ask(Undeclared(payload), reply_time_ms=10)  # type: ignore[arg-type]

    asked()


@dataclass(frozen=True, slots=True)
class Undeclared:
    """A message that says not what it may do: a start, as a simulator would know it."""

    payload: bytes
    address: int = 1

    def to_bytes(self) -> bytes:
        """Return the payload."""
        return self.payload


@EVERY
@pytest.mark.real
@pytest.mark.requirement("DIAL-2")
def test_each_goes_over_a_real_pseudo_terminal(name, tmp_path: Path):
    """``pumpd probe`` identifies and reads a pump there; 7 bits and parity such a port can not carry."""
    subject = subject_of(FRAMED[name])
    framing = subject.framings[0]
    if FRAMED[name].card.reply_time_ms >= 1000:  # such a port has no speed; late replies are waited for less
        framing = replace(framing, baud=115_200)

    async def probed(line: Path, told: list[str]) -> bool:
        async with rig(subject, framing, over_pty(line)) as on:
            on.start()
            for model in on.models:
                model.flow_nl_h = model.set_rate_nl_h  # its motor has come to its rate
            await on.bus.link.close(OSError("the line is for the probe"))  # type: ignore[arg-type]
            return await probe(on.url, name, told.append, readings=2)

    for number in range(TRIES):  # pump and probe share a process: where that stands still, a time-out passes
        told: list[str] = []
        well = asyncio.run(probed(tmp_path / f"line{number}", told))
        if well:
            break
    assert well, told
    assert any("flow: 10 mL/h" in line for line in told), told


@pytest.mark.requirement("DIAL-3")
@pytest.mark.parametrize(
    "name", sorted(n for n, s in FRAMED.items() if s.card.integrity == "no integrity check")
)
def test_without_a_check_one_damaged_reply_is_no_reading(name):
    """A digit that is wrong in one reply alone never comes out, whichever reply it is."""
    spec = FRAMED[name]

    async def damaged() -> None:
        subject = subject_of(spec)
        async with rig(subject, subject.framings[0]) as on:
            on.start()
            await asyncio.sleep(60)
            for shown in ("rate", None, "rate"):
                good = (await on.read()).set_flow.value
                on.face.forced = {shown: on.subject.channels[ONE].odd_flow[shown]} if shown else {}
                asks = 0
                answer = on.face.answer

                def once(payload, answer=answer):
                    nonlocal asks
                    asks += 1
                    reply = answer(payload)
                    on.face.forced = {}
                    return reply

                on.face.answer = once
                with suppress(WireError):
                    assert (await on.read()).set_flow.value == good
                on.face.answer = answer
                assert asks > (1 if shown else 0)

    run_virtual(damaged())
