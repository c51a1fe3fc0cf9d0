"""The judges: every shipped scenario and the tests near the code, and which of them can see a mutant."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.mutants.crew import Crew
from tests.mutants.mutant import ROOT, Mutant

SCENARIOS = "config/scenarios"
TESTS = ("core", "conformance", "daemon", "drivers", "protocols", "transports", "contract")
"""Folders of tests that judge. Pages that are held equal to a table are no judges: they only repeat it."""
DECIDES = ("pumpd/core", "pumpd/protocols", "pumpd/transports", "pumpd/drivers", "pumpd/daemon")
"""Packages that decide what a nurse is told; the tools around them unmake no judgement."""
_READS_MAPS = "pumpd/drivers/register_reading.py"
"""Who runs this runs by a register map."""
UNPLAYED = {"frame-blocked", "session-crashed", "task-silent"}
"""Conditions that no scenario can bring about: pumpd or what it keeps would have to be at fault itself."""
AT_MOST_S = 60.0
HERE = Path(__file__).parent
SLOW_S = 0.5
"""Judges that take longer than this come last."""
QUICK = 600
"""Judges of each quick group that are asked first."""


@dataclass(frozen=True, slots=True)
class Judge:
    """One scenario or one test, what it takes, and which lines it runs of the files that are changed."""

    name: str
    seconds: float
    lines: dict[str, list[int]]

    @property
    def is_scenario(self) -> bool:
        """True for a scenario, False for a test."""
        return self.name.startswith(SCENARIOS)


def scenario_files() -> list[str]:
    """Return the shipped scenarios."""
    return [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / SCENARIOS).glob("*.yaml"))]


def test_files() -> list[str]:
    """Return the files of tests that judge."""
    found = [path for folder in TESTS for path in sorted((ROOT / "tests" / folder).glob("test_*.py"))]
    return [path.relative_to(ROOT).as_posix() for path in found]


@dataclass(frozen=True, slots=True)
class Tree:
    """What judgements depend on: what decides and what all judges share, and each judge's own file."""

    base: str
    files: dict[str, str]
    """Hash of each scenario and each file of tests that judges."""

    @classmethod
    def now(cls) -> Tree:
        """Return the tree as it stands on disk."""
        files = {file: _hash([ROOT / file]) for file in (*scenario_files(), *test_files())}
        shared = (
            path
            for top in (*DECIDES, "config/demo", "tests")
            for path in sorted((ROOT / top).rglob("*"))
            if path.suffix in {".py", ".yaml", ".sql"}
            and HERE not in path.parents
            and not path.name.startswith("test_")
            and path.relative_to(ROOT).as_posix() not in files
        )
        return cls(_hash(shared), files)

    @property
    def whole(self) -> str:
        """Return what stays the same while no judge changes, either."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]

    def of(self, judge: str) -> str:
        """Return what stays the same while what decides and this judge do."""
        return f"{self.base} {self.files.get(_file_of(judge), '')}"


def _hash(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _file_of(judge: str) -> str:
    return judge.partition("::")[0].partition(" ")[0]


COURSES = "tests/core/test_catalogue_courses.py"
AT_FIRST = {
    "transition": ("tests/core/test_alarms.py",),
    "limit": ("tests/core/test_evaluate.py",),
    "late": (COURSES,),
    "stuck": (COURSES,),
    "silent": (COURSES,),
    "code": (
        "tests/drivers/test_against_oracle.py",
        "tests/drivers/test_vendor_places.py",
        "tests/drivers/test_vendor_ranges.py",
        "tests/drivers/test_vendor_maps.py",
        "tests/conformance/test_suite.py",
    ),
}
"""Where a mutant of each kind is looked for first by who has watched nobody."""


class Panel:
    """Every judge with what it saw of the product as it is."""

    def __init__(self, judges: Sequence[Judge]) -> None:
        self.judges = sorted(judges, key=lambda judge: judge.seconds)

    @cached_property
    def _named(self) -> dict[str, str]:
        files = (*scenario_files(), *test_files())
        return {name: (ROOT / name).read_text(encoding="utf-8") for name in files}

    def who_sees(self, mutant: Mutant) -> list[Judge]:
        """Return the judges that run what the mutant changes, quickest first."""
        file = mutant.file if mutant.file.endswith(".py") else _READS_MAPS
        if not mutant.lines:
            # A table is read when its module is loaded, so who names it may see it without running a line;
            # only a module without code has no better witness.
            naming = {name for name, text in self._named.items() if _names(text, mutant.where)}
            seen = [
                judge
                for judge in self.judges
                if judge.lines.get(file)
                or _file_of(judge.name) in naming
                or (file != mutant.file and _file_of(judge.name) in AT_FIRST["code"])
            ]
            return seen or list(self.judges)
        return [
            judge for judge in self.judges if any(line in mutant.lines for line in judge.lines.get(file, ()))
        ]

    def groups(self, mutant: Mutant, last: str, *, quick: bool) -> list[list[Judge]]:
        """Return who may find the mutant in the order in which they are asked, or just a few.

        ``last`` found it the last time, and is asked first.
        """
        seeing = self.who_sees(mutant)
        first: list[Judge] = []
        by_name: list[Judge] = []
        if mutant.condition:
            speaking = f"alarm: {mutant.condition},"
            first = [j for j in seeing if j.is_scenario and speaking in self._named[j.name]]
            named = f".{mutant.condition.upper().replace('-', '_')}"
            by_name = [j for j in seeing if not j.is_scenario and named in self._named[_file_of(j.name)]]
        elif mutant.file.endswith(".yaml"):
            by_name = [j for j in seeing if _file_of(j.name) in AT_FIRST["code"]]
        else:
            stem = Path(mutant.file).stem
            by_name = [j for j in seeing if not j.is_scenario and stem in Path(_file_of(j.name)).stem]
        package = f"tests/{Path(mutant.file).parts[1]}/"
        near = [j for j in seeing if j.name.startswith(package)]
        before = {j.name for j in (*first, *near)}
        rest = [j for j in seeing if j.name not in before]
        ordered = [
            [j for j in seeing if j.name == last],
            first,
            by_name,
            [j for j in near if j.seconds <= SLOW_S],
            [j for j in rest if j.is_scenario and j.seconds <= SLOW_S],
            [j for j in rest if not j.is_scenario and j.seconds <= SLOW_S],
            [j for j in near if j.seconds > SLOW_S],
            [j for j in rest if not j.is_scenario and j.seconds > SLOW_S],
            [j for j in rest if j.is_scenario and j.seconds > SLOW_S],
        ]
        return [group[:QUICK] for group in ordered[:6]] if quick else ordered


def _names(text: str, where: str) -> bool:
    return where.isidentifier() and re.search(rf"\b{where}\b", text) is not None


def likely(mutant: Mutant) -> list[dict[str, Any]]:
    """Return every judge in groups, those that are likely to find the mutant first: guessed, not watched."""
    speaking = f"alarm: {mutant.condition},"
    named = [s for s in scenario_files() if mutant.condition and speaking in (ROOT / s).read_text()]
    package = f"tests/{Path(mutant.file).parts[1]}/"
    first = AT_FIRST["code"] if mutant.file.endswith(".yaml") else AT_FIRST.get(mutant.kind, ())
    near = [file for file in test_files() if file.startswith(package)]
    groups = [
        ("scenarios", named),
        ("tests", list(first)),
        ("tests", near),
        ("tests", [file for file in test_files() if file not in near]),
        ("scenarios", [file for file in scenario_files() if file not in named]),
    ]
    return [{"kind": kind, "names": names} for kind, names in groups if names]


def told(groups: Sequence[Sequence[Judge]]) -> list[dict[str, Any]]:
    """Return the judges as a worker is told of them."""
    return [
        {"kind": "scenarios" if group[0].is_scenario else "tests", "names": [judge.name for judge in group]}
        for group in groups
        if group
    ]


def watched(crew: Crew, files: Sequence[str], kept: Path, tree: Tree) -> Panel:
    """Return the panel for changes in ``files``; who is as in ``kept`` is not watched anew.

    RuntimeError when a judge says no to the product as it is: then it can not judge a mutant.
    """
    known: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    now = {file: known[file] for file in tree.files if known.get(file, {}).get("mark") == tree.of(file)}
    jobs = [
        {"do": "watch", "judge": file, "files": list(files), "at_most_s": AT_MOST_S * 3}
        for file in tree.files
        if file not in now
    ]
    kept.parent.mkdir(exist_ok=True)
    for job, answer in crew.do(jobs, "watching the judges"):
        if answer.get("failed") or "seen" not in answer:
            raise RuntimeError(f"{job['judge']} fails on the product as it is: {answer}")
        now[job["judge"]] = {"mark": tree.of(job["judge"]), "seen": answer["seen"]}
        kept.write_text(json.dumps(now))
    return Panel(
        [Judge(s["judge"], s["seconds"], s["lines"]) for file in tree.files for s in now[file]["seen"]]
    )
