"""The archive of a backup: a manifest with the hash of each file, then the files."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from pumpd.errors import StoreError

FORMAT = 1
MANIFEST = "manifest.json"
LARGEST_MANIFEST_BYTES = 1 << 20
NAME = re.compile(r"(data|config)/[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
"""What a member may be called: nothing leads out of its folder."""
CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive."""

    name: str
    """``data/`` is beside the journal, ``config/`` beside the configuration."""
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive holds, and of whom."""

    version: str
    """Of pumpd."""
    site: str
    node: str
    made_at: str
    """ISO 8601, UTC."""
    journal_head: str
    """``SEQ:HASH``, as ``pumpd audit verify --head`` takes it; empty without a journal."""
    config: str
    """The configuration's member."""
    members: tuple[Member, ...]


def member_of(name: str, file: Path) -> Member:
    """Return what the manifest says of ``file``."""
    with file.open("rb") as read:
        return Member(name, file.stat().st_size, hashlib.file_digest(read, "sha256").hexdigest())


def write_archive(archive: Path, manifest: Manifest, files: dict[str, Path]) -> None:
    """Write ``archive``, readable by its owner only, down to the disk; OSError when it fails."""
    said = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1).encode()
    descriptor = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=1, format=tarfile.PAX_FORMAT) as tar:
            tar.addfile(_entry(MANIFEST, len(said)), io.BytesIO(said))
            for member in manifest.members:
                with files[member.name].open("rb") as read:
                    tar.addfile(_entry(member.name, member.size_bytes), read)
        raw.flush()
        os.fsync(raw.fileno())


def _entry(name: str, size_bytes: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size_bytes, 0o600
    return entry


def read_archive(archive: Path, into: Path) -> Manifest:
    """Unpack ``archive`` into the empty folder ``into`` and return its manifest.

    StoreError when it is no backup, of a newer program, or a file is not byte for byte what was written.
    """
    with _telling(archive), tarfile.open(archive, mode="r|gz") as tar:
        members = iter(tar)
        manifest = _manifest(archive, tar, next(members, None))
        for wanted in manifest.members:
            entry = next(members, None)
            if entry is None or entry.name != wanted.name or not entry.isreg():
                raise StoreError(f"{archive}: {wanted.name} is missing")
            if entry.size != wanted.size_bytes:
                raise StoreError(
                    f"{archive}: {wanted.name} has {entry.size} bytes, its manifest says {wanted.size_bytes}"
                )
            _unpack(archive, tar.extractfile(entry), wanted, into / wanted.name)
        if next(members, None) is not None:
            raise StoreError(f"{archive}: there is more in it than its manifest says")
    return manifest


def _unpack(archive: Path, packed: IO[bytes] | None, wanted: Member, file: Path) -> None:
    assert packed is not None  # of a regular file there is
    file.parent.mkdir(exist_ok=True)
    digest = hashlib.sha256()
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as written:
        while part := packed.read(CHUNK_BYTES):
            digest.update(part)
            written.write(part)
        written.flush()
        os.fsync(written.fileno())
    if digest.hexdigest() != wanted.sha256:
        raise StoreError(f"{archive}: {wanted.name} is not what was written: its hash is another")


def _manifest(archive: Path, tar: tarfile.TarFile, entry: tarfile.TarInfo | None) -> Manifest:
    if entry is None or entry.name != MANIFEST or not entry.isreg() or entry.size > LARGEST_MANIFEST_BYTES:
        raise StoreError(f"{archive}: it is no backup of pumpd: {MANIFEST} does not come first")
    packed = tar.extractfile(entry)
    assert packed is not None
    said: dict[str, Any] = json.loads(packed.read())
    if said.pop("format") > FORMAT:
        raise StoreError(f"{archive}: it was made by pumpd {said['version']}, a newer one: use that")
    members = tuple(Member(**each) for each in said.pop("members"))
    manifest = Manifest(**said, members=members)
    odd = [each.name for each in members if not NAME.fullmatch(each.name)]
    if odd or len({each.name for each in members}) != len(members):
        raise StoreError(f"{archive}: its manifest names what no backup holds: {odd[:1] or 'a file twice'}")
    return manifest


@contextmanager
def _telling(archive: Path) -> Iterator[None]:
    """Turn every way in which a file can be no archive into a StoreError."""
    try:
        yield
    except FileNotFoundError as error:
        raise StoreError(f"{archive}: there is no such file") from error
    except IsADirectoryError as error:
        raise StoreError(f"{archive}: it is a folder: name the archive in it") from error
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise StoreError(f"{archive}: it is no whole archive: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{archive}: its manifest can not be read: {error}") from error


def named(members: Sequence[Member], folder: str) -> Iterator[str]:
    """Yield the names within ``folder`` (``data`` or ``config``)."""
    for member in members:
        place, _, name = member.name.partition("/")
        if place == folder:
            yield name
