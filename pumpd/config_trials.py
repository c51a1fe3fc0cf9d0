"""The trials that a configuration relies on: what an engineer has tried with a pump and signed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from pumpd.config_section import Section
from pumpd.config_trust import public_key
from pumpd.document import DocPath, Document, read_bounded
from pumpd.drivers.trial import Trial, trial_in
from pumpd.errors import Problem
from pumpd.signing import VerifyingKey


class TrialSection(Section):
    """One signed trial."""

    file: str = Field(
        min_length=1,
        description="what `pumpd drivers verify` wrote, relative to this file",
        examples=["trials/ne-1000.json"],
    )
    key: Annotated[str, AfterValidator(public_key)] = Field(
        description="the public key of the engineer who signed it, as `pumpd keys show` prints it"
    )

    def trial(self, directory: Path) -> Trial:
        """Return it; OSError or ValueError when it can not be read, or this key did not sign it."""
        return trial_in(read_bounded(directory / self.file).decode(), VerifyingKey.of(self.key))


def trial_problems(
    document: Document, trials: list[tuple[DocPath, TrialSection]], directory: Path
) -> Iterator[Problem]:
    """Yield which of the trials can not be relied on."""
    for place, section in trials:
        try:
            section.trial(directory)
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            what = f"{section.file} can not be relied on: {reason}"
            allowed = "a file of `pumpd drivers verify`, as it was signed"
            yield document.problem((*place, "file"), what, allowed, "make the trial again, or leave it out")
