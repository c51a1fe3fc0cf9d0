"""How the dashboard is: health for whoever starts it, metrics for whoever looks after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client.core import Metric

from dashboard.live import NotLive
from dashboard.page import Pages
from dashboard.stream import Hub
from pumpd.exposition import CONTENT_TYPE, Exposition, counter, gauge, info, one
from pumpd.health import Health, Unwell

NODE_STATES = ("online", "offline", "lost", "unknown")


class DashboardMetrics:
    """The ``Families`` of one dashboard."""

    def __init__(self, pages: Pages, hub: Hub) -> None:
        self._ward = pages.ward
        self._hub = hub

    def families(self) -> Iterator[Metric]:
        """Yield every metric."""
        ward = self._ward
        yield info("pumpd_dashboard_build_info", "Which pumpd serves.", {"version": version("pumpd")})
        yield one("pumpd_dashboard_broker_up", "1 while it has the broker.", float(ward.broker_up))
        yield one("pumpd_dashboard_pages", "Pages that are open.", float(self._hub.open_pages))
        yield counter(
            "pumpd_dashboard_refused_messages",
            "Messages that were not what the contract says.",
            (),
            [((), float(ward.refused))],
        )
        states = Counter("unknown" if n.status is None else n.status.state for n in ward.nodes.values())
        yield gauge(
            "pumpd_dashboard_nodes",
            "Daemons by what they last said of themselves.",
            ("state",),
            [((state,), float(states[state])) for state in NODE_STATES],
        )
        reasons = Counter(ward.not_live(channel) for channel in ward.channels.values())
        yield gauge(
            "pumpd_dashboard_channels",
            "Channels by why their numbers are not live; reason live: they are.",
            ("reason",),
            [((reason.value or "live",), float(reasons[reason])) for reason in NotLive],
        )


def dashboard_health(pages: Pages) -> Health:
    """Return how the dashboard is; it lives while it answers."""
    ward = pages.ward
    if not ward.broker_up:
        return Health((Unwell("broker", "not connected", blocks=True),))
    online = [n for n in ward.nodes.values() if n.status is not None and n.status.state == "online"]
    away = tuple(
        Unwell(f"node {name}", "nothing said" if node.status is None else node.status.state)
        for name, node in ward.nodes.items()
        if node not in online
    )
    return Health((*away, *([] if online else [Unwell("nodes", "no daemon is online", blocks=True)])))


def make_health_router(pages: Pages, hub: Hub) -> APIRouter:
    """Return ``/healthz``, ``/readyz`` and ``/metrics``."""
    router = APIRouter()
    exposition = Exposition(DashboardMetrics(pages, hub))

    @router.get("/healthz")
    async def healthz() -> dict[str, Any]:
        """Return how this process is: it serves even with no broker, and then says so."""
        return {
            **dashboard_health(pages).body(),
            "broker": "up" if pages.ward.broker_up else "down",
            "pages": hub.open_pages,
            "refused_messages": pages.ward.refused,
        }

    @router.get("/readyz", responses={503: {"description": "It shows nothing live; the body says why."}})
    async def readyz() -> JSONResponse:
        """Return whether it can show pumps live: the broker is there, and a daemon on it."""
        health = dashboard_health(pages)
        return JSONResponse(health.body(), status_code=200 if health.ready else 503)

    @router.get("/metrics", response_class=Response, responses={200: {"content": {CONTENT_TYPE: {}}}})
    async def metrics() -> Response:
        """Return figures for Prometheus; none is of a patient."""
        return Response(exposition.text(), media_type=CONTENT_TYPE)

    return router
