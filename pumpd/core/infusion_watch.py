"""What is known of an infusion from reading to reading: what it gave, how long it ran, how it is set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pumpd.core.acceptance import Acceptance
from pumpd.core.dosing import highest_flow
from pumpd.core.infusion import OrderedRange
from pumpd.core.infusion_clock import next_look_ns
from pumpd.core.infusion_record import Infusion, Patient, aimed
from pumpd.core.infusion_totals import DoseBound
from pumpd.core.quantities import NS_PER_S, FlowRate
from pumpd.core.telemetry import PumpStatus, Telemetry
from pumpd.core.total_dose import DoseAccount, Stretch

SAVED_EVERY_NS = 10 * NS_PER_S
"""While it flows, what was given is on disk at least this often."""
RAISE_SETTLES_NS = 60 * NS_PER_S
"""Raises within so long of the first are one: a rate is keyed in step by step, and corrected."""
_LONG_AGO_NS = -(1 << 62)


class PatientDose(NamedTuple):
    """What one patient got of one drug, from whichever pump, in whichever infusion."""

    patient: Patient
    drug: str
    account: DoseAccount
    series_e6_p: int = 0
    """Since the series began."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Whose it is, and of what; blanks and capitals do not make another patient."""
        marks = (self.patient.label, self.patient.identifier, self.drug)
        return tuple(" ".join(mark.casefold().split()) for mark in marks)  # type: ignore[return-value]

    def plus(self, stretch: Stretch, flow_nl_h: int) -> PatientDose:
        """Return it with ``stretch`` given; beside another pump's it is put behind it, never before."""
        last_ns = self.latest_ns
        if stretch.begun_ns < last_ns:
            stretch = Stretch(last_ns, max(last_ns, stretch.ended_ns), stretch.amount_e6_p)
        account = self.account.plus(stretch, flow_nl_h)
        return PatientDose(self.patient, self.drug, account, self.series_e6_p + stretch.amount_e6_p)

    @property
    def latest_ns(self) -> int:
        """When something was given last; long ago when nothing was."""
        newest = self.account.newest
        return _LONG_AGO_NS if newest is None else newest.ended_ns

    def shifted(self, by_ns: int) -> PatientDose:
        """Return it with its times moved: another boot counts from another moment."""
        moved = [
            Stretch(s.begun_ns + by_ns, s.ended_ns + by_ns, s.amount_e6_p) for s in self.account.stretches
        ]
        return self._replace(account=self.account.with_stretches(moved))


class InfusionWatch(NamedTuple):
    """An infusion on one channel, with what readings showed of it; times are on the monotonic clock."""

    infusion: Infusion
    begun_ns: int
    dose: PatientDose
    given_e6_p: int = 0
    """By this infusion, in millionths of a picogram (or pico-unit)."""
    given_nl: int = 0
    up_to: bool = False
    """Part of it was not counted, but reckoned at the highest rate."""
    account_ns: int | None = None
    """When the counter's account began that was credited last; another is credited by the counter."""
    counted_nl: int = 0
    """What is credited of that account: by its counter, and between two steps of it by what else it shows."""
    stepped_nl: int = 0
    """What of it the counter itself had counted."""
    elsewhere_nl: int = 0
    """What the account had by other ways then."""
    counter_nl: int = 0
    to_come_nl: int | None = None
    """What the pump said was still to be infused."""
    torn: bool = False
    """After a restart: the pump's counter has not yet shown all that is credited."""
    resumed: bool = False
    """Its pump was not read since a restart."""
    credited_ns: int | None = None
    """Up to when what was given is credited."""
    taken_ns: int | None = None
    """When the last reading was taken."""
    pace_nl_h: int = 0
    """How fast it flowed then."""
    top_nl_h: int = 0
    """The highest that it ever was."""
    flowed_from_ns: int | None = None
    """When it first flowed."""
    flowed_ns: int = 0
    """How long it has flowed."""
    standing_ns: int | None = None
    """Since when it stands, after it had flowed."""
    looked_ns: int | None = None
    """When somebody last looked at the patient."""
    ended_ns: int | None = None
    left: bool = False
    """It goes on, but on another pump."""
    stood_since: bool = False
    """It stood after it was ended or left: what flows later is nothing of this patient's."""
    rate_nl_h: int | None = None
    """What the pump was last set to, while it ran."""
    raised_ns: int | None = None
    """When its rate was last raised at the pump: when that raise began."""
    raised_before_ns: int | None = None
    """When it was raised before that."""
    raise_from_nl_h: int | None = None
    """From which rate it was last raised."""
    raise_asked_ns: int | None = None
    """When a person last asked for a raise here."""
    bounds: tuple[DoseBound, ...] = ()
    """The library's limits of the total dose, for this patient and order."""
    accepted: tuple[Acceptance, ...] = ()
    """Soft limits passed on purpose under the present order."""
    agrees: bool | None = None
    """The pump is set to what is to be given; None while that can not be known."""
    to_set: ToSet | None = None
    """What to set, as it was worked out last."""

    @property
    def at_most(self) -> bool:
        """True while less may have been given than it says."""
        return self.up_to or self.torn or self.resumed

    @property
    def goes_on(self) -> bool:
        """True until it is ended, or goes on elsewhere."""
        return self.ended_ns is None and not self.left

    @property
    def look_due_ns(self) -> int | None:
        """When somebody should look at the patient next: from its first flow on, and after its end."""
        if self.left:
            return None
        from_ns = self.flowed_from_ns if self.ended_ns is None else self.ended_ns
        if from_ns is None:
            return None
        entry = self.infusion.entry
        intervals = entry.during if self.ended_ns is None else entry.after
        looked_ns = None if self.looked_ns is None else self.looked_ns - from_ns
        due_ns = next_look_ns(intervals, looked_ns)
        return None if due_ns is None else from_ns + due_ns

    @property
    def latest_ns(self) -> int:
        """The newest moment that it knows of."""
        times: list[int] = [v for name, v in self._asdict().items() if name in _TIMES and v is not None]
        return max(self.dose.latest_ns, *times)

    def shifted(self, by_ns: int) -> InfusionWatch:
        """Return it with its times moved: another boot counts from another moment."""
        moved = {
            name: value + by_ns
            for name, value in self._asdict().items()
            if name in _TIMES and value is not None
        }
        # What the counter's account of another boot began at is no longer of use: the counter itself is.
        resumed = self.taken_ns is not None and not self.stood_since
        return self._replace(**moved, dose=self.dose.shifted(by_ns), account_ns=None, resumed=resumed)


_TIMES = frozenset(
    {
        "begun_ns",
        "credited_ns",
        "taken_ns",
        "flowed_from_ns",
        "standing_ns",
        "looked_ns",
        "ended_ns",
        "raised_ns",
        "raised_before_ns",
        "raise_asked_ns",
    }
)


class ToSet(NamedTuple):
    """What to set on a pump for one infusion; it holds for these very objects."""

    infusion: Infusion
    step: FlowRate
    flow: FlowRate


@dataclass(frozen=True, slots=True)
class Titrated:
    """Effect: somebody set another rate inside the ordered range, at the pump: a message, not an alarm."""

    before: FlowRate
    after: FlowRate


def _raised(watch: InfusionWatch, before_nl_h: int, now_nl_h: int, at_ns: int) -> InfusionWatch:
    """Return the watch after the set rate moved: raises soon after another are one, and may be taken back."""
    from_nl_h, raised_ns = watch.raise_from_nl_h, watch.raised_ns
    settles = raised_ns is not None and from_nl_h is not None and at_ns - raised_ns < RAISE_SETTLES_NS
    if settles and from_nl_h is not None and now_nl_h <= from_nl_h:
        return watch._replace(raised_ns=watch.raised_before_ns, raised_before_ns=None, raise_from_nl_h=None)
    if settles or now_nl_h < before_nl_h:
        return watch
    return watch._replace(raised_ns=at_ns, raised_before_ns=raised_ns, raise_from_nl_h=before_nl_h)


def flow_to_set(infusion: Infusion, step: FlowRate) -> FlowRate:
    """Return what to set on a pump that resolves ``step``: rounded down, never more than ordered."""
    programme = infusion.programme
    return highest_flow(infusion.ordered.dose, programme.concentration, programme.weight, step)


def turned(
    watch: InfusionWatch, reading: Telemetry, ordered: OrderedRange | None, step: FlowRate
) -> tuple[InfusionWatch, Titrated | None]:
    """Return the watch with what the pump is set to, and the message if it was titrated."""
    chosen = reading.set_flow.value
    if chosen is None or ordered is None:
        return (watch if watch.agrees is None else watch._replace(agrees=None)), None
    told = None
    before_nl_h, now_nl_h = watch.rate_nl_h, chosen.nl_per_h
    if before_nl_h != now_nl_h and reading.status is PumpStatus.RUNNING:
        watch = watch._replace(rate_nl_h=now_nl_h)
        if before_nl_h is not None:
            watch = _raised(watch, before_nl_h, now_nl_h, reading.taken_ns)
        if before_nl_h is not None and ordered.low <= chosen <= ordered.high:
            told = Titrated(FlowRate(before_nl_h), chosen)
            if watch.goes_on:
                meant = watch.infusion.programme.dose(chosen)
                watch = watch._replace(infusion=aimed(watch.infusion, meant))
    to_set = watch.to_set
    if to_set is None or to_set.infusion is not watch.infusion or to_set.step is not step:
        to_set = ToSet(watch.infusion, step, flow_to_set(watch.infusion, step))
        watch = watch._replace(to_set=to_set)
    agrees = now_nl_h == to_set.flow.nl_per_h
    return (watch if agrees is watch.agrees else watch._replace(agrees=agrees)), told
