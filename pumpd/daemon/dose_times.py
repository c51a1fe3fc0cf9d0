"""When patients got what an earlier run kept, on the clock of this one: in doubt later, never too early.

Within one boot of the machine its monotonic clock goes on, and no time of day is asked. After another boot
only the time of day tells how long it was off. Set wrong at a start it would empty every window, so while
nobody vouches for it all that was given counts as given just before this boot; once the machine follows a
time server, it gets its true times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pumpd.clock import Clock, epoch_ns, host_boot_id
from pumpd.core.infusion_watch import InfusionWatch, PatientDose
from pumpd.core.quantities import NS_PER_S
from pumpd.core.total_dose import Stretch
from pumpd.daemon.seams import Ward
from pumpd.store.base import Durable

KEPT_NS = 31 * 24 * 3600 * NS_PER_S
"""What a patient got is remembered as long as the longest window that a library may ask about."""
DOUBTED = "when patients got their drugs before: the time of day can not be true, so it counts as just now"


@dataclass(slots=True)
class DoseTimes:
    """Brings what was kept onto the clock of this run."""

    clock: Clock
    follows: bool | None
    """Whether the time of day follows a time server; None when that can not be told."""
    held: list[tuple[tuple[str, str, str], int, int]] = field(default_factory=list)
    """Whose doses are held back: up to which moment, and by how much they lie too late by the time of day."""
    epoch_ns: int = field(init=False)
    """Of the time of day by which they were held."""
    doubted: bool = False
    """Some are, and nobody will ever say for how long."""

    def __post_init__(self) -> None:
        self.epoch_ns = epoch_ns(self.clock)

    def doses(self, durable: Durable) -> dict[tuple[str, str, str], PatientDose]:
        """Return what patients got, as an earlier run kept it for the node."""
        return {dose.key: self._dose(durable, dose) for dose in durable.doses}

    def watch(self, durable: Durable) -> InfusionWatch | None:
        """Return the infusion that an earlier run kept for a channel."""
        watch = durable.watch
        if watch is None:
            return None
        by_ns = min(self._by_wall_ns(durable), self.clock.monotonic_ns() - watch.latest_ns)
        return watch.shifted(by_ns)._replace(dose=self._dose(durable, watch.dose))

    def _dose(self, durable: Durable, dose: PatientDose) -> PatientDose:
        now_ns, latest_ns = self.clock.monotonic_ns(), dose.latest_ns
        by_ns, at_most_ns = self._by_wall_ns(durable), now_ns - latest_ns
        if dose.account.newest is None or self._same_boot(durable) or durable.epoch_ns is None:
            return dose.shifted(min(by_ns, at_most_ns))
        is_possible = at_most_ns - by_ns <= KEPT_NS
        if self.follows or (self.follows is None and is_possible):
            return dose.shifted(min(by_ns, at_most_ns))
        # It was at least as long ago as this boot is.
        held_ns = min(-latest_ns, at_most_ns)
        self.held.append((dose.key, latest_ns + held_ns, held_ns - by_ns))
        self.doubted = self.doubted or self.follows is None
        return dose.shifted(held_ns)

    def _by_wall_ns(self, durable: Durable) -> int:
        if durable.epoch_ns is None or self._same_boot(durable):
            return 0
        return durable.epoch_ns - epoch_ns(self.clock)

    def _same_boot(self, durable: Durable) -> bool:
        return bool(durable.host_boot_id) and durable.host_boot_id == host_boot_id(self.clock)

    def release(self, ward: Ward) -> None:
        """Give what was held back its true times: the machine follows a time server now."""
        held, self.held = self.held, []
        stepped_ns = epoch_ns(self.clock) - self.epoch_ns
        for key, until_ns, late_ns in held:
            by_ns = -max(0, late_ns + stepped_ns)
            for live in ward.pumps.values():
                watch = live.state.watch
                if watch is not None and watch.dose.key == key:
                    dose = aged(watch.dose, until_ns, by_ns)
                    live.state = replace(live.state, watch=watch._replace(dose=dose))
            if key in ward.doses:
                ward.doses[key] = aged(ward.doses[key], until_ns, by_ns)


def aged(dose: PatientDose, until_ns: int, by_ns: int) -> PatientDose:
    """Return it with what was given up to ``until_ns`` moved by ``by_ns``, 0 or less."""
    moved: Sequence[Stretch] = [
        Stretch(s.begun_ns + by_ns, s.ended_ns + by_ns, s.amount_e6_p) if s.ended_ns <= until_ns else s
        for s in dose.account.stretches
    ]
    return dose._replace(account=dose.account.with_stretches(moved))
