"""What must never be, and was."""

from __future__ import annotations

from collections.abc import Callable


class Broken:
    """What was broken: of each kind the first time."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._found: dict[str, str] = {}

    def tell(self, invariant: str, what: str, detail: str) -> None:
        """Note that ``what`` must never be, and was; ``detail`` says where."""
        self._found.setdefault(f"{invariant}: {what}", f"{detail} at {self._now_s():.3f} s")

    def sentences(self) -> list[str]:
        """Return one sentence for each kind."""
        return [f"{kind}: {detail}" for kind, detail in sorted(self._found.items())]
