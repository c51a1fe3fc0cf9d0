"""One valid command of every verb, as a dashboard sends it."""

from __future__ import annotations

from typing import Any

from pumpd.contract.verbs import VERBS
from tests.daemon.infusion_asks import ANSWERS, ORDER

ID = "c-000001"
ALARM = {"pump": "PUMP-01", "channel": "1", "condition": "over-hard"}
SEEN = {**ALARM, "revision": 1}
PUMP = {"pump": "PUMP-01", "channel": "1"}
INFUSION = {**PUMP, "infusion": "i-1", "reason": "no pain"}
MORE: dict[str, dict[str, Any]] = {
    "acknowledge": SEEN,
    "pause-audio": {**SEEN, "for_s": 120},
    "resume-audio": ALARM,
    "shelve": {**SEEN, "for_s": 1800, "reason": "at lunch"},
    "unshelve": ALARM,
    "accept": {**SEEN, "reason": "severe pain"},
    "off-line": {**PUMP, "for_s": 600, "reason": "to the workshop"},
    "test-channel": {"contact": "on call"},
    "pause-pump": {**PUMP, "reason": "too fast"},
    "exchange-ports": {**PUMP, "to_pump": "PUMP-02", "to_channel": "1", "beds": "stay"},
    "begin": {**PUMP, "label": "B.K.", "identifier": "1234", "order": ORDER, "answers": ANSWERS},
    "change": {**INFUSION, "version": 1, "dose": "0.2", "order": ORDER, "answers": ANSWERS},
    "observe": {**PUMP, "infusion": "i-1", "pain": 3, "systolic_mmhg": 120, "sedation": "awake"},
    "end": {**INFUSION, "witness": "C. Second"},
    "swap": {**INFUSION, "to_pump": "PUMP-02", "to_channel": "1"},
    "transfer": {**INFUSION, "bed": "7"},
}


def valid(verb: str, expires_ms: int) -> str:
    """Return a command of ``verb`` as JSON."""
    common = {
        "id": ID,
        "dashboard": "d1",
        "user": "B. Keller",
        "role": "engineer" if verb == "test-channel" else "nurse",
        "boot_id": "boot",
        "expires_ms": expires_ms,
    }
    return VERBS[verb].model_validate({**common, **MORE[verb]}).model_dump_json()
