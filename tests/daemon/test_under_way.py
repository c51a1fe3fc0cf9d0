"""A pump that is just being restrained is known as that, and no other."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.daemon.restraint import Restrainer


@pytest.mark.requirement("INV-1")
async def test_only_the_pump_itself_is_under_way() -> None:
    """While its attempt goes on, and not once all is given up."""
    unused = cast("Any", SimpleNamespace())
    restrainer = Restrainer(unused, unused, unused)
    one, other = PumpId("PUMP-01"), PumpId("PUMP-02")
    assert not restrainer.is_under_way(one)
    task = asyncio.get_running_loop().create_task(asyncio.Event().wait(), name="attempt")
    vars(restrainer)["_under_way"][one, ChannelId("1")] = task
    assert restrainer.is_under_way(one)
    assert not restrainer.is_under_way(other)
    task.cancel()
    await asyncio.wait([task])
