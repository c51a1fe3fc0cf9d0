"""Writes ``docs/mutants.md``: what was changed, what found it, and what nobody saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.mutants.campaign import Verdict
from tests.mutants.generated import FURTHER
from tests.mutants.mutant import KINDS, ROOT, Mutant
from tests.proof_run import commit

PAGE = ROOT / "docs" / "mutants.md"
_OTHERWISE = {"loading": "does not load", "time-out": "does not end", "crash": "ends the process"}
NAMED = 60
"""Of a kind with no more than so many left, each is named."""
_HEAD = """\
# What would be noticed?

A mutant is the product with one thing changed: a limit, a comparison, a delay, a priority, a scale. They
are made from the catalogue, the tables and the code themselves, so whatever is added has its mutants without
further work. Then the shipped scenarios and the tests are asked whether they see a difference. A mutant that
nobody sees is a hole in them. Scenarios are never changed, and pages that only repeat a table are not asked.

`make mutants` judges all of the kinds below, goes on where it was cut short and writes this page, and so
does `make proof`; `make test` judges a few. `make mutants ONLY="delay over-soft"` judges those whose name
holds these words. Further kinds stand outside of this campaign and are only judged when asked for, so
nothing is claimed of them here: {further}.

Judged {judged} of {made} mutants at commit `{commit}` on {date}.
"""


def page(mutants: Sequence[Mutant], found: Sequence[Verdict]) -> str:
    """Return the page for these verdicts; KeyError for a kind that has no words.

    Mutants without a verdict are told as not judged.
    """
    place = {mutant.id: at for at, mutant in enumerate(mutants)}
    verdicts = sorted(found, key=lambda verdict: place[verdict.id])
    further = "; ".join(f"`ONLY={kind}:` ({KINDS[kind]})" for kind in KINDS if kind in FURTHER)
    today = datetime.now(UTC).date()  # noqa: TID251 - the date of the judgement
    head = _HEAD.format(
        further=further, judged=len(verdicts), made=len(mutants), commit=commit(), date=f"{today:%Y-%m-%d}"
    )
    lines = [
        head,
        "| what is changed | judged | found by scenarios | by tests | otherwise | equivalent | survived |",
    ]
    lines.append("|---|---:|---:|---:|---:|---:|---:|")
    made = Counter(verdict.kind for verdict in verdicts)
    by = Counter((verdict.kind, _column(verdict)) for verdict in verdicts)
    columns = ("scenario", "test", "otherwise", "equivalent", "survived")
    for kind in sorted(made, key=list(KINDS).index):
        counts = " | ".join(str(by[kind, column]) for column in columns)
        lines.append(f"| {kind}: {KINDS[kind]} | {made[kind]} | {counts} |")
    total = Counter(_column(verdict) for verdict in verdicts)
    lines.append(f"| **all** | {len(verdicts)} | " + " | ".join(str(total[c]) for c in columns) + " |")
    lines += ["", "Otherwise: it does not load, does not end, or ends the process.", ""]
    lines += _by_condition(mutants, verdicts)
    equivalent = [verdict for verdict in verdicts if verdict.by == "equivalent"]
    lines += ["## Equivalent", ""]
    lines += [f"- `{verdict.id}`: {verdict.judge}" for verdict in equivalent] or ["None."]
    lines += ["", "## Survivors", ""]
    lines += [f"- `{verdict.id}`" for verdict in verdicts if verdict.survived] or ["None."]
    left = Counter(mutant.kind for mutant in mutants)
    left.subtract(verdict.kind for verdict in verdicts)
    lines += [
        "",
        "## Not judged",
        "",
        "Not asked yet, or not seen by the quick judges and still to show to the slow:",
        "",
    ]
    lines += [f"- {kind}: {count}" for kind, count in left.items() if count] or ["None."]
    known = {verdict.id for verdict in verdicts}
    named = [m.id for m in mutants if m.id not in known and left[m.kind] <= NAMED]
    lines += [f"  - `{id_}`" for id_ in named]
    return "\n".join(lines) + "\n"


def _column(verdict: Verdict) -> str:
    return "otherwise" if verdict.by in _OTHERWISE else verdict.by or "survived"


def _by_condition(mutants: Sequence[Mutant], verdicts: Sequence[Verdict]) -> list[str]:
    lines = ["## By condition", "", "| condition | mutants | survived | found by |", "|---|---:|---:|---|"]
    about = {mutant.id: mutant.condition for mutant in mutants}
    for condition in sorted({mutant.condition for mutant in mutants} - {""}):
        of_it = [verdict for verdict in verdicts if about[verdict.id] == condition]
        finders = Counter(_short(verdict) for verdict in of_it if verdict.by in {"scenario", "test"})
        found = ", ".join(f"`{name}`" for name, _ in sorted(finders.items(), key=lambda i: (-i[1], i[0]))[:3])
        survived = sum(verdict.survived for verdict in of_it)
        lines.append(f"| {condition} | {len(of_it)} | {survived} | {found} |")
    return [*lines, ""]


def _short(verdict: Verdict) -> str:
    file, _, test = verdict.judge.partition("::")
    return test.partition("[")[0] if test else Path(file).stem
