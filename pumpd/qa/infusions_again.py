"""What people did to infusions during a recording, done again at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from pumpd.core.infusion_setup import under
from pumpd.core.quantities import NS_PER_S
from pumpd.core.state import Ordered
from pumpd.core.telemetry import ChannelId, PumpId
from pumpd.daemon.app import App
from pumpd.daemon.infusion_book import place
from pumpd.daemon.pipeline import set_up
from pumpd.daemon.plan import PumpPlan
from pumpd.daemon.recorded_infusion import AFRESH, changed_watch
from pumpd.store.recording import Kind, Recording


def repeat_infusions(app: App, recording: Recording, plans: Mapping[PumpId, PumpPlan]) -> None:
    """Let every change of an infusion that ``recording`` holds come again, on the running loop."""
    loop = asyncio.get_running_loop()
    for record in recording.of(Kind.INFUSION):
        told = record.json()
        loop.call_at(record.at_ns / NS_PER_S, _again, app, plans[PumpId(told["pump"])], told)


def _again(app: App, plan: PumpPlan, told: Mapping[str, Any]) -> None:
    live = app.ward.pumps[plan.pump, ChannelId(told["channel"])]
    watch = changed_watch(told, live.state.watch)
    setup = under(plan.setup(live.channel, live.identity), watch)
    event = told.get("event", "")
    app.pipeline.take(live, Ordered(setup, watch, event in AFRESH))
    set_up(live, setup)
    place(live, watch)
    app.book.regroup()
    if event:
        app.pipeline.note(live, "infusion", event, detail=told["detail"], by=told["by"])
    app.pipeline.link_changed(live)
