"""The card of a pump that nobody has looked at yet: what its register map has, and that nothing was tried."""

from __future__ import annotations

from typing import Final

from pumpd.drivers.card import CAPABILITIES, Capability, Card, CardDocument
from pumpd.protocols.registers import QUANTITIES, RegisterMap

REPLY_TIME_MS: Final = 1000
"""Patience with a pump of which nobody has measured how soon it answers."""
INTEGRITY: Final = "CRC-16 on RTU; transaction id and TCP checksum on Modbus TCP"


def unverified_card(register_map: RegisterMap) -> Card:
    """Return the card under which a map is looked at before it has one of its own."""
    channels = register_map.channels.values()
    has = {
        "identity": bool(register_map.identity_places()),
        "status": True,
        "alarms": any(channel.alarms for channel in channels),
        "pause": any(channel.pause for channel in channels),
        "lower rate": any(channel.lower for channel in channels),
        **{
            name.replace("_", " "): any(getattr(channel, name) for channel in channels) for name in QUANTITIES
        },
    }
    writes = [f"channel {n}: stops delivery" for n, channel in register_map.channels.items() if channel.pause]
    writes += [f"channel {n}: a lower rate" for n, channel in register_map.channels.items() if channel.lower]
    source = register_map.source
    return Card(
        driver=register_map.name,
        make=register_map.make,
        model=register_map.model,
        register_map=register_map.name,
        documents=(CardDocument(title=source.document, revision=source.revision, pages=source.pages),),
        verified="none",
        human_use=False,
        integrity=INTEGRITY,
        reply_time_ms=REPLY_TIME_MS,
        pause_proven_on="none",
        lower_window_ms=REPLY_TIME_MS if has["lower rate"] else None,
        writes=tuple(writes),
        capabilities={
            name: Capability(state="done")
            if has[name]
            else Capability(state="exempt", comment="the map has no such register")
            for name in CAPABILITIES
        },
    )
