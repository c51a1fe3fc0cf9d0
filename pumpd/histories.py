"""Which history a configuration names: its writer for the daemon, its reader for whoever looks."""

from __future__ import annotations

import re
from collections.abc import Callable

from pumpd.config import Config
from pumpd.errors import StoreError
from pumpd.store.base import HistoryReader, TelemetryWriter
from pumpd.store.embedded_patients import EmbeddedPatients
from pumpd.store.history import SqliteHistoryWriter
from pumpd.store.influx_history import InfluxHistoryWriter, SpoolPlace
from pumpd.store.influx_patients import InfluxPatients
from pumpd.store.influx_place import InfluxPlace
from pumpd.store.influx_reader import InfluxHistoryReader
from pumpd.store.influx_sender import Door
from pumpd.store.patients import PatientRecords
from pumpd.store.reader import SqliteHistoryReader

_IS_TOKEN = re.compile(r"[!-~]*")


def influx_place(config: Config) -> InfluxPlace:
    """Return where the InfluxDB of ``config`` is."""
    history = config.history

    def token() -> str:
        try:
            found = config.history_token()
        except (OSError, ValueError) as error:
            reason = (getattr(error, "strerror", None) or str(error)).lower()
            raise StoreError(f"{history.token_file} can not be read: {reason}") from None
        if not _IS_TOKEN.fullmatch(found):  # libraries quote what they can not send
            raise StoreError(f"{history.token_file} holds no token: one line without spaces, in ASCII")
        return found

    return InfluxPlace(
        url=history.url.rstrip("/"),
        org=history.org,
        bucket=history.bucket,
        token=token,
        timeout_s=history.timeout_s,
        ca_file=str(config.file.parent / history.ca_file) if history.ca_file else "",
    )


def spool_place(config: Config) -> SpoolPlace:
    """Return the files of the spool of ``config``."""
    return SpoolPlace(config.data_dir, config.history.spool_mib * 2**20)


def open_writer(config: Config) -> TelemetryWriter:
    """Return the way in; it takes readings at once, whatever disk and server do."""
    if config.history.kind == "sqlite":
        return SqliteHistoryWriter(config.history_file)
    return InfluxHistoryWriter(spool_place(config), config.site, _door(config))


def _door(config: Config) -> Callable[[], Door]:
    place = influx_place(config)

    def door() -> Door:
        from pumpd.store.influx_client import InfluxDoor  # noqa: PLC0415 - half a second, only where it is used

        return InfluxDoor(place)

    return door


def open_reader(config: Config) -> HistoryReader:
    """Return the way out; it needs no daemon."""
    if config.history.kind == "sqlite":
        return SqliteHistoryReader(config.history_file, config.journal_file)
    return InfluxHistoryReader(influx_place(config), config.site)


def patient_records(config: Config) -> PatientRecords:
    """Return what finds one patient's readings; it needs no daemon, and may be used beside one."""
    if config.history.kind == "sqlite":
        return EmbeddedPatients(config.history_file, config.journal_file)
    return InfluxPatients(influx_place(config), config.site, spool_place(config).spool, _door(config))
