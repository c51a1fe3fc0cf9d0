"""A trial of a driver: led through with a simulated pump, signed, and relied on for that firmware alone."""

import asyncio
import random
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from pumpd.cli import app
from pumpd.core.quantities import NL_PER_ML
from pumpd.drivers.base import Identity
from pumpd.drivers.registry import find
from pumpd.drivers.trial import signed_by, trial_in
from pumpd.errors import ConfigError, TransportError
from pumpd.protocols.framing_rtu import RtuServerFramer
from pumpd.qa.conformance.rig import over_pty, over_tcp, rig, simulated
from pumpd.qa.conformance.subject import MODBUS, subject_of
from pumpd.qa.virtual_time import in_virtual_time
from pumpd.signing import Signer
from pumpd.simulator.faults import Fault, FaultKind
from pumpd.simulator.line import SimulatedLine
from pumpd.simulator.server import MemoryLine
from pumpd.transports.memory import MemoryWire
from pumpd.transports.url import parse_url
from pumpd.verify import verify
from tests import proof
from tests.bench import PAIRS, on_the_bench

SPEC = find("reference-pump")
RATES = ("10", "2.5", "60")


class Engineer:
    """Answers as somebody who stands at the pump, and does there what is asked for."""

    def __init__(self, models, **said):
        self.models = models
        self.said = {"Type: no patient": "no patient", "label": "SIM-0001", "display": "yes"} | said
        self.asked: list[str] = []

    def __call__(self, sentence):
        self.asked.append(sentence)
        if sentence.startswith("Rate "):
            typed = RATES[int(sentence[5]) - 1]
            for model in self.models:
                model.turn_rate(round(float(typed) * NL_PER_ML))
                if "run at it" in sentence and "stays" not in self.said:
                    model.press_start()
            return self.said.get(f"rate {sentence[5]}", typed)
        if sentence.startswith("Stop the pump"):
            for model in self.models:
                model.press_stop()
            return "stopped"
        if sentence.startswith("Start the pump"):
            if "start" not in self.said:
                for model in self.models:
                    model.press_start()
            return "pause"
        return next(answer for part, answer in self.said.items() if part in sentence)


async def led(fault=None, **said):
    """Lead an engineer through; return the trial and what was told."""
    wire = MemoryWire(baud=19200)
    pump = simulated(subject_of(SPEC), 1, "SIM-0001")
    line = SimulatedLine([pump], random.Random(proof.SEED))
    served = MemoryLine(line, wire, RtuServerFramer)
    await served.plug()
    if fault is not None:
        line.faults.add(None, fault)
    told: list[str] = []
    engineer = Engineer(pump.face.models.values(), **said)
    url = parse_url("modbus-rtu://memory:4001/1?baud=19200")
    try:
        trial = await verify(SPEC, url, "E. Engineer", "2026-01-01", told.append, engineer, wire=wire.asking)
    finally:
        await served.unplug()
    return trial, "\n".join(told)


@pytest.mark.requirement("ENG-5")
@in_virtual_time
async def test_a_trial_holds_all_that_was_seen():
    """Identity, three rates, the refusal with its code, the pause with its time, and every byte."""
    trial, told = await led()
    assert trial is not None, told
    assert (trial.model, trial.firmware, trial.simulated) == ("REF-1", "1.0", True)
    assert [setting.told for setting in trial.settings] == ["10 mL/h", "2.5 mL/h", "60 mL/h"]
    assert "illegal data address" in trial.refusal
    assert trial.pause_ms is not None
    assert trial.pause_ms < 1000
    text = "\n".join(trial.transcript)
    assert "set coil 0 on" in text
    assert " > 01 05 00 00 ff 00" in text


@pytest.mark.requirement("ENG-5", "INV-1")
@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"Type: no patient": "yes"}, "ended before anything was asked"),
        ({"label": "SIM-0002"}, "the pump says SIM-0001, its label SIM-0002"),
        ({"rate 2": "25"}, "the display says 25 mL/h, the driver reads 2.5 mL/h"),
        ({"rate 2": "fast"}, "is no rate in mL/h"),
        ({"start": ""}, "only a running pump shows that a pause works"),
        ({"display": "no"}, "the pump does not stand"),
    ],
)
@in_virtual_time
async def test_what_does_not_agree_ends_it_without_a_card(said, words):
    """Another label, another display, a pump that does not run: there is nothing to sign."""
    trial, told = await led(**said)
    assert trial is None
    assert words in told
    if "start" in said or "Type: no patient" in said:
        assert "> 01 05" not in told


@pytest.mark.requirement("ENG-5")
@in_virtual_time
async def test_a_pump_that_does_not_answer_is_advised_on():
    """The trial ends with what to look at."""
    trial, told = await led(Fault(FaultKind.SILENCE))
    assert trial is None
    assert "what to do: nothing answers" in told


@pytest.mark.requirement("ENG-5")
@pytest.mark.real
@pytest.mark.parametrize("framing", [0, 1], ids=["socket", "pseudo-terminal"])
def test_a_trial_over_a_real_wire(framing, tmp_path):
    """The same through a socket and a pseudo-terminal."""

    async def tried():
        over = (over_tcp, over_pty(tmp_path / "port"))[framing]
        async with rig(subject_of(SPEC), MODBUS[framing], over=over) as on:
            await on.bus.link.close(TransportError("the line is for the trial"))
            engineer = Engineer(on.models)
            return await verify(
                SPEC, parse_url(on.url), "E. Engineer", "2026-01-01", lambda _: None, engineer
            )

    assert asyncio.run(tried()) is not None


async def led_over(name, framing, **said):
    """Lead through with a driver's own simulated pump; return trial, engineer and what was told."""
    told: list[str] = []
    async with on_the_bench(name, framing) as bench:
        engineer = Engineer(bench.models, **said)
        url = parse_url(bench.url)
        trial = await verify(
            find(name), url, "E. Engineer", "2026-01-01", told.append, engineer, wire=bench.wire
        )
    return trial, engineer, "\n".join(told)


@pytest.mark.requirement("ENG-5", "INV-1")
@pytest.mark.parametrize(("name", "framing"), PAIRS, ids=lambda each: getattr(each, "name", each))
@in_virtual_time
async def test_every_driver_can_be_tried(name, framing):
    """Identity, three rates, refusal and pause with each; one that tells no rate that is set runs for it."""
    trial, engineer, told = await led_over(name, framing)
    assert trial is not None, told
    spec = find(name)
    step = spec.flow_step.nl_per_h / NL_PER_ML
    assert [float(s.told.split()[0]) for s in trial.settings] == pytest.approx(
        [float(rate) for rate in RATES], abs=step
    )
    runs = spec.card.capabilities["set flow"].state != "done"
    assert any("let the pump run at it" in sentence for sentence in engineer.asked) is runs
    assert (trial.pause_ms is not None) is bool(spec.pausable)
    assert ("illegal data address" in trial.refusal) is (spec.register_map is not None)
    nameless = next((at for at, line in enumerate(trial.transcript) if "can stand for no pump" in line), None)
    assert (nameless is None) is bool(trial.firmware or trial.serial_number)
    if nameless is not None:
        rated = next(at for at, line in enumerate(trial.transcript) if line.startswith("typed "))
        assert nameless < rated, "it is told before the work"


@pytest.mark.requirement("ENG-5")
@in_virtual_time
async def test_a_pump_that_tells_its_rate_only_while_it_runs_has_to_run():
    """An engineer who only sets the rate is told so, and nothing is signed."""
    zyno = subject_of(find("zyno-miva")).framings[0]
    trial, _, told = await led_over("zyno-miva", zyno, stays="")
    assert trial is None
    assert "it is stopped, and tells a rate only while it runs" in told


@pytest.mark.requirement("ENG-5")
def test_a_place_that_is_taken_is_refused_before_the_trial(tmp_path):
    """Nobody leads a pump through all of it to learn then that nothing can be written."""
    taken = tmp_path / "trial.json"
    taken.write_text("{}")
    rest = ["--driver", "reference-pump", "--engineer", "E", "--key", str(tmp_path / "none")]
    for place, words in ((taken, "is there already"), (tmp_path / "no" / "trial.json", "there is no folder")):
        ran = CliRunner().invoke(
            app, ["drivers", "verify", "modbus-tcp://127.0.0.1:1/1", *rest, "--to", str(place)]
        )
        assert isinstance(ran.exception, ConfigError)
        assert words in ran.exception.problems[0].what


@pytest.mark.requirement("ENG-5")
@pytest.mark.parametrize("name", ["", "  ", "E\x1b[31m", "E\udcff"])
def test_a_name_that_nobody_can_read_is_refused_before_the_trial(name, tmp_path):
    """Without a name nothing could be signed at its end."""
    rest = [
        "--driver",
        "reference-pump",
        "--key",
        str(tmp_path / "none"),
        "--to",
        str(tmp_path / "trial.json"),
    ]
    ran = CliRunner().invoke(
        app, ["drivers", "verify", "modbus-tcp://127.0.0.1:1/1", *rest, "--engineer", name]
    )
    assert isinstance(ran.exception, ConfigError)
    assert ran.exception.problems[0].path == "--engineer"


@pytest.mark.requirement("ENG-5")
@in_virtual_time
async def test_a_signature_holds_for_what_was_signed_and_for_that_firmware():
    """One letter changed, another key, another firmware, a real pump instead of a simulated one: nothing."""
    trial, _ = await led()
    signer = Signer("engineer", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    stranger = Signer("stranger", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    text = signed_by(signer, trial)
    assert trial_in(text, signer.public) == trial
    for changed, key in ((text.replace("REF-1", "REF-2"), signer), (text, stranger)):
        with pytest.raises(ValueError, match="did not sign it"):
            trial_in(changed, key.public)
    with pytest.raises(ValueError, match="no signed trial"):
        trial_in("{}", signer.public)
    same = Identity("pumpd project", "REF-1", "SIM-0007", "1.0")
    assert trial.proves_pause(same)
    assert not trial.proves_pause(None)
    assert not trial.proves_pause(replace(same, firmware="1.1"))
    assert not trial.proves_pause(replace(same, firmware=""))
    assert not trial.proves_pause(replace(same, serial_number="A1"))
    assert not trial.model_copy(update={"pause_ms": None}).proves_pause(same)
    mute = trial.model_copy(update={"firmware": "", "serial_number": "SIM-0007"})
    assert mute.proves_pause(replace(same, firmware=""))
    assert not mute.proves_pause(replace(same, firmware="", serial_number="SIM-0008"))
