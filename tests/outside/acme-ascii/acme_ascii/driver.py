"""What the replies of an Acme pump mean."""

from __future__ import annotations

from importlib import resources
from typing import Final

from acme_ascii.protocol import DIALECT, LONGEST_BYTES, Halt, ReadIdentity, ReadStatus
from pumpd.core.quantities import FlowRate, Volume
from pumpd.core.telemetry import ChannelId, Measured, PumpAlarm, PumpStatus
from pumpd.drivers.base import ChannelReading, Conversation, Identity
from pumpd.drivers.card import load_card
from pumpd.drivers.registry import DriverSpec
from pumpd.errors import DeviceRefusedError
from pumpd.protocols.wire import Permission

CARD: Final = resources.files("acme_ascii") / "card.yaml"
ONE: Final = ChannelId("1")
STATUSES: Final = {
    "R": PumpStatus.RUNNING,
    "S": PumpStatus.STOPPED,
    "P": PumpStatus.PAUSED,
    "A": PumpStatus.ALARM,
}
ALARMS: Final = {"1": PumpAlarm.OCCLUSION, "2": PumpAlarm.AIR, "3": PumpAlarm.EMPTY}
NL_H_PER_COUNT: Final = 100_000
NL_PER_COUNT: Final = 10_000
HIGHEST_COUNT: Final = 9999


class AcmeDriver:
    """One pump at one address."""

    def __init__(self, address: int) -> None:
        self._address = address

    async def identify(self, line: Conversation) -> Identity:
        """Ask who is there."""
        serial_number, firmware = await line.ask(ReadIdentity(self._address))
        return Identity("Acme", "A-1", serial_number, firmware)

    async def read(self, line: Conversation) -> tuple[ChannelReading, ...]:
        """Read the one channel."""
        said = await line.ask(ReadStatus(self._address))
        alarm = ALARMS.get(said.alarm, PumpAlarm.OTHER)
        quiet = said.alarm == "0"
        return (
            ChannelReading(
                ONE,
                STATUSES.get(said.code, PumpStatus.UNKNOWN),
                said.code,
                flow_of(said.flow),
                Measured.valid(Volume(int(said.volume) * NL_PER_COUNT)),
                set_flow=flow_of(said.set_flow),
                alarms=frozenset() if quiet else frozenset({alarm}),
                raw_alarms=() if quiet else (f"alarm {said.alarm}",),
            ),
        )

    async def pause(self, line: Conversation, channel: ChannelId) -> None:
        """Stop delivery."""
        if channel != ONE:
            raise DeviceRefusedError(f"an A-1 has no channel {channel}")
        await line.ask(Halt(self._address))


def flow_of(counts: str) -> Measured[FlowRate]:
    """Return a rate; INVALID beyond four digits."""
    if not counts.isdecimal() or int(counts) > HIGHEST_COUNT:
        return Measured.invalid(counts)
    return Measured.valid(FlowRate(int(counts) * NL_H_PER_COUNT))


SPEC: Final = DriverSpec(
    card=load_card(
        resources.files("acme_ascii").joinpath("card.yaml").read_text(encoding="utf-8"), "card.yaml"
    ),
    channels=(ONE,),
    pausable=frozenset({ONE}),
    flow_step=FlowRate(NL_H_PER_COUNT),
    counter_step=Volume(NL_PER_COUNT),
    n_questions=1,
    cycle_rtu_bytes=8 + LONGEST_BYTES,
    build=AcmeDriver,
    controls=(Permission.PAUSE,),
    dialect=DIALECT,
)
