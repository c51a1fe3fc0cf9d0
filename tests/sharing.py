"""Which tests one worker runs together, so that what they share is made once."""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling

SHARE_A_FOLDER = ("tests/outside/",)
"""Folders whose tests share what takes long to make: an environment of its own."""
SHARE_NOTHING = (
    "tests/dialects/test_every.py",
    "tests/qa/test_planted.py",
    "tests/qa/test_shipped_scenarios.py",
)
"""Files of many long tests that go to whichever worker is free."""


class SharedScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out whole files, in the order in which they were collected; its base has no types."""

    def __init__(self, config: pytest.Config, log: object) -> None:
        """Make it for the controller of the workers, which gives its log."""
        super().__init__(config, log)
        config.option.loadscopereorder = False  # by the number of tests, which tells nothing of their length

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file in SHARE_NOTHING:
            return nodeid
        return next((folder for folder in SHARE_A_FOLDER if file.startswith(folder)), file)
