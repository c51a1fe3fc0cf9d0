"""Every simulated pump of a framed dialect, those that ship and those that other packages bring."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from pumpd.protocols.maps import installed_map
from pumpd.protocols.wire import ServerFramer
from pumpd.simulator import alaris, bcc, fresenius, harvard, neurowave, new_era, zyno
from pumpd.simulator.face import SimulatedKind, brought_kinds

SHIPPED: Final = (
    *(alaris.KIND, bcc.KIND, harvard.KIND_ELITE, harvard.KIND_ULTRA, new_era.KIND),
    *(neurowave.KIND, zyno.KIND_MIVA, zyno.KIND_NIMBUS_H),
    *(fresenius.KIND_BASE, fresenius.KIND_PILOT),
)


@cache
def kinds() -> Mapping[str, SimulatedKind]:
    """Return every kind by the dialect that it answers to; a name that ships stays with what ships."""
    return MappingProxyType({**brought_kinds().found, **{kind.dialect: kind for kind in SHIPPED}})


def channels_of(name: str) -> tuple[str, ...]:
    """Return the channels of the pumps of a register map or a framed dialect."""
    kind = kinds().get(name)
    return tuple(kind.channels if kind else installed_map(name).channels)


def channels_in(name: str, named: Container[str]) -> tuple[str, ...]:
    """Return the channels of one pump; of a rack those that are ``named``, or its first place."""
    kind, channels = kinds().get(name), channels_of(name)
    if kind is None or not kind.rack:
        return channels
    return tuple(channel for channel in channels if channel in named) or channels[:1]


def framer_of(name: str) -> Callable[[], ServerFramer] | None:
    """Return what finds questions of a framed dialect; None for a register map."""
    kind = kinds().get(name)
    return kind.server_framer if kind else None
