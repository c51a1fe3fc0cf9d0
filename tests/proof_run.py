"""Run every counted property at its full count, resume where a run was cut short, write ``docs/proof.md``.

``python -m tests.proof_run``: each test file that counts is one job; a job that passed at this commit with
this seed is not run again. Records stand in ``.proof/records.jsonl``.
"""

from __future__ import annotations

import ast
import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.proof import SEED

ROOT = Path(__file__).parents[1]
RECORDS = ROOT / ".proof" / "records.jsonl"
PAGE = ROOT / "docs" / "proof.md"
LONGEST_S = 75 * 60
"""A whole run stays below 80 minutes."""
AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Record:
    """One property at its full count."""

    name: str
    file: str
    commit: str
    seed: int
    count: int
    result: str
    seconds: float
    at: str


def commit() -> str:
    """Return the commit that is checked out; ``-dirty`` if files but the records differ from it."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    written = (f":!docs/{page}.md" for page in ("bench", "containers", "exploration", "mutants", "proof"))
    changed = git("status", "--porcelain", "--", ".", *written)
    return git("rev-parse", "--short=12", "HEAD").strip() + ("-dirty" if changed else "")


def counting_files() -> list[Path]:
    """Return the test files that ask ``tests.proof`` for a count."""
    found = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if path.parent.name == "house":  # it tests the counting itself
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in {"count", "examples", "explored"}
                and isinstance(node.value, ast.Name)
                and node.value.id == "proof"
            ):
                found.append(path)
                break
    return found


def recorded() -> list[Record]:
    """Return every record so far, the newest of each name and commit last."""
    if not RECORDS.exists():
        return []
    return [Record(**json.loads(line)) for line in RECORDS.read_text().splitlines()]


def passed(records: list[Record], at_commit: str) -> set[str]:
    """Return the files of which everything passed at ``at_commit`` with this seed; a dirty tree has none."""
    if at_commit.endswith("-dirty"):
        return set()
    here = [r for r in records if r.commit == at_commit and r.seed == SEED]
    newest = {r.name: r for r in here}
    return {r.file for r in newest.values()} - {r.file for r in newest.values() if r.result != "passed"}


def lengths_s(records: list[Record]) -> dict[str, float]:
    """Return how long each file took when it last ran to its end at full counts."""
    return {r.file: r.seconds for r in records if r.result == "passed"}


def in_turn(files: list[str], took_s: dict[str, float], first: list[str]) -> list[str]:
    """Return files in the order to run them: ``first``, those never timed, then the longest first.

    So no long one is left to run alone at the end.
    """
    longest_s = max(took_s.values(), default=0.0) + 1
    return sorted(
        files, key=lambda file: (not any(name in file for name in first), -took_s.get(file, longest_s))
    )


async def run_file(
    path: Path, at_commit: str, at_once: asyncio.Semaphore, ends_s: float, needs_s: float = 0.0
) -> None:
    """Run one file at full counts and record what it found; nothing is recorded past ``ends_s``.

    One that took ``needs_s`` before is not begun with less time left: shorter ones may have it.
    """
    name = path.relative_to(ROOT).as_posix()
    found = RECORDS.parent / f"{name.replace('/', '.')}.json"
    async with at_once:
        left_s = ends_s - asyncio.get_running_loop().time()
        if left_s <= needs_s:
            print(f"not begun {name}: {max(0, left_s):.0f} s are left, it took {needs_s:.0f} s", flush=True)
            return
        found.unlink(missing_ok=True)
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pytest", name, "-q", "-x", "--timeout", str(LONGEST_S),
            "-o", f"faulthandler_timeout={LONGEST_S + 60}",
            "--hypothesis-seed", str(SEED), "-p", "no:cacheprovider",
            cwd=ROOT,
            env={**os.environ, "PUMPD_PROOF": "1", "PUMPD_SEED": str(SEED), "PUMPD_PROOF_RECORD": str(found)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        print(f"running {name}", flush=True)
        try:
            said, _ = await asyncio.wait_for(process.communicate(), left_s)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            print(f"cut short {name}: no time left", flush=True)
            return
        took_s = round(time.perf_counter() - began, 1)
    result = "passed" if process.returncode == 0 else "FAILED"
    print(f"{result} {name} in {took_s} s", flush=True)
    if process.returncode:
        print(said.decode(errors="replace")[-8000:], flush=True)
    rows = json.loads(found.read_text()) if found.exists() else []
    now = datetime.now(UTC).isoformat(timespec="seconds")  # noqa: TID251 - the date of the record
    records = [
        Record(row["name"], name, at_commit, SEED, row["count"], result, took_s, now) for row in rows
    ] or [Record(name, name, at_commit, SEED, 0, result, took_s, now)]
    with RECORDS.open("a") as file:
        file.writelines(json.dumps(asdict(record)) + "\n" for record in records)
    PAGE.write_text(page(recorded(), at_commit))


def page(records: list[Record], at_commit: str) -> str:
    """Return docs/proof.md at ``at_commit``: the newest record of each property that is still counted."""
    files = {f.relative_to(ROOT).as_posix() for f in counting_files()}
    newest_of_file = {r.file: r.commit for r in records if r.seed == SEED and r.file in files}
    newest = {r.name: r for r in records if r.seed == SEED and r.commit == newest_of_file.get(r.file)}
    elsewhere = sum(r.commit != at_commit for r in newest.values())
    lines = [
        "# What was tried, and how often",
        "",
        "Written by `make proof`. A count says what was tried, not that nothing else can happen: 0 of n seen",
        "means below 3/n at 95 %. Times are those of the whole file that a property stands in. A row names",
        f"the commit it was tried at: {elsewhere} of {len(newest)} are from before that of the last run.",
        "",
        f"- commit: `{at_commit}`",
        f"- seed: {SEED}",
        f"- date: {max((r.at for r in newest.values()), default='none')}",
        "",
        "| property | tried | failed, at 95 % | result | file | s | commit | date |",
        "|---|---:|---|---|---|---:|---|---|",
    ]
    for r in sorted(newest.values(), key=lambda r: (r.file, r.name)):
        bound = f"below 3 in {r.count:,}" if r.result == "passed" and r.count else "see result"
        tried = f"| {r.name} | {r.count:,} | {bound} | {r.result} | `{r.file}` | {r.seconds} "
        lines.append(f"{tried}| `{r.commit}` | {r.at[:10]} |")
    begun = {r.file for r in newest.values()}
    left = sorted(files - begun)
    if left:
        lines += ["", "Not run to its end yet: " + ", ".join(f"`{name}`" for name in left) + "."]
    return "\n".join(lines) + "\n"


async def run(first: list[str]) -> int:
    """Run what is left to run, the files named ``first`` before the others; return the exit status."""
    RECORDS.parent.mkdir(exist_ok=True)
    at_commit = commit()
    done = passed(recorded(), at_commit)
    files = [f.relative_to(ROOT).as_posix() for f in counting_files()]
    took_s = lengths_s(recorded())
    left = in_turn([f for f in files if f not in done], took_s, first)
    print(f"{len(files)} files count properties; {len(files) - len(left)} passed before at {at_commit}")
    known_min = sum(took_s.get(f, 0) for f in left) / 60
    untimed = sum(f not in took_s for f in left)
    print(
        f"{len(left)} are to run, {AT_ONCE} at once, in at most {LONGEST_S // 60} min: "
        f"{known_min:.0f} min of work by their last runs, and {untimed} that were never timed"
    )
    at_once = asyncio.Semaphore(AT_ONCE)
    ends_s = asyncio.get_running_loop().time() + LONGEST_S
    jobs = [
        asyncio.create_task(
            run_file(ROOT / f, at_commit, at_once, ends_s, took_s.get(f, 0)), name=f"proof {f}"
        )
        for f in left
    ]
    await asyncio.gather(*jobs)
    PAGE.write_text(page(recorded(), at_commit))
    passed_here = passed(recorded(), at_commit)
    open_still = [f for f in files if f not in passed_here]
    for file in open_still:
        print(f"NOT passed at full counts at {at_commit}: {file}")
    if open_still:
        print(f"that is {len(open_still)} of {len(files)} files; run it again to go on with them")
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 1 if open_still else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(run(sys.argv[1:])))
