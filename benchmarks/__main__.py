"""``make bench``: what the whole path costs, how many pumps one core holds, how fast a pause is.

Every ratio is measured in one run: simulated ward and broker on one core, what is measured on the other.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.bench_dialects import rows as dialects
from benchmarks.bench_evaluate import GOAL_PER_S as EVALUATE_GOAL
from benchmarks.bench_evaluate import PUMPS as EVALUATED
from benchmarks.bench_evaluate import readings_per_s
from benchmarks.bench_influx import run as influx
from benchmarks.bench_infusions import profile as profile_of_infusions
from benchmarks.bench_infusions import run as infusions
from benchmarks.bench_model import GOAL as MODEL_GOAL
from benchmarks.bench_model import run as model
from benchmarks.bench_store import run as store
from benchmarks.row import Row, verdict
from benchmarks.world import ROOT, cores, many_files, surroundings, write_files

PUMPS = 1000
RATIO_GOAL = 3.0
MOST_GOAL = 3000
PAUSE_GOAL_MS = 5.0
DAY_GOAL_MS = 50
PROFILED = 2
PAUSES = 300
LATE_S = 1.5
PAGE = ROOT / "docs" / "bench.md"


def measure(kind: str, folder: Path, seconds: float) -> dict[str, Any]:
    """Return what one measuring process found."""
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.measure", kind, str(folder / "pumpd.yaml"), str(seconds)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise SystemExit(f"{kind} broke:\n{ran.stdout[-2000:]}\n{ran.stderr[-4000:]}")
    found: dict[str, Any] = json.loads(ran.stdout.strip().splitlines()[-1])
    return found


def cost(seconds: float) -> tuple[list[Row], str]:
    """Return the ratio of the whole path to a bare poll, and the pause latency, at 1,000 pumps."""
    with tempfile.TemporaryDirectory(prefix="pumpd-bench-") as made:
        folder = Path(made)
        pause_from_s = 3 * seconds + 40
        write_files(folder, PUMPS, PAUSES, pause_from_s, seconds)
        with surroundings(folder):
            bare = measure("bare", folder, seconds)
            whole = measure("whole", folder, seconds)
            bare_again = measure("bare", folder, seconds)
    bare_us = 1e6 * (bare["cpu_s"] + bare_again["cpu_s"]) / (bare["readings"] + bare_again["readings"])
    whole_us = 1e6 * whole["cpu_s"] / whole["readings"]
    ratio = whole_us / bare_us
    rows = [
        Row("CPU of a bare pymodbus poll, uvloop", f"{bare_us:.0f} us", "", reached=None),
        Row(
            f"CPU of the whole path per reading, {PUMPS} pumps at 1 Hz",
            f"{whole_us:.0f} us",
            "",
            reached=None,
        ),
        Row("whole path over bare poll", f"{ratio:.2f}", f"at most {RATIO_GOAL:.0f}", ratio <= RATIO_GOAL),
    ]
    if ratio <= RATIO_GOAL:
        return rows, ""
    with tempfile.TemporaryDirectory(prefix="pumpd-bench-") as made:
        folder = Path(made)
        write_files(folder, PUMPS, 0, 0, 0)
        with surroundings(folder):
            return rows, str(measure("profile", folder, min(seconds, 15))["profile"])


def pauses(seconds: float) -> list[Row]:
    """Return how long it takes from the confirming reading to the pause frame, at 1,000 pumps."""
    with tempfile.TemporaryDirectory(prefix="pumpd-bench-") as made:
        folder = Path(made)
        write_files(folder, PUMPS, PAUSES, 25, seconds)
        with surroundings(folder):
            whole = measure("whole", folder, seconds + 30)
            found = whole["pauses_ms"]
    if len(found) < PAUSES // 2:
        return [Row("pauses measured", str(len(found)), f"{PAUSES}", reached=False)]
    ordered = sorted(found)
    p99 = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    said = (
        f"median {statistics.median(ordered):.2f} ms, longest {ordered[-1]:.2f} ms, {len(ordered)} pauses, "
        f"longest garbage collection {whole['longest_gc_ms']:.0f} ms"
    )
    return [
        Row(
            f"confirming reading to pause frame, p99 at {PUMPS} pumps",
            f"{p99:.2f} ms",
            f"at most {PAUSE_GOAL_MS:.0f} ms",
            p99 <= PAUSE_GOAL_MS,
            said,
        )
    ]


def most(seconds: float) -> list[Row]:
    """Return the most pumps at 1 Hz without a reading older than 1.5 s: the goal first, then fewer."""
    said: list[str] = []
    for pumps in (MOST_GOAL, 2500, 2000, 1500, 1000, 500):
        with tempfile.TemporaryDirectory(prefix="pumpd-bench-") as made:
            folder = Path(made)
            write_files(folder, pumps, 0, 0, 0)
            with surroundings(folder):
                found = measure("whole", folder, seconds)
        load = found["cpu_s"] / found["seconds"]
        said.append(
            f"{pumps}: oldest {found['oldest_s']:.2f} s, {found['late']} late, core {load:.0%} busy, "
            f"longest stall of the loop {found['longest_stall_ms']:.0f} ms, "
            f"longest garbage collection {found['longest_gc_ms']:.0f} ms"
        )
        print("  " + said[-1], flush=True)
        if found["late"] == 0 and found["readings"] >= 0.99 * pumps * seconds:
            reached = pumps >= MOST_GOAL
            break
    else:
        pumps, reached = 0, False
    what = f"pumps at 1 Hz with no reading older than {LATE_S} s in {seconds:.0f} s, one core"
    return [Row(what, f"{pumps:,}", f"at least {MOST_GOAL:,}", reached, "; ".join(said))]


def whole_sessions() -> tuple[list[Row], str]:
    """Return what two-hour infusions cost through the whole stack, in virtual time."""
    costs, alone_us = infusions()
    rows = [
        Row(
            f"{cost.infusions} two-hour infusions at 1 Hz through the whole stack, {cost.shape}",
            f"{cost.cpu_s:.0f} CPU s",
            f"under {cost.goal_cpu_s:.0f} CPU s",
            cost.cpu_s < cost.goal_cpu_s,
            f"{cost.readings:,} readings, {cost.us_per_reading:.0f} us each, "
            f"{cost.us_per_reading / alone_us:.1f} times an exchange with the simulated pump alone",
        )
        for cost in costs
    ]
    missed = not all(row.reached for row in rows)
    return rows, profile_of_infusions(PROFILED) if missed else ""


def core() -> Row:
    """Return how many readings the core judges in a second of one core."""
    per_s, judged, changed = readings_per_s()
    return Row(
        f"readings judged per CPU second, {EVALUATED} infusing pumps, two hours in",
        f"{per_s:,.0f} 1/s",
        f"at least {EVALUATE_GOAL:,}",
        per_s >= EVALUATE_GOAL,
        f"{judged:,} readings, {changed:,} of them raised or cleared",
    )


def page(rows: list[Row], profile: str, seconds: float) -> str:
    """Return docs/bench.md."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    lines = [
        "# What it costs",
        "",
        "Written by `make bench`. Each pump has its own TCP connection to a simulator in another process.",
        "Simulator and broker run on one core, what is measured on the other; programs that are",
        "not part of it wait, where the user may say so. Figures of different runs or",
        "machines are not to be compared; ratios of one run are.",
        "",
        f"- commit: `{commit}`",
        f"- date: {datetime.now(UTC).isoformat(timespec='seconds')}",  # noqa: TID251 - the date of the record
        f"- cores: {os.cpu_count()}, Python {sys.version.split()[0]}, longest figure over {seconds:.0f} s",
        f"- load of the machine in the last 5 min: {os.getloadavg()[1]:.1f}",
        "",
        "| figure | measured | goal | |",
        "|---|---:|---:|---|",
    ]
    lines += [
        f"| {r.what} | {r.measured} | {r.goal} | {verdict(r)}{'; ' + r.said if r.said else ''} |"
        for r in rows
    ]
    if profile:
        lines += [
            "",
            "Where the time goes (profiled, so slower; own time first):",
            "",
            "```",
            profile.strip(),
            "```",
        ]
    return "\n".join(lines) + "\n"


def stored(what: str, value: float, unit: str) -> Row:
    """Return the row of a figure of the stores; a day read back from the embedded one has a goal."""
    aims = what.startswith("history: a day of one pump")
    goal = f"at most {DAY_GOAL_MS} ms" if aims else ""
    return Row(what, f"{value:,.2f} {unit}", goal, value <= DAY_GOAL_MS if aims else None)


def main() -> None:
    """Measure what is asked for, print the table and write it down."""
    asked = argparse.ArgumentParser(prog="make bench", description=__doc__)
    asked.add_argument(
        "--seconds", type=float, default=300, help="length of the longest figure (default 300)"
    )
    asked.add_argument(
        "--only",
        choices=["cost", "most", "pauses", "store", "model", "evaluate", "infusions", "dialects"],
        help="one figure; nothing is written down",
    )
    options = asked.parse_args()
    many_files()
    print(f"measuring on core {cores()[0]}, everything else on core {cores()[1]}", flush=True)
    short_s = min(options.seconds, 30)
    rows: list[Row] = []
    profile = ""
    if options.only in {None, "cost"}:
        rows, profile = cost(short_s)
    if options.only in {None, "pauses"}:
        rows += pauses(short_s)
    if options.only in {None, "most"}:
        rows += most(options.seconds)
    if options.only in {None, "store"}:
        figures = [*store(), *influx(print)]
        rows += [stored(*figure) for figure in figures]
    if options.only in {None, "model"}:
        rows += [
            Row(
                f"simulated pump, {kind}: reads answered per CPU second",
                f"{rate:,.0f} 1/s",
                f"at least {MODEL_GOAL:,}",
                rate >= MODEL_GOAL,
            )
            for kind, rate in model()
        ]
    if options.only in {None, "evaluate"}:
        rows.append(core())
    if options.only in {None, "infusions"}:
        found, where = whole_sessions()
        rows += found
        profile += where
    if options.only in {None, "dialects"}:
        rows += dialects()
    for row in rows:
        print(
            f"{row.what:<75} {row.measured:>10}   {'goal: ' + row.goal if row.goal else '':<24} "
            f"{verdict(row)}"
        )
        if row.said:
            print(f"    {row.said}")
    if profile:
        print(profile)
    if options.only is None:
        PAGE.write_text(page(rows, profile, options.seconds))
        print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
