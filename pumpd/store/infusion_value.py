"""An infusion and what a patient got, as JSON can hold it; written often, so stretches are short."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pumpd.core.acceptance import Acceptance
from pumpd.core.infusion_record import Infusion, Patient
from pumpd.core.infusion_totals import bounds_of
from pumpd.core.infusion_watch import InfusionWatch, PatientDose
from pumpd.core.total_dose import DoseAccount, Stretch
from pumpd.store.values import read, written


def dose_value(dose: PatientDose) -> dict[str, Any]:
    """Return what ``dose_of`` reads back."""
    account = dose.account
    return {
        "patient": written(dose.patient),
        "drug": dose.drug,
        "series_e6_p": dose.series_e6_p,
        "keep_ns": account.keep_ns,
        "kept_e6_p": account.kept_e6_p,
        "total_e6_p": account.total_e6_p,
        "flow_nl_h": account.flow_nl_h,
        "stretches": [[s.begun_ns, s.ended_ns, s.amount_e6_p] for s in account.stretches],
    }


def dose_of(told: Mapping[str, Any]) -> PatientDose:
    """Return what ``dose_value`` told; KeyError, TypeError or ValueError when it is no such thing."""
    sums = {name: told[name] for name in ("keep_ns", "kept_e6_p", "total_e6_p", "flow_nl_h")}
    account = DoseAccount(**sums).with_stretches([Stretch(*stretch) for stretch in told["stretches"]])
    return PatientDose(read(Patient, told["patient"]), told["drug"], account, told["series_e6_p"])


def watch_value(watch: InfusionWatch) -> dict[str, Any]:
    """Return what ``watch_of`` reads back."""
    told = {
        **watch._asdict(),
        "infusion": written(watch.infusion),
        "dose": dose_value(watch.dose),
        "accepted": written(watch.accepted),
    }
    del told["bounds"], told["to_set"]  # they follow from the infusion
    return told


def watch_of(told: Mapping[str, Any]) -> InfusionWatch:
    """Return what ``watch_value`` told; KeyError, TypeError or ValueError when it is no such thing."""
    infusion = read(Infusion, told["infusion"])
    bounds = bounds_of(infusion.entry, infusion.programme)
    accepted = read(tuple[Acceptance, ...], told.get("accepted", []))
    more = {"infusion": infusion, "dose": dose_of(told["dose"]), "bounds": bounds, "accepted": accepted}
    return InfusionWatch(**{**told, **more})
