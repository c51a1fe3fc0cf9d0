"""Every place of an ISCO controller where no pump may be: it stands and says nothing."""

from __future__ import annotations

import pytest

from pumpd.core.telemetry import ChannelId, PumpAlarm
from pumpd.drivers.registry import find
from pumpd.qa.conformance.rig import rig
from pumpd.qa.conformance.subject import MODBUS, subject_of
from pumpd.qa.virtual_time import in_virtual_time


@pytest.mark.requirement("MAP-4")
@pytest.mark.parametrize("channel", ["A", "B", "C", "D"])
@in_virtual_time
async def test_a_channel_without_a_transducer_says_nothing_and_one_with_it_does(channel):
    """What it calls empty is an alarm only where a transducer is fitted: coil 0 none, 1 fitted."""
    async with rig(subject_of(find("teledyne-isco")), MODBUS[0]) as on:
        empty = {f"channels.{channel}.alarms[0]": (1,), f"channels.{channel}.status": (0,)}
        for fitted, alarms in ((0, set()), (1, {PumpAlarm.EMPTY})):
            on.face.forced = {**empty, f"channels.{channel}.fitted": (fitted,)}
            assert (await on.channel(ChannelId(channel))).alarms == alarms
