"""What no single field can tell: whether the parts of a configuration fit together."""

from __future__ import annotations

import ipaddress
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

from pumpd.config_fleet import fleet_problems
from pumpd.config_history import history_problems
from pumpd.config_lines import driver_problems, line_problems
from pumpd.config_models import ConfigSection, PumpSection
from pumpd.config_programme import programme_problems
from pumpd.config_templates import template_problems
from pumpd.config_tls import https_problems, tls_problems
from pumpd.config_trials import trial_problems
from pumpd.config_trust import trust_problems
from pumpd.core.drug_library import DrugLibrary
from pumpd.document import DocPath, Document, read_bounded
from pumpd.document_check import Checked
from pumpd.drivers.registry import installed
from pumpd.errors import Problem


def cross_problems(
    document: Document,
    checked: Checked[ConfigSection],
    library: DrugLibrary | None,
    doubtful: frozenset[str],
    directory: Path,
    fleet: Path | None = None,
) -> Iterator[Problem]:
    """Yield every problem between fields; ``fleet`` is read in the place of the table that is named.

    ``library`` is None when it could not be read. Where it has faults, ``doubtful`` names its drugs: that one
    of their entries is not found says nothing.
    """
    section = checked.model
    assert section is not None
    pumps = [(checked.place(("pumps", at)), pump) for at, pump in enumerate(section.pumps)]
    yield from _reachable_by_strangers(document, section)
    yield from _password(document, section, directory)
    yield from tls_problems(document, section.mqtt, directory, _authorities, _secret)
    yield from history_problems(
        document, section.history, directory, lambda path, name: _one_line(document, path, name, directory)
    )
    yield from _contacts(document, checked, section, directory)
    yield from _secret(document, ("dashboard", "key_file"), section.dashboard.key_file, directory)
    yield from https_problems(document, section.dashboard, directory, _secret)
    trusted = [(checked.place(("dashboards", at)), each) for at, each in enumerate(section.dashboards)]
    yield from trust_problems(document, trusted, frozenset(pump.ward for _, pump in pumps))
    trials = [(checked.place(("trials", at)), each) for at, each in enumerate(section.trials)]
    yield from trial_problems(document, trials, directory)
    yield from _data_dir(document, section, directory)
    yield from _same_id(document, pumps)
    yield from _same_bed(document, pumps)
    yield from line_problems(document, pumps, installed(), section.lines.latency_ms)
    yield from driver_problems(document, pumps, installed())
    yield from fleet_problems(document, pumps, installed(), section.fleet, directory, fleet)
    for place, pump in pumps:
        yield from programme_problems(document, place, pump, library, doubtful)
    templates = [(checked.place(("templates", at)), each) for at, each in enumerate(section.templates)]
    yield from template_problems(document, templates, library, doubtful)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reachable_by_strangers(document: Document, section: ConfigSection) -> Iterator[Problem]:
    mqtt = section.mqtt
    if not _loopback(mqtt.host) and not (mqtt.ca_file and (mqtt.username or mqtt.certificate_file)):
        yield document.problem(
            ("mqtt", "host"),
            f"{mqtt.host!r} is another machine: without TLS and an account strangers read and write",
            "a loopback address; or ca_file, and username or certificate_file",
            "make both with `pumpd keys broker`, and name ca_file, username and password_file",
        )
    dashboard = section.dashboard
    if _loopback(dashboard.host):
        return
    if not dashboard.certificate_file:
        yield document.problem(
            ("dashboard", "host"),
            f"{dashboard.host!r} can be reached by other machines, and pages are served without TLS",
            "a loopback address; or certificate_file, certificate_key_file and names",
            "write host: 127.0.0.1, or add those three",
        )
    elif not dashboard.names:
        yield document.problem(
            ("dashboard", "names"),
            f"{dashboard.host!r} can be reached by other machines, and no name of the page is said",
            "a list of the host names that people open",
            "add names, as they stand in the certificate",
        )


def _password(document: Document, section: ConfigSection, directory: Path) -> Iterator[Problem]:
    name = section.mqtt.password_file
    path: DocPath = ("mqtt", "password_file")
    allowed = "a file that only its owner may read"
    if section.mqtt.username and not name:
        yield document.problem(
            path, "there is a username but no password_file", allowed, "add password_file, or remove username"
        )
    yield from _one_line(document, path, name, directory)


def _contacts(
    document: Document, checked: Checked[ConfigSection], section: ConfigSection, directory: Path
) -> Iterator[Problem]:
    for at, contact in enumerate(section.alarms.contacts):
        place = checked.place(("alarms", "contacts", at))
        yield from _secret(document, (*place, "secret_file"), contact.secret_file, directory)
        yield from _authorities(document, (*place, "ca_file"), contact.ca_file, directory)


def _authorities(document: Document, path: DocPath, name: str, directory: Path) -> Iterator[Problem]:
    if not name:
        return
    try:
        ssl.create_default_context(cafile=str(directory / name))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        yield document.problem(
            path, f"{name} can not be used: {reason}", "a PEM file with certificates", "name such a file"
        )


def _secret(document: Document, path: DocPath, name: str, directory: Path) -> Iterator[Problem]:
    allowed = "a file that only its owner may read"
    if not name:
        return
    file = directory / name
    try:
        mode = file.stat().st_mode
        read_bounded(file).decode()
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        yield document.problem(
            path, f"{name} can not be read: {reason}", allowed, "make it, and chmod 600 it"
        )
        return
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        what = f"{name} may be read by others (mode {stat.S_IMODE(mode):03o})"
        yield document.problem(path, what, allowed, f"chmod 600 {name}")


def _one_line(document: Document, path: DocPath, name: str, directory: Path) -> Iterator[Problem]:
    """Yield what is wrong with a secret that is sent as it stands, and so is a line: no key."""
    refused = list(_secret(document, path, name, directory))
    yield from refused
    if refused or not name:
        return
    secret = read_bounded(directory / name).decode().strip()
    if len(secret.splitlines()) != 1:
        what = f"{name} holds {'more than one line' if secret else 'nothing'}"
        yield document.problem(path, what, "a file with the secret in one line", f"write {name} anew")


def _data_dir(document: Document, section: ConfigSection, directory: Path) -> Iterator[Problem]:
    place = directory / section.data_dir
    if place.exists() and not place.is_dir():
        yield document.problem(
            ("data_dir",), f"{section.data_dir} is a file", "a directory", "name a directory or a new name"
        )


def _same_id(document: Document, pumps: list[tuple[DocPath, PumpSection]]) -> Iterator[Problem]:
    first: dict[str, DocPath] = {}
    for place, pump in pumps:
        if pump.id in first:
            yield document.problem(
                (*place, "id"),
                f"{pump.id} is taken by the pump on line {document.line((*first[pump.id], 'id'))}",
                "ids that are unique",
                "write this pump's own asset number",
            )
        first.setdefault(pump.id, place)


def _same_bed(document: Document, pumps: list[tuple[DocPath, PumpSection]]) -> Iterator[Problem]:
    """Two pumps may stand at one bed, but then the patient's label must agree."""
    labels: dict[tuple[str, str], tuple[str, DocPath]] = {}
    for place, pump in pumps:
        if not (pump.bed and pump.label):
            continue
        other, first = labels.setdefault((pump.ward, pump.bed), (pump.label, place))
        if other != pump.label:
            line = document.line((*first, "label"))
            yield document.problem(
                (*place, "label"),
                f"bed {pump.bed} has {other!r} on line {line}, and {pump.label!r} here",
                "one patient per bed",
                "mend the label or the bed",
            )
