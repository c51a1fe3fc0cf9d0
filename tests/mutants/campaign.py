"""Judges mutants, and keeps every verdict on disk so that a run that was cut short goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from tests.mutants.crew import Crew
from tests.mutants.equivalent import EQUIVALENT
from tests.mutants.mutant import ROOT, Mutant
from tests.mutants.panel import Panel, Tree, told, watched

KEPT = ROOT / ".proof" / "mutants.jsonl"
DOUBTFUL = ROOT / ".proof" / "mutants-doubtful.txt"
"""Who was not found by the quick judges: for whoever waits for the end."""
JUDGES = ROOT / ".proof" / "mutants-judges.json"
AT_LEAST_S = 20.0
TIMES_AS_LONG = 4
"""A mutant may take so much longer than the product does: instrumented, it was watched at its slowest."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one mutant."""

    id: str
    kind: str
    by: str
    """scenario, test, loading, time-out, crash: what found it; equivalent; or nothing at all: it survived."""
    judge: str = ""
    """Who found it, or why it is equivalent."""
    seconds: float = 0.0

    @property
    def survived(self) -> bool:
        """True when no judge saw a difference."""
        return not self.by


def _job(mutant: Mutant, panel: Panel, how: str, last: str, *, quick: bool) -> dict[str, Any]:
    groups = panel.groups(mutant, last, quick=quick)
    return {
        "do": "judge",
        "id": mutant.id,
        "file": mutant.file,
        "text": mutant.text,
        "added": mutant.added,
        "how": how,
        "judges": told(groups),
        "at_most_s": AT_LEAST_S + TIMES_AS_LONG * sum(judge.seconds for group in groups for judge in group),
    }


def judge(mutants: Sequence[Mutant], files: Sequence[str]) -> Iterator[Verdict]:
    """Yield a verdict on each mutant, from disk if it is known; ``files`` are all that mutants change.

    What a judge found stays found while what decides and that judge do; what survived is judged anew when
    any judge changes.
    """
    tree = Tree.now()
    kept = _rows()
    known = {row["mark"]: row["verdict"] for row in kept}
    last = {row["verdict"].id: row["verdict"].judge for row in kept}
    left: list[Mutant] = []
    for mutant in mutants:
        marks = [
            mark for mark in (_mark(mutant, tree, last.get(mutant.id)), _mark(mutant, tree)) if mark in known
        ]
        if mutant.id in EQUIVALENT:
            yield Verdict(mutant.id, mutant.kind, "equivalent", EQUIVALENT[mutant.id])
        elif marks:
            yield known[marks[0]]
        else:
            left.append(mutant)
    if not left:
        return
    by_id = {mutant.id: mutant for mutant in left}
    with Crew() as crew:
        panel = watched(crew, files, JUDGES, tree)
        # Tests read maps when they are imported: whoever has imported them before sees no other map.
        doubtful = [mutant for mutant in left if mutant.file.endswith(".yaml")]
        at_once = [mutant for mutant in left if mutant not in doubtful]
        quick = (_job(m, panel, m.how, last.get(m.id, ""), quick=True) for m in at_once)
        for job, answer in crew.do(quick, "judging mutants"):
            mutant = by_id[job["id"]]
            if not answer["by"]:
                # The slow judges are left, and what ran while the product was imported.
                doubtful.append(mutant)
                with DOUBTFUL.open("a") as file:
                    file.write(mutant.id + "\n")
            else:
                yield _kept(mutant, answer, tree)
        thorough = (_job(m, panel, "import", "", quick=False) for m in doubtful)
        for job, answer in crew.do(thorough, "judging survivors anew"):
            yield _kept(by_id[job["id"]], answer, tree)


def _kept(mutant: Mutant, answer: dict[str, Any], tree: Tree) -> Verdict:
    """Return the verdict, after it is on disk; RuntimeError when the judges could not do their work."""
    if answer["by"] == "harness":
        raise RuntimeError(f"{mutant.id}: {answer['judge']}")
    verdict = Verdict(mutant.id, mutant.kind, answer["by"], answer.get("judge", ""), answer["s"])
    mark = _mark(mutant, tree, verdict.judge if verdict.by else None)
    with KEPT.open("a") as file:
        file.write(json.dumps({"mark": mark, **asdict(verdict)}) + "\n")
    return verdict


def _mark(mutant: Mutant, tree: Tree, judge: str | None = None) -> str:
    """Return what stays the same while mutant, what decides and ``judge`` do, or all judges without one."""
    seen = tree.whole if judge is None else tree.of(judge)
    return f"{seen} {sha256(mutant.text.encode()).hexdigest()[:16]} {mutant.id}"


def _rows() -> list[dict[str, Any]]:
    """Return every verdict on disk with its mark, oldest first."""
    lines = KEPT.read_text().splitlines() if KEPT.exists() else []
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [{"mark": row.pop("mark"), "verdict": Verdict(**row)} for row in rows]
