"""The rate that is set on a pump against the ordered range: inside it is a message, outside another order."""

from __future__ import annotations

from collections.abc import Iterator

from pumpd.core.alarms import Finding
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId
from pumpd.core.state import PumpState
from pumpd.core.telemetry import PumpStatus, Telemetry


def order_findings(state: PumpState, reading: Telemetry) -> Iterator[tuple[ConditionId, Finding]]:
    """Yield how a running pump is set outside of what is ordered.

    Beyond a limit of the library or of the pump that limit's own condition tells it.
    """
    ordered, limits = state.ordered, state.limits
    rate = reading.flow.value if reading.set_flow.value is None else reading.set_flow.value
    if ordered is None or rate is None or reading.status is not PumpStatus.RUNNING:
        return
    if rate > ordered.high:
        tops = [state.setup.ceiling]
        if limits is not None:
            tops += [limits.hard_max, limits.soft_max]
        if any(top is not None and rate > top for top in tops):
            return
        above = ConditionId.ABOVE_ORDER
        yield above, Finding(CATALOGUE[above].priority, str(rate), str(ordered), degree=rate.nl_per_h)
    elif rate < ordered.low:
        bottoms = [] if limits is None else [limits.hard_min, limits.soft_min]
        if any(bottom is not None and rate < bottom for bottom in bottoms):
            return
        below = ConditionId.BELOW_ORDER
        yield below, Finding(CATALOGUE[below].priority, str(rate), str(ordered))
