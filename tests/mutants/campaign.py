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
from tests.mutants.panel import AT_MOST_S, Panel, fingerprint, watched

KEPT = ROOT / ".proof" / "mutants.jsonl"
DOUBTFUL = ROOT / ".proof" / "mutants-doubtful.txt"
"""Who was not found by the quick judges: for whoever waits for the end."""
JUDGES = ROOT / ".proof" / "mutants-judges.json"


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


def _job(mutant: Mutant, panel: Panel, how: str, *, quick: bool) -> dict[str, Any]:
    return {
        "do": "judge",
        "id": mutant.id,
        "file": mutant.file,
        "text": mutant.text,
        "added": mutant.added,
        "how": how,
        "judges": panel.groups(mutant, quick=quick),
        "at_most_s": AT_MOST_S + 5 * sum(j.seconds for j in panel.who_sees(mutant)),
    }


def judge(mutants: Sequence[Mutant], files: Sequence[str]) -> Iterator[Verdict]:
    """Yield a verdict on each mutant, from disk if it is known; ``files`` are all that mutants change."""
    tree = fingerprint()
    known = _known()
    left: list[Mutant] = []
    for mutant in mutants:
        if mutant.id in EQUIVALENT:
            yield Verdict(mutant.id, mutant.kind, "equivalent", EQUIVALENT[mutant.id])
        elif _mark(mutant, tree) in known:
            yield known[_mark(mutant, tree)]
        else:
            left.append(mutant)
    if not left:
        return
    by_id = {mutant.id: mutant for mutant in left}
    with Crew() as crew:
        panel = watched(crew, files, JUDGES)
        KEPT.parent.mkdir(exist_ok=True)
        doubtful: list[Mutant] = []
        for job, answer in crew.do((_job(m, panel, m.how, quick=True) for m in left), "judging mutants"):
            mutant = by_id[job["id"]]
            if not answer["by"]:
                # The slow judges are left, and what ran while the product was imported.
                doubtful.append(mutant)
                with DOUBTFUL.open("a") as file:
                    file.write(mutant.id + "\n")
            else:
                yield _kept(mutant, answer, tree)
        for job, answer in crew.do(
            (_job(m, panel, "import", quick=False) for m in doubtful), "judging survivors anew"
        ):
            yield _kept(by_id[job["id"]], answer, tree)


def _kept(mutant: Mutant, answer: dict[str, Any], tree: str) -> Verdict:
    """Return the verdict, after it is on disk; RuntimeError when the judges could not do their work."""
    if answer["by"] == "harness":
        raise RuntimeError(f"{mutant.id}: {answer['judge']}")
    verdict = Verdict(mutant.id, mutant.kind, answer["by"], answer.get("judge", ""), answer["s"])
    with KEPT.open("a") as file:
        file.write(json.dumps({"mark": _mark(mutant, tree), **asdict(verdict)}) + "\n")
    return verdict


def _mark(mutant: Mutant, tree: str) -> str:
    """Return what stays the same while mutant, product and judges do."""
    return f"{tree} {sha256(mutant.text.encode()).hexdigest()[:16]} {mutant.id}"


def _known() -> dict[str, Verdict]:
    """Return every verdict on disk by its mark."""
    found: dict[str, Verdict] = {}
    if KEPT.exists():
        for line in KEPT.read_text().splitlines():
            row = json.loads(line)
            found[row.pop("mark")] = Verdict(**row)
    return found
