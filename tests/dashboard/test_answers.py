"""schemathesis on the dashboard's own document: no server error, no answer that it does not name."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from dashboard.answers import documented
from dashboard.app import create_app
from dashboard.sign_in import People
from pumpd.clock import SystemClock
from pumpd.store.reader import SqliteHistoryReader
from tests import proof
from tests.dashboard.client import TestClient
from tests.dashboard.people import people, sign_in
from tests.dashboard.test_api import OURS
from tests.dashboard.test_api import settings as dashboard_settings

pytestmark = [pytest.mark.requirement("DASH-5"), pytest.mark.timeout(1800)]
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
MAY_BE_UNWELL = "/readyz"
"""It says 503 on purpose: there is no broker here."""
SMALL, FULL = 4, 1_000


@dataclass
class Served:
    """A dashboard without a broker, over an empty directory, and a client in which a nurse is signed in."""

    app: FastAPI
    who: People
    client: TestClient


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    reader = SqliteHistoryReader(tmp_path / "history.db", tmp_path / "journal.db")
    who = people(tmp_path)
    app = create_app(dashboard_settings(), reader, SystemClock(), who)
    with TestClient(app, base_url=OURS, follow_redirects=False) as client:
        sign_in(client, who)
        yield Served(app, who, client)


def operations(app: FastAPI, document: dict[str, Any] | None = None) -> Iterator[Any]:
    schema = schemathesis.openapi.from_dict(document or documented(app))
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        yield result.ok()


def asking(client: TestClient, operation: Any, tries: int, seen: Counter[int]) -> Callable[[], None]:
    """Return what asks ``operation`` so often, with requests that the document allows."""

    @settings(
        max_examples=tries,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Case[Any]) -> None:
        request = case.as_transport_kwargs(base_url=OURS)
        request["headers"] = {**request["headers"], "Origin": OURS}
        request.pop("cookies", None)
        answer = client.request(**request)
        seen[answer.status_code] += 1
        assert answer.status_code < 500 or operation.path == MAY_BE_UNWELL, answer.text
        case.validate_response(answer, checks=CHECKS)

    return ask


def test_every_answer_of_every_route_is_documented(served: Served) -> None:
    """Requests as the document allows them: each answer's status, type and shape is one that it names."""
    tries = proof.count("requests to each route, made from its OpenAPI document", SMALL, FULL)
    asked: dict[str, Counter[int]] = {}
    for operation in operations(served.app):
        seen = asked[operation.label] = Counter()
        sign_in(served.client, served.who)  # somebody signed out on the way
        asking(served.client, operation, tries, seen)()
    assert len(asked) >= 18
    assert any(status == 422 for seen in asked.values() for status in seen)
    commands = [label for label in asked if label.startswith("POST")]
    assert any(200 in asked[label] for label in commands)
    print(f"{sum(sum(seen.values()) for seen in asked.values())} requests to {len(asked)} routes")


def test_nobody_gets_only_documented_answers(served: Served) -> None:
    """Without a sign-in every route still answers with what the document names."""
    served.client.cookies.clear()
    seen: Counter[int] = Counter()
    for operation in operations(served.app):
        asking(served.client, operation, 2, seen)()
    assert seen[401] > 0


def test_an_answer_that_is_not_documented_is_found(served: Served) -> None:
    """The judge is one: without the status in the document the same request fails."""
    document = copy.deepcopy(documented(served.app))
    del document["paths"]["/api/journal"]["get"]["responses"]["422"]
    (operation,) = [each for each in operations(served.app, document) if each.label == "GET /api/journal"]
    with pytest.raises((FailureGroup, ExceptionGroup)):
        asking(served.client, operation, 30, Counter())()


def test_the_document_names_the_guards_of_every_route(served: Served) -> None:
    """No route without the answers of those who stand before it."""
    document = documented(served.app)
    assert all(
        {"401", "403"} <= set(operation["responses"])
        for path in document["paths"].values()
        for operation in path.values()
    )
