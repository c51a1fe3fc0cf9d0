"""What a nurse may begin with: the clinic's numbers, and what the library asks before it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.app import create_app
from dashboard.run import settings_of
from pumpd.clock import SystemClock
from pumpd.config import load
from pumpd.contract.infusion_payloads import OrderPart
from pumpd.store.reader import SqliteHistoryReader
from tests.dashboard.client import TestClient
from tests.dashboard.people import people, sign_in

CONFIG = Path(__file__).parents[2] / "config" / "pumpd.yaml"


@pytest.mark.requirement("DASH-9")
def test_a_template_is_an_order_without_patient_beside_the_checklist_of_the_library(tmp_path: Path) -> None:
    """With a weight it is what the contract calls an order; each question stands there word for word."""
    config = load(CONFIG)
    reader = SqliteHistoryReader(tmp_path / "history.db", tmp_path / "journal.db")
    who = people(tmp_path)
    app = create_app(replace(settings_of(config), port=0), reader, SystemClock(), who)
    with TestClient(app, base_url="http://127.0.0.1:8080") as client:
        sign_in(client, who)
        (template,) = client.get("/api/templates").json()
    order = template["order"]
    assert order["weight_kg"] is None
    part = OrderPart.model_validate({**order, "weight_kg": "70"})
    assert (part.concentration, part.dose, part.dose_min, part.dose_max) == ("2 mg/mL", "0.1", "0.1", "0.5")
    entry = next(e for e in config.library.entries if e.care_area == "pain-clinic")
    asked = [(question["ask"], question["second_person"]) for question in template["checklist"]]
    assert asked == [(question.ask, question.second_person) for question in entry.checklist]
    assert asked
    assert template["second_check"] is entry.second_check
    assert template["advisories"] == list(entry.advisories)
