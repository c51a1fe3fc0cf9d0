"""Verbs that control a simulated ward while it runs: ward show, act, time."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from pumpd.cli_words import out

ward = typer.Typer(
    help="Look at a simulated ward and act on it while `pumpd simulate --control` serves it.",
    rich_markup_mode=None,
)
AtOption = Annotated[
    str,
    typer.Option("--at", metavar="HOST:PORT", help="Where the ward's control listens; on this machine only."),
]


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module to the command line."""
    app.add_typer(ward, name="ward", no_args_is_help=True)


@ward.callback()
def _group() -> None:
    """Look at a simulated ward and act on it while `pumpd simulate --control` serves it."""


@ward.command("show")
def show(
    at: AtOption,
    pump: Annotated[str | None, typer.Argument(metavar="[PUMP]", help="All about one pump, as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
) -> None:
    """Show what is true of the simulated pumps, also what they do not know themselves."""
    from pumpd.simulator.control_client import ask
    from pumpd.simulator.control_place import control_place

    found = ask(control_place(at, "--at"), f"/pumps/{pump}" if pump else "/")
    if pump or as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    console = out()
    console.print(_time(found))
    for name, state in found["pumps"].items():
        for channel, shown in state["channels"].items():
            console.print(_line(name, channel, state, shown))


@ward.command("act")
def act(
    at: AtOption,
    pump: Annotated[str, typer.Argument(metavar="PUMP", help="Which pump.")],
    action: Annotated[str, typer.Argument(metavar="ACTION", help="As in a ward's timeline, such as stop.")],
    keys: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE...]", help='What the action takes, such as rate="60 mL/h".'),
    ] = None,
) -> None:
    """Let something happen to a simulated pump: a key, the world, or a fault of its wire."""
    from pumpd.simulator.control_client import ask
    from pumpd.simulator.control_place import control_place

    body = _values(keys or []) | {"pump": pump, "action": action}
    told = ask(control_place(at, "--at"), "/act", body)
    console = out()
    if "at_s" in body:
        console.print(f"{pump}: {action} will happen at second {body['at_s']}; {_time(told)}")
        return
    for channel, shown in told["pump"]["channels"].items():
        console.print(_line(pump, channel, told["pump"], shown))


@ward.command("time")
def time(
    at: AtOption,
    action: Annotated[str, typer.Argument(metavar="ACTION", help="pause, resume or step.")],
    by_s: Annotated[
        float | None, typer.Argument(metavar="[SECONDS]", help="How far to step.", show_default=False)
    ] = None,
) -> None:
    """Let the time of simulated pumps stand still while they still answer, go on, or pass at once."""
    from pumpd.simulator.control_client import ask
    from pumpd.simulator.control_place import control_place

    body = {"action": action} | ({} if by_s is None else {"by_s": by_s})
    out().print(_time(ask(control_place(at, "--at"), "/time", body)))


def _values(keys: list[str]) -> dict[str, object]:
    """Return KEY=VALUE as a ward file would read it; ConfigError for what is none."""
    from pumpd.document import parse_document
    from pumpd.errors import ConfigError, Problem
    from pumpd.simulator.timeline import TimelineEvent

    found: dict[str, object] = {}
    for word in keys:
        key, equals, text = word.partition("=")
        if not equals or not key or key in found:
            what = f"{word!r} is no KEY=VALUE, or stands twice"
            allowed = ", ".join(TimelineEvent.model_fields)
            raise ConfigError(
                (Problem("command line", 0, "KEY=VALUE", what, allowed, "write rate='60 mL/h'"),)
            )
        field = TimelineEvent.model_fields.get(key)
        if field is not None and field.annotation in {str, str | None}:
            found[key] = text
            continue
        document = parse_document(text.encode(), key)
        if document.problems:
            raise ConfigError(document.problems)
        found[key] = document.data
    return found


def _time(told: dict[str, Any]) -> str:
    stands = ", its time stands still" if told["paused"] else ""
    return f"the ward is at second {told['ward_s']}{stands}"


def _line(name: str, channel: str, state: dict[str, Any], shown: dict[str, Any]) -> str:
    wire = "" if state["plugged"] else "  UNPLUGGED"
    wire += "" if state["answers"] else "  SWITCHED OFF"
    wire += "".join(f"  fault {fault['kind']}" for fault in state["faults"])
    alarms = f"  alarms {', '.join(shown['alarms'])}" if shown["alarms"] else ""
    flows = f"set {shown['set_rate_ml_h']} mL/h  flow {shown['flow_ml_h']} mL/h"
    volumes = f"counter {shown['volume_ml']} mL  patient {shown['true']['patient_ml']} mL"
    return f"{name}/{channel}  {shown['status']}  {flows}  {volumes}{alarms}{wire}"
