"""How the command line speaks: results on standard output, errors on standard error, never a traceback."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO, cast

import structlog
from rich.console import Console
from rich.text import Text
from structlog.typing import EventDict, WrappedLogger

from pumpd.errors import ConfigError, Problem


def out() -> Console:
    """Return the console for results; text is shown as it is, without markup."""
    return Console(markup=False, highlight=False, soft_wrap=True)


def visible(line: str) -> str:
    """Return ``line`` with what moves a terminal's cursor, or forges a line, escaped: a pump may send it."""
    return line if line.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


def tell(line: str) -> None:
    """Print one line in which a pump's own words may stand."""
    out().print(visible(line))


class _StandardError:
    """Standard error as structlog prints to it: a log that can not be written stops nobody."""

    @staticmethod
    def write(text: str) -> int:
        """Write ``text``, or lose it: a full disk under the log must not cost an alarm."""
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)
        return len(text)

    @staticmethod
    def flush() -> None:
        """Write out what has gathered, if it can be."""
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()


def free_place(file: Path, option: str) -> None:
    """Demand that a new file can be made; ConfigError where one stands already, or no folder for it does."""
    if file.exists():
        what, allowed = f"{file} is there already, and nothing is written over", "the name of a new file"
    elif not file.parent.is_dir():
        what, allowed = f"there is no folder {file.parent}", "a name in a folder that is there"
    elif not os.access(file.parent, os.W_OK | os.X_OK):
        what, allowed = f"this user may not write to {file.parent}", "a folder that this user may write to"
    else:
        return
    raise ConfigError((Problem("(command line)", 0, option, what, allowed, "write another name"),))


def why_no_folder(folder: Path) -> str:
    """Return why this user can keep nothing in ``folder``, which need not be there yet; empty when it can."""
    near = folder
    try:
        while not near.exists() and near != near.parent:
            near = near.parent
    except OSError as error:
        return f"{near} can not be looked at: {str(error.strerror).lower()}"
    if not near.is_dir():
        return f"{near} is no folder"
    return "" if os.access(near, os.W_OK | os.X_OK) else f"this user may not write to {near}"


def folder_place(folder: Path, option: str) -> None:
    """Demand that files can be put into ``folder``, which need not be there yet; ConfigError else."""
    if what := why_no_folder(folder):
        allowed = "a folder that this user may write to, or the name of a new one"
        raise ConfigError((Problem("(command line)", 0, option, what, allowed, "write another name"),))


def start_log(level: str) -> None:
    """Send log lines of ``level`` (debug, info, warning, error) and above to standard error."""
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _seen,
            # A plain traceback: the other kind shows local variables, and so passwords and patients.
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _StandardError())),
    )


def _seen(_logger: WrappedLogger, _method: str, said: EventDict) -> EventDict:
    """Escape what a pump or a stranger may have sent to move a terminal's cursor or to forge a line."""
    for key, value in said.items():
        text = value if isinstance(value, str) else "" if key == "exc_info" else str(value)
        if not text.isprintable():
            said[key] = visible(text)
    return said


def say_error(error: str | Sequence[Problem]) -> None:
    """Tell what went wrong: one line, or one paragraph per problem with what is allowed and the remedy."""
    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    if isinstance(error, str):
        console.print(Text.assemble(("error: ", "bold red"), error))
        return
    for problem in error:
        where = f"{problem.file}:{problem.line}" if problem.line else problem.file
        console.print(Text.assemble((where, "bold"), ": ", (problem.path, "cyan"), ": ", problem.what))
        console.print(Text.assemble(("    allowed: ", "dim"), problem.allowed))
        console.print(Text.assemble(("    remedy:  ", "dim"), problem.remedy))
    count = len(error)
    console.print(
        Text.assemble((f"{count} problem{'' if count == 1 else 's'}", "bold red"), "; nothing was started")
    )
