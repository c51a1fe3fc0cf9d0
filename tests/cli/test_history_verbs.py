"""``pumpd store init`` and ``pumpd history verify`` against a real InfluxDB."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pumpd.cli import app
from pumpd.config import load
from pumpd.histories import influx_place, open_writer
from pumpd.store.influx_query import InfluxQuery
from tests.mosquitto import free_port
from tests.store.influx import Influx
from tests.store.influx_named import MISSING, any_influx
from tests.store.lines import T0_MS
from tests.store.readings import row
from tests.store.waiting import until

SHIPPED = Path(__file__).parents[2] / "config"
pytestmark = [pytest.mark.real, pytest.mark.skipif(bool(MISSING), reason=MISSING)]
ACCOUNT = """read     120
stored   119
spooled  0
dropped  1
    1: it has no form as a point
every reading is accounted for
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influx]:
    with any_influx(tmp_path_factory.mktemp("influx")) as running:
        yield running


def configured(directory: Path, url: str, **more: object) -> Path:
    """Write a configuration that keeps its readings at ``url``."""
    text = (SHIPPED / "pumpd.yaml").read_text()
    kept = "".join(f", {key}: {value}" for key, value in more.items())
    text = text.replace("{kind: sqlite}", f'{{kind: influxdb, url: "{url}"{kept}}}')
    file = directory / "pumpd.yaml"
    file.write_text(text.replace("../var/ward-a", "var"))
    (directory / "drug-library.yaml").write_text((SHIPPED / "drug-library.yaml").read_text())
    return file


def run(*words: str) -> tuple[int, str]:
    """Run a verb; return its exit status and what it said."""
    ran = CliRunner().invoke(app, list(words))
    return ran.exit_code, ran.output


def minute(at_ms: int) -> str:
    """Return a time as the verb takes it."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()


@pytest.mark.requirement("INFLUX-1", "CFG-5")
def test_store_init_makes_database_and_retention_and_may_be_run_again(served: Influx, tmp_path: Path) -> None:
    """It is there with its retention; a second run changes nothing, and another retention that alone."""
    for days in (90, 0):
        file = configured(tmp_path, **served.settings("made"), retention_days=days)
        for _ in range(2):
            status, said = run("store", "init", "-c", str(file))
            keeps = f"keeps readings {f'{days} days' if days else 'for ever'}"
            assert (status, keeps in said.replace("\n", " ")) == (0, True)
            assert served.kept_h("made") == days * 24


@pytest.mark.requirement("INFLUX-4", "CFG-5")
async def test_verify_accounts_for_every_reading_and_names_what_is_missing(
    served: Influx, tmp_path: Path
) -> None:
    """Read = stored + spooled + dropped holds, ends with 0; a point taken out of the database ends with 1."""
    file = configured(tmp_path, **served.settings("verified"))
    assert run("store", "init", "-c", str(file))[0] == 0
    config = load(file)
    asked = ("history", "verify", "-c", str(file), "--from", minute(T0_MS), "--to", minute(T0_MS + 120_000))
    status, said = run(*asked)
    assert (status, "there is no spool" in said) == (1, False), "the reason goes to standard error"
    writer = open_writer(config)
    for n in range(180):
        writer.write(row(n, dose_unit="furlong" if n == 7 else "mg/kg/h"))
    await until(lambda: writer.status().written == 179)
    await writer.close()
    assert run(*asked) == (0, ACCOUNT)
    served.proxy.behind_port = free_port()
    assert run(*asked)[0] == 1, "a database that is away accounts for nothing"
    served.proxy.behind_port = served.server.port
    query = InfluxQuery(influx_place(config))
    query.ask(f'DELETE FROM "reading" WHERE time = {T0_MS}ms')
    status, said = run(*asked)
    assert (status, "MISSING  1\n" in said) == (1, True)


@pytest.mark.requirement("CFG-5")
@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        ("yesterday", "2026-03-01T08:00", "is no time"),
        ("2026-03-01T08:00:30", "2026-03-01T09:00", "no whole minute"),
        ("2026-03-01T08:00", "2026-03-01T08:00", "is not before"),
        ("2026-03-02T08:00", "2026-03-01T08:00", "is not before"),
        ("2026-03-01T08:00:00.5", "2026-03-01T09:00", "no whole minute"),
        ("2026-03-01T08:00", "9999-12-31T23:59", "the year is 1970 to 2200"),
        ("0001-01-01T00:00+14:00", "2026-03-01T08:00", "the year is 1970 to 2200"),
    ],
)
def test_a_span_that_is_none_is_refused(tmp_path: Path, start: str, end: str, says: str) -> None:
    """The operator must edit something: exit 2, with the reason."""
    file = configured(tmp_path, "http://127.0.0.1:1")
    span = ("--from", start, "--to", end)
    for verb in (
        ("verify",),
        ("export", "--patient", "A.B.", "-o", str(tmp_path / "ab")),
        ("erase", "--patient", "A.B."),
    ):
        status, said = run("history", *verb, "-c", str(file), *span)
        assert (status, says in said.replace("\n", " ").replace("│", "").replace("  ", " ")) == (2, True)
    assert not (tmp_path / "ab").exists()


@pytest.mark.requirement("CFG-5")
def test_the_embedded_history_needs_neither_verb() -> None:
    """With kind: sqlite the verbs say what they are for."""
    status, said = run("store", "init", "-c", str(SHIPPED / "pumpd.yaml"))
    assert (status, "history.kind: influxdb" in said.replace("\n", " ")) == (2, True)
