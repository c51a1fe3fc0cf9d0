"""What the daemon knows of one channel, as JSON: where a replay takes up.

Written and read by the types of the core, so that what the core learns to keep is kept here, too.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, get_type_hints

from pumpd.core.infusion_setup import under
from pumpd.core.state import PumpState
from pumpd.daemon.plan import PumpPlan
from pumpd.daemon.seams import LivePump
from pumpd.drivers.base import Identity
from pumpd.store.base import Durable
from pumpd.store.values import read, written

_FROM_THE_PLAN = {"setup", "limits"}
"""What follows from configuration, library and who answered."""


def state_of(live: LivePump) -> dict[str, Any]:
    """Return what ``take_up`` reads back."""
    state = {f.name: written(getattr(live.state, f.name)) for f in _kept()}
    return {"identity": written(live.identity), "sequence": live.sequence, "state": state}


def take_up(live: LivePump, plan: PumpPlan, told: dict[str, Any]) -> None:
    """Give a channel that has just been made what ``state_of`` told of it; what was not told stays."""
    live.identity = read(Identity | None, told["identity"])
    live.sequence = told["sequence"]
    values = _values(told)
    setup = under(plan.setup(live.channel, live.identity), values.get("watch"))
    live.state = replace(live.state, setup=setup, limits=setup.limits(), **values)
    live.told.alarms = live.state.alarms


def durable_of(live: LivePump, told: dict[str, Any]) -> Durable:
    """Return what of ``told`` outlives a restart, as a journal that opens late tells it."""
    state = replace(live.state, **_values(told))
    return Durable(live.pump, live.channel, state.alarms, state.restraints, state.delivered, state.watch)


def _kept() -> list[Any]:
    return [field for field in fields(PumpState) if field.name not in _FROM_THE_PLAN]


def _values(told: dict[str, Any]) -> dict[str, Any]:
    hints = get_type_hints(PumpState)
    return {f.name: read(hints[f.name], told["state"][f.name]) for f in _kept() if f.name in told["state"]}
