"""The end of an infusion: near, reached, or come too soon, by what is known of order and counter."""

from __future__ import annotations

from dataclasses import replace

from pumpd.core.alarms import Finding
from pumpd.core.alert_loop import loop_finding, looped
from pumpd.core.catalogue import CATALOGUE
from pumpd.core.conditions import ConditionId
from pumpd.core.delivery_account import Account
from pumpd.core.delivery_rules import over_order_nl
from pumpd.core.quantities import NS_PER_H, NS_PER_S, Volume
from pumpd.core.state import PumpState
from pumpd.core.telemetry import PumpStatus, Telemetry

NEAR_END_NS = 600 * NS_PER_S
"""Ten minutes before the end a person is told to make ready (GIP v1.0 1.5.5 leaves the number open)."""
NO_LONGER_NEAR_NS = 660 * NS_PER_S
"""One that was told stays until a lower rate has put the end off by a tenth more."""

_NEAR, _EMPTY, _DONE = ConditionId.NEAR_END, ConditionId.EMPTY, ConditionId.INFUSION_COMPLETE


def followed_pump(
    state: PumpState, reading: Telemetry, account: Account | None, found: dict[ConditionId, Finding]
) -> PumpState:
    """Put into ``found`` what a pump's own alarms and its end mean; return the state that remembers them.

    Empty after the whole order is the end that was expected; empty before it says how much is in.
    """
    if state.loop is not None or reading.alarms:
        state = replace(state, loop=looped(state.loop, reading))
        again = None if state.loop is None else loop_finding(state.loop)
        if again is not None:
            found[ConditionId.ALERT_LOOP] = again
    counter = state.counter
    if _EMPTY in found:
        ordered_nl = None if counter is None else counter.ordered_nl
        if counter is None or account is None or ordered_nl is None:
            found[_EMPTY] = replace(found[_EMPTY], measured="not known")
        elif account.infused_nl >= ordered_nl - over_order_nl(ordered_nl, counter):
            del found[_EMPTY]
            found.setdefault(_DONE, Finding(CATALOGUE[_DONE].priority))
        else:
            given = f"{Volume(account.infused_nl)} of {Volume(ordered_nl)}"
            found[_EMPTY] = replace(found[_EMPTY], measured=given)
    elif _NEAR not in found and _DONE not in found and _is_near(state, reading, account):
        found[_NEAR] = Finding(CATALOGUE[_NEAR].priority)
    return state


def _is_near(state: PumpState, reading: Telemetry, account: Account | None) -> bool:
    flow, counter = reading.flow.value, state.counter
    if reading.status is not PumpStatus.RUNNING or flow is None:
        return False
    left = []
    if reading.volume_to_be_infused.value is not None:
        left.append(reading.volume_to_be_infused.value.nl)
    if counter is not None and counter.ordered_nl is not None and account is not None:
        left.append(counter.ordered_nl - account.infused_nl)
    near_ns = NO_LONGER_NEAR_NS if _NEAR in state.alarms else NEAR_END_NS
    return bool(left) and 0 < min(left) * NS_PER_H < flow.nl_per_h * near_ns
