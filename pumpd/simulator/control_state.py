"""What is true of every pump of a ward, for JSON: numbers as decimal text, units in the keys."""

from __future__ import annotations

from pumpd.core.quantities import FlowRate, Volume, decimal_text
from pumpd.simulator.faults import Fault
from pumpd.simulator.model import PumpModel
from pumpd.simulator.stage import Placed, Stage

Plain = dict[str, object]


def ward_state(stage: Stage) -> Plain:
    """Return the ward's time and all its pumps, by name."""
    return time_state(stage) | {"pumps": {name: pump_state(stage, name) for name in stage.pumps}}


def time_state(stage: Stage) -> Plain:
    """Return the second of the ward, and whether its time stands still."""
    return {"simulated": True, "ward_s": f"{stage.time.ward_s:.3f}", "paused": stage.time.held}


def pump_state(stage: Stage, name: str) -> Plain:
    """Return all that is to be known of one pump; KeyError when there is none of that name."""
    placed = stage.pumps[name]
    face = placed.pump.face
    face.catch_up()
    return {
        "listens_on": placed.served.where,
        "unit": placed.pump.unit,
        "map": stage.sections[name].map,
        "serial_number": face.texts["serial_number"],
        "plugged": placed.served.plugged,
        "answers": face.answers,
        "faults": [_fault(fault, stage.time.now_s()) for fault in _standing(placed, stage.time.now_s())],
        "shown_instead": {path: list(words) for path, words in face.forced.items()},
        "channels": {channel: _channel(model) for channel, model in face.models.items()},
    }


def _standing(placed: Placed, now_s: float) -> list[Fault]:
    return placed.served.line.faults.standing(placed.pump.unit, now_s)


def _fault(fault: Fault, now_s: float) -> Plain:
    found: Plain = {"kind": fault.kind.value, "share": fault.hit_share}
    if fault.ends:
        found["ends_in_s"] = f"{fault.until_s - now_s:.3f}"
    return found


def _channel(model: PumpModel) -> Plain:
    left_nl = model.to_be_infused_left_nl
    account = model.account()
    return {
        "status": model.status.value,
        "alarms": sorted(alarm.value for alarm in model.present_alarms()),
        "unnamed_alarm_bits": model.unnamed_alarm_bits,
        "set_rate_ml_h": FlowRate(model.set_rate_nl_h).ml_per_h,
        "flow_ml_h": FlowRate(model.shown_flow_nl_h).ml_per_h,
        "volume_ml": Volume(model.delivered_nl).ml,
        "to_be_infused_ml": None if left_nl is None else Volume(left_nl).ml,
        "pressure_kpa": decimal_text(model.pressure_pa, 1000),
        "battery_percent": model.battery_percent,
        "true": {
            "put_in_ml": Volume(account.put_in_nl).ml,
            "reservoir_ml": Volume(account.reservoir_nl).ml,
            "line_ml": Volume(account.line_nl).ml,
            "patient_ml": Volume(account.patient_nl).ml,
            "lost_ml": Volume(account.lost_nl).ml,
            "air_to_patient_ml": Volume(account.air_to_patient_nl).ml,
            "free_flow_ml_h": FlowRate(model.free_flow_nl_h).ml_per_h,
            "powered": model.powered,
            "mains": model.on_mains,
            "blocked": model.blocked,
            "inlet_blocked": model.inlet_blocked,
            "disconnected": model.disconnected,
            "door_open": model.door_open,
            "locked": model.locked,
        },
    }
