"""What came of scenarios as JUnit XML, for whatever runs them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from pumpd.qa.runner import Outcome
from pumpd.qa.whole_file import write_whole

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(outcomes: Sequence[Outcome], file: Path) -> None:
    """Write one test case for each scenario; ``time`` is the ward's time in seconds, not the computer's."""
    wards_s = sum(outcome.loaded.scenario.duration_s for outcome in outcomes if not outcome.left_out)
    suite = ET.Element(
        "testsuite",
        name="pumpd qa",
        tests=str(len(outcomes)),
        failures=str(sum(bool(outcome.failures) and not outcome.error for outcome in outcomes)),
        errors=str(sum(bool(outcome.error) for outcome in outcomes)),
        skipped=str(sum(bool(outcome.left_out) for outcome in outcomes)),
        time=f"{wards_s:g}",
    )
    for outcome in outcomes:
        loaded = outcome.loaded
        case = ET.SubElement(
            suite,
            "testcase",
            classname=_text(loaded.file.parent.name or "scenarios"),
            name=_text(loaded.name),
            file=_text(str(loaded.file)),
            time=f"{loaded.scenario.duration_s:g}",
        )
        properties = ET.SubElement(case, "properties")
        told = {"title": loaded.scenario.title, "seed": str(outcome.seed)}
        if outcome.real:
            told |= {"level": "real", "allowance": str(outcome.record.allowance)}
        for name, value in told.items():
            ET.SubElement(properties, "property", name=name, value=_text(value))
        if outcome.left_out:
            ET.SubElement(case, "skipped", message=_text(f"virtual only: {outcome.left_out}"))
        elif outcome.error:
            _because(case, "error", [outcome.error], outcome.replay)
        elif outcome.failures:
            _because(case, "failure", list(outcome.failures), outcome.replay)
    whole = ET.Element("testsuites")
    whole.append(suite)
    ET.indent(whole)
    write_whole(file, ET.tostring(whole, encoding="utf-8", xml_declaration=True) + b"\n")


def _because(case: ET.Element, kind: str, reasons: list[str], replay: str) -> None:
    told = ET.SubElement(case, kind, message=_text(reasons[0]))
    told.text = _text("\n".join([*reasons, f"again: {replay}"]))


def _text(text: str) -> str:
    return _NO_XML.sub("?", text)
