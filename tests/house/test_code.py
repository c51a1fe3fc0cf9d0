"""Rules of the code that no linter knows: length, doors, log calls, words that must not be there."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

from tests.house.tree import ROOT, imports, name, parsed, python, tracked

LONGEST_MODULE = 300
LONGEST_TEST = 350
MEDIAN_MODULE = 150
"""Half of the modules are shorter; a good code base of this kind has its median under 100."""

DOORS = {
    "pymodbus": {"pumpd/protocols/modbus_pdu.py": "reads and writes PDUs"},
    "serial": {"pumpd/transports/serial_line.py": "opens serial lines"},
    "aiomqtt": {"pumpd/mqtt_client.py": "one session with the broker"},
    "influxdb_client": {"pumpd/store/influx_client.py": "lines to /api/v2/write, buckets"},
    "amqtt": {"pumpd/broker.py": "the embedded broker of the demo"},
}
"""Third-party wire libraries and the one module that may import each."""

RAISING = re.compile(
    r"^(start|run|resume|bolus|raise_|increase|prime|flush|unpause|set_rate|set_flow|speed_up)"
)
"""Names of methods that could start or speed up a pump."""


@pytest.mark.requirement("HOUSE-SIZE")
def test_a_module_is_read_in_one_sitting() -> None:
    """No module is above 300 lines, no test above 350, and half of the modules are far shorter."""
    lengths = {name(p): len(p.read_text().splitlines()) for p in python("pumpd", "dashboard", "benchmarks")}
    tests = {name(p): len(p.read_text().splitlines()) for p in python("tests")}
    web = {
        name(p): len(p.read_text().splitlines())
        for p in tracked()
        if p.suffix in {".ts", ".tsx"} and "dashboard" in p.parts
    }
    assert {n: c for n, c in {**lengths, **web}.items() if c > LONGEST_MODULE} == {}
    assert {n: c for n, c in tests.items() if c > LONGEST_TEST} == {}
    written = sorted(c for c in lengths.values() if c)
    assert written[len(written) // 2] <= MEDIAN_MODULE


@pytest.mark.requirement("HOUSE-SIZE")
def test_no_module_is_a_drawer() -> None:
    """Modules are named after nouns of the domain, never after what is left over."""
    drawers = {"utils", "util", "helpers", "helper", "manager", "misc", "common"}
    assert [name(p) for p in python("pumpd", "dashboard", "tests", "benchmarks") if p.stem in drawers] == []


@pytest.mark.requirement("HOUSE-ARCH")
def test_no_type_error_is_waved_through_at_the_wire() -> None:
    """Transports and drivers hold no ``type: ignore``."""
    waved = [name(p) for p in python("pumpd/transports", "pumpd/drivers") if "type: ignore" in p.read_text()]
    assert waved == []


@pytest.mark.requirement("HOUSE-DOOR")
@pytest.mark.parametrize("library", sorted(DOORS))
def test_a_wire_library_has_one_door(library: str) -> None:
    """One module imports it; the day it changes, one module changes."""
    users = {
        name(p)
        for p in python("pumpd", "dashboard")
        if any(module == library or module.startswith(f"{library}.") for module in imports(p))
    }
    assert users <= set(DOORS[library])
    assert len(DOORS[library]) <= 1


@pytest.mark.requirement("HOUSE-ARCH")
def test_the_import_contracts_hold() -> None:
    """Every contract in pyproject.toml is kept, read anew from the sources."""
    program = "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports(cache_dir=None))"
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert " 0 broken" in ran.stdout


def _log_calls(tree: ast.Module) -> list[ast.Call]:
    levels = {"debug", "info", "warning", "error", "exception", "critical"}
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in levels
        and isinstance(node.func.value, ast.Name | ast.Attribute)
        and "log" in ast.unparse(node.func.value).lower().split(".")[-1]
    ]


@pytest.mark.requirement("HOUSE-LOG")
def test_a_log_call_is_a_fixed_text_with_key_values() -> None:
    """No format string, no f-string, no positional argument: what happened, then what it was about."""
    bad: list[str] = []
    found = 0
    for path in python("pumpd", "dashboard"):
        for call in _log_calls(parsed(path)):
            found += 1
            fixed = len(call.args) == 1 and isinstance(call.args[0], ast.Constant)
            if not fixed or re.search(r"[%{}]", str(getattr(call.args[0], "value", ""))):
                bad.append(f"{name(path)}:{call.lineno}: {ast.unparse(call)}")
    assert bad == []
    assert found > 5


@pytest.mark.requirement("HOUSE-LOG")
def test_nothing_is_printed_but_by_the_command_line() -> None:
    """Output belongs to the command line; everything else logs."""
    printing = [
        f"{name(path)}:{node.lineno}"
        for path in python("pumpd", "dashboard")
        if not path.name.startswith("cli")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == []


@pytest.mark.requirement("INV-1")
def test_no_driver_has_a_method_that_could_start_a_pump() -> None:
    """Drivers, transports and the daemon's requests to pumps know no start, bolus or raise."""
    bad = [
        f"{name(path)}:{node.lineno}: {node.name}"
        for path in python("pumpd/drivers")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and RAISING.match(node.name)
    ]
    assert bad == []


@pytest.mark.requirement("INV-1")
def test_permission_has_no_member_for_a_start() -> None:
    """What a message may do is read, keep a session up, pause or lower; there is nothing else to declare."""
    from pumpd.protocols.wire import Permission

    assert {p.name for p in Permission} == {"READ", "LINK", "PAUSE", "LOWER"}


@pytest.mark.requirement("DAE-1")
def test_every_task_has_a_name() -> None:
    """A task is made with a name, so that a leak or a crash says what it was."""
    nameless = [
        f"{name(path)}:{node.lineno}"
        for path in python("pumpd", "dashboard")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"create_task", "ensure_future"}
        and "name" not in {keyword.arg for keyword in node.keywords}
    ]
    assert nameless == []
