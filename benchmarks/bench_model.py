"""What the simulated pumps cost: requests answered per CPU second, from frame to frame."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from pumpd.core.quantities import NL_PER_ML, NS_PER_S
from pumpd.protocols.framing_rtu import RtuServerFramer
from pumpd.protocols.maps import shipped_map
from pumpd.simulator.line import SimulatedLine, SimulatedPump
from pumpd.simulator.mechanism import IDEAL, Mechanism, syringe, volumetric
from pumpd.simulator.model import PumpModel
from pumpd.simulator.register_face import FaceBuilder, RegisterFace
from pumpd.simulator.traits import PumpTraits

GOAL = 10_000
EXCHANGES = 20_000
READ_ALL = bytes.fromhex("01 04 0000 000e 71ce")
"""Unit 1, function 4, the fourteen registers of the reference pump, as an RTU frame."""
REPLY_BYTES = 33


def exchanges_per_cpu_s(mechanism: Mechanism) -> float:
    """Return how many reads a second apart are answered in a second of CPU, while the pump runs at 1 mL/h."""
    model = PumpModel(traits=PumpTraits(mechanism=mechanism), reservoir_nl=500 * NL_PER_ML)
    model.turn_rate(NL_PER_ML)
    model.press_start()
    now_ns = 0
    builder = FaceBuilder(shipped_map("reference-pump"))
    face = RegisterFace(builder, {"1": model}, "SIM-1", "1.0", lambda: now_ns)
    line = SimulatedLine([SimulatedPump("PUMP", 1, face)], random.Random(1), lambda: now_ns / NS_PER_S)
    framer = RtuServerFramer()
    answered = 0
    begun_s = time.process_time()
    for _ in range(EXCHANGES):
        now_ns += NS_PER_S
        for question in framer.feed(READ_ALL):
            ((_, reply),) = line.replies(question, framer)
            answered += len(reply) == REPLY_BYTES
    if answered != EXCHANGES:
        raise RuntimeError(f"{answered} of {EXCHANGES} requests were answered")
    return EXCHANGES / (time.process_time() - begun_s)


def run() -> Iterator[tuple[str, float]]:
    """Yield each mechanism's name and figure."""
    for mechanism in (IDEAL, syringe(50), volumetric()):
        yield mechanism.kind.value, exchanges_per_cpu_s(mechanism)
