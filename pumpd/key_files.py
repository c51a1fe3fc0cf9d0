"""Where a dashboard's key lies: a private file that its owner alone may read, the public half beside it."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from pumpd.document import read_bounded
from pumpd.errors import ConfigError, Problem
from pumpd.signing import Signer, VerifyingKey

PRIVATE_MODE = 0o600
PUBLIC_MODE = 0o644
_ALLOWED = "an Ed25519 key as PEM, in a file that only its owner may read"


class KeyPlaceError(ConfigError):
    """A disk does not let a key be made or read: the same may go well once it does."""


def new_key(file: Path) -> VerifyingKey:
    """Make a key in ``file``, and its public half beside it (``.pub``); FileExistsError when there is one.

    KeyPlaceError when it can not be written. Written whole or not at all: of two programs that try at once,
    one succeeds.
    """
    made = Ed25519PrivateKey.generate()
    _demand_place(file)
    text = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    _write_new(file, text, PRIVATE_MODE)
    return show_key(file)


def load_key(file: Path, dashboard: str) -> Signer:
    """Return the signer of the key in ``file``; ConfigError when others may read it, or it is none."""
    try:
        mode = file.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            what = f"{file} may be read by others (mode {stat.S_IMODE(mode):03o})"
            raise _wrong(file, what, f"chmod 600 {file}; make a new one if somebody may have read it")
        key = load_pem_private_key(read_bounded(file), password=None)
    except OSError as error:
        raise KeyPlaceError(_wrong(file, f"{file} can not be read: {_reason(error)}").problems) from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The library's own words may quote what it read.
        raise _wrong(file, f"{file} holds no private key that pumpd can read") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _wrong(file, f"{file} holds a key of another kind")
    return Signer(dashboard, key)


def own_key(file: Path, dashboard: str) -> Signer:
    """Return the signer of ``file``; the first program that asks makes the key."""
    with contextlib.suppress(FileExistsError):
        new_key(file)
    return load_key(file, dashboard)


def own_public(file: Path, dashboard: str) -> VerifyingKey:
    """Return the public half of ``file``, made where there is none yet; the private one is not read."""
    public = _public_file(file)
    try:
        if not public.exists():
            return own_key(file, dashboard).public
        return VerifyingKey.of(read_bounded(public).decode().strip())
    except OSError as error:
        remedy = f"let this user read {public}"
        found = _wrong(public, f"{public} can not be read: {_reason(error)}", remedy)
        raise KeyPlaceError(found.problems) from None
    except ValueError as error:
        remedy = f"remove {public}, and make it anew with `pumpd keys show {file}`"
        raise _wrong(public, f"{public} is no public key: {error}", remedy) from None


def show_key(file: Path) -> VerifyingKey:
    """Return the public half of the private key in ``file``, and write it beside it where it is not."""
    public = load_key(file, "").public
    with contextlib.suppress(FileExistsError):
        _write_new(_public_file(file), f"{public.text}\n".encode(), PUBLIC_MODE)
    return public


def _public_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.pub")


def _write_new(file: Path, text: bytes, mode: int) -> None:
    """Write a file that is not there yet; whoever sees its name sees all of it."""
    try:
        descriptor, draft = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        try:
            with os.fdopen(descriptor, "wb") as sink:
                os.fchmod(descriptor, mode)
                sink.write(text)
                sink.flush()
                os.fsync(descriptor)
            os.link(draft, file)
        finally:
            Path(draft).unlink()
    except FileExistsError:
        raise
    except OSError as error:
        raise _no_place(file, error) from None


def _demand_place(file: Path) -> None:
    """Make the folder of ``file``; FileExistsError when that is there, also on a disk for reading alone."""
    try:
        there = file.exists()
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except FileExistsError:
        raise _no_place(file, NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))) from None
    except OSError as error:
        raise _no_place(file, error) from None
    if there:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(file))


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _no_place(file: Path, error: OSError) -> KeyPlaceError:
    what = f"{file} can not be written: {_reason(error)}"
    allowed = "a folder that this user may write to, on a disk with room"
    remedy = f"make room, let this user write to {file.parent}, or name another place"
    return KeyPlaceError((Problem(str(file), 0, "(file)", what, allowed, remedy),))


def _wrong(file: Path, what: str, remedy: str = "make one with `pumpd keys new`") -> ConfigError:
    return ConfigError((Problem(str(file), 0, "(file)", what, _ALLOWED, remedy),))
