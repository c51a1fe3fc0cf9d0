"""Print where the Node.js to build the front end with lives: the machine's, or the lock's if that is old."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (20, 19)
"""What Vite 8 asks for, on the line of Node 20."""


def new_enough(node: str) -> bool:
    """Return whether ``node`` is at least OLDEST."""
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    try:
        major, minor = (int(part) for part in said.strip().lstrip("v").split(".")[:2])
    except ValueError:
        return False
    return (major, minor) >= OLDEST


if __name__ == "__main__":
    machines = shutil.which("node")
    fits = machines is not None and shutil.which("npm") is not None and new_enough(machines)
    sys.stdout.write(str(Path(machines if fits and machines else sys.executable).parent))
