"""The request that says which pump is at which port: what a pump does is not touched."""

from __future__ import annotations

from typing import Literal

from pumpd.contract.parts import CommandPayload


class ExchangePortsPayload(CommandPayload):
    """Verb ``exchange-ports``: the pump that answers in another's place is read there from now on.

    The other is looked for at the port that this one had.
    """

    pump: str
    """The pump that the port was for."""
    channel: str
    to_pump: str
    """The pump of the fleet that answers there, as it was on the screen; refused if it does not any more."""
    to_channel: str
    beds: Literal["stay", "exchange"]
    """Exchange: the pumps changed places. Stay: each stands where it stood, and only the cables changed."""
