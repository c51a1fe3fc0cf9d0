"""What came of scenarios as one HTML file that needs nothing else: no script, no font, no network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from pumpd.drivers.registry import find
from pumpd.errors import ConfigError, Problem
from pumpd.qa.curves import alarm_rows, flow_curve
from pumpd.qa.runner import Outcome
from pumpd.qa.whole_file import write_whole

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2329; --paper: #fff; --faint: #d9dee3; --plot: #f6f8fa;
  --flow: #0b6bcb; --read: #8aa4bd; --HIGH: #c62828; --MEDIUM: #b26a00; --LOW: #00798c; --ok: #1b7f3b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --paper: #14191d; --faint: #39424a;
  --plot: #1b2227; --flow: #5aaaf5; --read: #6d8194; --HIGH: #ff6b6b; --MEDIUM: #ffb74d; --LOW: #4dd0e1;
  --ok: #66c583; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 900px;
  margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .2rem .6rem .2rem 0;
  border-bottom: 1px solid var(--faint); vertical-align: top; }
section { margin-top: 2.5rem; border-top: 2px solid var(--faint); } code { overflow-wrap: anywhere; }
.passed { color: var(--ok); } .failed { color: var(--HIGH); font-weight: 600; }
svg { width: 100%; height: auto; display: block; }
svg text { font: 11px system-ui, sans-serif; fill: var(--ink); }
.plot { fill: var(--plot); } .grid { stroke: var(--faint); } polyline { fill: none; stroke-width: 1.6; }
.flowed { stroke: var(--flow); } .read { stroke: var(--read); stroke-width: 4; stroke-opacity: .55; }
line.limit { stroke-dasharray: 6 4; } line.hard-max, line.hard-min, line.ceiling { stroke: var(--HIGH); }
line.soft-max, line.soft-min { stroke: var(--MEDIUM); } svg text.limit { font-size: 10px; }
.event { stroke: var(--ink); stroke-opacity: .35; stroke-dasharray: 2 3; }
.bar.HIGH { fill: var(--HIGH); } .bar.MEDIUM { fill: var(--MEDIUM); } .bar.LOW { fill: var(--LOW); }
.bar.latched { fill-opacity: .45; } .bar.acknowledged { fill-opacity: .25; }
.key i { display: inline-block; width: 1.6rem; height: .6rem; margin: 0 .3rem 0 1rem; }
"""
_BEGINS = "<!doctype html>"
_KEY = (
    '<p class="key"><i style="background:var(--flow)"></i>what flowed'
    '<i style="background:var(--read)"></i>what pumpd read<i style="background:var(--HIGH)"></i>HIGH'
    '<i style="background:var(--MEDIUM)"></i>MEDIUM<i style="background:var(--LOW)"></i>LOW; '
    "paler: latched, palest: acknowledged; dotted: something happens</p>"
)


def demand_html(option: str, file: Path) -> None:
    """ConfigError, naming ``option``, when a file is there that is no page: only a report is written anew."""
    if not file.is_file():
        return
    with file.open("rb") as there:
        begins = there.read(len(_BEGINS))
    if begins and begins.lower() != _BEGINS.encode():
        what = f"{file} is there already and is no HTML, and no such file is written over"
        allowed = "a new file, or a report to write anew"
        raise ConfigError((Problem("command line", 0, option, what, allowed, "write another name"),))


def write_html(outcomes: Sequence[Outcome], file: Path) -> None:
    """Write the report; every pump in it is simulated, and it says so."""
    played = [outcome for outcome in outcomes if not outcome.left_out]
    failed = sum(outcome.failed for outcome in played)
    title = f"pumpd qa: {len(played) - failed} of {len(played)} scenarios passed"
    body = "\n".join(_page(outcomes, title))
    text = (
        f'{_BEGINS}\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )
    write_whole(file, text.encode())


def _page(outcomes: Sequence[Outcome], title: str) -> Iterator[str]:
    yield f"<h1>{escape(title)}</h1><p>{_how(outcomes)}</p>"
    yield "<table><tr><th>scenario</th><th>what it is about</th><th>outcome</th></tr>"
    for at, outcome in enumerate(outcomes):
        name, story = escape(outcome.loaded.name), escape(outcome.loaded.scenario.title)
        yield f'<tr><td><a href="#s{at}">{name}</a></td><td>{story}</td><td>{_word(outcome)}</td></tr>'
    yield f"</table>{_KEY}"
    for at, outcome in enumerate(outcomes):
        yield from _section(outcome, f"s{at}")


def _how(outcomes: Sequence[Outcome]) -> str:
    real = next((outcome for outcome in outcomes if outcome.real), None)
    if real is None:
        return "Simulated pumps in virtual time: no value here is real."
    return (
        "Simulated pumps: no value here is real. Level real: daemon, broker, sockets and serial lines "
        f"are, in real time. Allowed for that: {escape(str(real.record.allowance))}."
    )


def _word(outcome: Outcome) -> str:
    kind = "left-out" if outcome.left_out else outcome.word
    return f'<span class="{kind}">{outcome.word}</span>'


def _section(outcome: Outcome, anchor: str) -> Iterator[str]:
    scenario = outcome.loaded.scenario
    yield f'<section id="{anchor}"><h2>{escape(scenario.title)}: {_word(outcome)}</h2>'
    yield f"<p>{escape(scenario.story)}</p>"
    if outcome.left_out:
        yield f"<p>{escape(outcome.left_out)}</p></section>"
        return
    if not outcome.passed:
        reasons = [*outcome.failures, *([outcome.error] if outcome.error else [])]
        yield "<ul>" + "".join(f'<li class="failed">{escape(reason)}</li>' for reason in reasons) + "</ul>"
    yield f"<p>Again: <code>{escape(outcome.replay)}</code></p>"
    for pump in scenario.pumps:
        for channel in find(pump.driver).watching(pump.channels).channels:
            place = f", bed {escape(pump.bed)}" if pump.bed else ""
            yield f"<h3>{escape(pump.id)}{place}</h3>{flow_curve(outcome, pump, channel)}"
    yield alarm_rows(outcome)
    yield "<details><summary>What was expected, and what was told</summary><ul>"
    yield from (f"<li>{escape(str(check))}</li>" for check in scenario.expect)
    yield "</ul><table><tr><th>s</th><th>whose</th><th>alarm</th><th></th><th>words</th></tr>"
    for seen in outcome.record.transitions:
        whose = seen.whose[0] if seen.whose else "node"
        cells = (
            f"{seen.at_s:.1f}",
            whose,
            seen.alarm,
            f"{seen.priority} {seen.signal}",
            f"{seen.title} {seen.by}",
        )
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
    yield "</table></details></section>"
