"""Which codes a simulated pump shows for a status, in every place where its map looks for one."""

from __future__ import annotations

from pumpd.core.telemetry import PumpStatus
from pumpd.protocols.registers_fields import FirstStatus, StatusField

Codes = tuple[int, ...]
"""One code for each place, in the order in which the places are looked at."""


def status_codes(field: StatusField) -> dict[PumpStatus, Codes]:
    """Return status -> codes; a pump without a code for a status shows the nearest one that it has."""
    return {status: _codes(field, _nearest(field, status)) for status in PumpStatus}


def _nearest(field: StatusField, status: PumpStatus) -> PumpStatus:
    named = field.named()
    fallback = PumpStatus.RUNNING if status.delivers else PumpStatus.STOPPED
    return next((one for one in (status, fallback) if one in named), next(iter(field.codes.values())))


def _codes(field: StatusField, status: PumpStatus) -> Codes:
    """Let the status itself say it, or else the first place that can; the others say nothing."""
    tellers: tuple[FirstStatus | StatusField, ...] = (field, *field.first)
    able = [teller for teller in tellers if status in teller.codes.values()]
    return tuple(
        next(code for code, one in teller.codes.items() if one is status)
        if able and teller is able[0]
        else quiet_code(teller)
        for teller in field.tellers()
    )


def quiet_code(teller: FirstStatus | StatusField) -> int:
    """Return the code with which a place says nothing; of the last place the first that it has."""
    return next((code for code, status in teller.codes.items() if status is None), next(iter(teller.codes)))
