"""A page of the documentation, followed as a reader does: files written, commands typed, output compared."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from subprocess import CompletedProcess

from tests.outside.fresh import Fresh

SET_UP = re.compile(
    r"python3 -m venv qa-env"
    r'|qa-env/bin/pip install "?pumpd-[\w.-]+whl(\[qa\])?"?'
    r"|\. qa-env/bin/activate"
)
"""What the environment itself was made by."""
_BLOCK = re.compile(
    r"^```(?P<kind>\w*)(?: (?P<what>\w+)=(?P<name>\S+))?\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
_ABOVE = "  - {check: nothing-else}\n"


def follow(text: str, fresh: Fresh, work: Path) -> int:
    """Do everything that ``text`` says, in ``work``; return how many commands were run.

    After an edit the last command is run again, as the page says.
    """
    ran, again = 0, ""
    done: CompletedProcess[str] | None = None
    for block in _BLOCK.finditer(text):
        kind, what, content = block["kind"], block["what"], block["text"]
        if what == "file":
            (work / block["name"]).write_text(content)
        elif what == "add":
            file = work / block["name"]
            before = file.read_text()
            assert _ABOVE in before
            file.write_text(before.replace(_ABOVE, content + _ABOVE))
            done = fresh.run(*shlex.split(again), cwd=work)
        elif kind == "sh":
            for line in content.splitlines():
                if SET_UP.fullmatch(line):
                    continue
                done = fresh.run(*shlex.split(line), cwd=work)
                ran, again = ran + 1, line
        elif not kind:
            assert done is not None
            for line in content.splitlines():
                assert line in done.stdout, f"{line!r} is not in\n{done.stdout}{done.stderr}"
            assert done.returncode == int("FAILED" in content)
    return ran
