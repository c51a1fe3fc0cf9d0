"""Why a serial port can not be opened or was lost, in words that say what to do.

Sources: proc(5), ``/proc/locks`` and ``/proc/PID/fd``; tty_ioctl(4), ``TIOCEXCL``.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_GROUP_MAY: Final = 0o060


def why_closed(path: str, error: Exception) -> str:
    """Return what stands between us and the port at ``path``, who holds it where that can be found."""
    code = getattr(error, "errno", None)
    if code in {errno.EIO, errno.ENXIO, errno.ENODEV}:
        return "the port was unplugged"
    if code in {errno.EAGAIN, errno.EBUSY} or "lock" in str(error):
        return f"another program has the port open{_holder(path)}; end it"
    if code == errno.ENOENT:
        return (
            "there is no such port; plug the adapter in, or look for its name with `pumpd ports`: "
            "one below /dev/serial/by-id stays with it"
        )
    if code in {errno.EACCES, errno.EPERM}:
        return _forbidden(path)
    if code in {errno.ENOTTY, errno.EISDIR} or "Inappropriate ioctl" in str(error):
        return "it is no serial port; `pumpd ports` lists those of this machine"
    return str(error)


def _forbidden(path: str) -> str:
    """Return who may open the port, as its file says, and how this user becomes one of them."""
    user = _user(os.geteuid())
    try:
        seen = Path(path).stat()
    except OSError:
        return f"the user {user} may not open the port, nor see whose it is"
    group = _group(seen.st_gid)
    if seen.st_gid != 0 and seen.st_mode & _GROUP_MAY == _GROUP_MAY:
        do = f"add the user to that group (usermod -aG {group} {user}) and start pumpd anew"
    else:
        do = "no group is let in that a user should be in: a udev rule gives it GROUP=dialout, MODE=0660"
    return f"the user {user} may not open the port, which is {_user(seen.st_uid)}'s and group {group}'s; {do}"


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _holder(path: str) -> str:
    """Return who has the port, as far as the kernel tells this user: who locked it, else who has it open."""
    try:
        port = Path(path).resolve(strict=True)
        seen = port.stat()
    except OSError:
        return ""
    locked = f"{os.major(seen.st_dev):02x}:{os.minor(seen.st_dev):02x}:{seen.st_ino}"
    for number in (*_with_lock(locked), *_with_open(str(port))):
        if number == os.getpid():
            return ": this one, on another line"
        try:
            name = (_PROC / str(number) / "comm").read_text().strip()
        except OSError:  # it ended meanwhile
            continue
        return f": {name}, process {number}"
    return f", which only root can name (fuser {port})"


def _with_lock(file: str) -> Iterator[int]:
    """Yield the processes with a lock of the kind that serial programs take, on a file as proc names it."""
    try:
        rows = (_PROC / "locks").read_text().splitlines()
    except OSError:
        return
    for row in rows:
        words = row.split()
        if len(words) == 8 and words[1] == "FLOCK" and words[5] == file:
            yield int(words[4])


def _with_open(port: str) -> Iterator[int]:
    """Yield the other processes that have it open; of other people's only root sees that."""
    for process in _PROC.iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            if any(str(end.readlink()) == port for end in (process / "fd").iterdir()):
                yield int(process.name)
        except OSError:
            continue
