"""The configuration: YAML checked by pydantic, every problem at once, before anything starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pumpd.config_alarms import AlarmsSection
from pumpd.config_check import cross_problems
from pumpd.config_dashboard import DashboardSection
from pumpd.config_fleet import read_fleet
from pumpd.config_history import HistorySection
from pumpd.config_library import check_library, drugs_named
from pumpd.config_models import (
    ConfigSection,
    LinesSection,
    MachineSection,
    MqttSection,
    PumpSection,
    RecorderSection,
)
from pumpd.config_operation import OperationSection
from pumpd.config_order import TemplateSection
from pumpd.config_trust import TrustedSection, default_key_file
from pumpd.core.drug_library import DrugLibrary
from pumpd.document import read_bounded, read_document
from pumpd.document_check import check, in_order
from pumpd.drivers.fleet import Fleet
from pumpd.drivers.trial import Trial
from pumpd.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Config:
    """A configuration without a known fault, with its drug library."""

    file: Path
    sha256: str
    """Hash of the file's bytes, in hex."""
    site: str
    node: str
    data_dir: Path
    """Absolute; it may not exist yet."""
    mqtt: MqttSection
    history: HistorySection
    library: DrugLibrary
    library_file: Path
    dashboard: DashboardSection
    lines: LinesSection
    syslog: str
    pumps: tuple[PumpSection, ...]
    recorder: RecorderSection = field(default_factory=RecorderSection)
    alarms: AlarmsSection = field(default_factory=AlarmsSection)
    machine: MachineSection = field(default_factory=MachineSection)
    templates: tuple[TemplateSection, ...] = ()
    operation: OperationSection = field(default_factory=OperationSection)
    dashboards: tuple[TrustedSection, ...] = ()
    trials: tuple[Trial, ...] = ()
    fleet: Fleet | None = None
    """The pumps of the house; None where no file names them."""
    fleet_file: Path | None = None

    @property
    def dashboard_key_file(self) -> Path:
        """Where the private key of this file's own dashboard lies; it may not exist yet."""
        if self.dashboard.key_file:
            return self.file.parent / self.dashboard.key_file
        return default_key_file(self.data_dir, self.dashboard.id)

    @property
    def dashboard_certificate(self) -> tuple[Path, Path] | None:
        """What the dashboard shows to browsers, and its private key; None where it speaks no TLS."""
        if not self.dashboard.certificate_file:
            return None
        here = self.file.parent
        return here / self.dashboard.certificate_file, here / self.dashboard.certificate_key_file

    @property
    def journal_file(self) -> Path:
        """Where the daemon keeps alarms, acknowledgements and what was done."""
        return self.data_dir / "journal.db"

    @property
    def history_file(self) -> Path:
        """Where the embedded history keeps readings."""
        return self.data_dir / "history.db"

    @property
    def people_file(self) -> Path:
        """Where the dashboard keeps accounts, sessions and screens."""
        return self.data_dir / "people.db"

    def mqtt_password(self) -> str | None:
        """Return the broker's password, None when there is none; it is never kept or shown."""
        if not self.mqtt.password_file:
            return None
        return read_bounded(self.file.parent / self.mqtt.password_file).decode().strip()

    def history_token(self) -> str:
        """Return the secret of the history's server, empty when there is none; never kept or shown."""
        if not self.history.token_file:
            return ""
        return read_bounded(self.file.parent / self.history.token_file).decode().strip()


def load(file: Path, fleet: Path | None = None) -> Config:
    """Return what ``file`` says; ConfigError names every problem in it and in the files it names.

    ``fleet`` is read in the place of the table that it names.
    """
    document = read_document(file)
    checked = check(document, ConfigSection)
    if checked.model is None:
        raise ConfigError(checked.problems)
    section = checked.model
    problems = list(checked.problems)
    said = {problem.path for problem in problems}
    library_file = file.parent / section.library
    library: DrugLibrary | None = None
    doubtful: frozenset[str] = frozenset()
    if "library" not in said:
        library_document = read_document(library_file)
        library, found = check_library(library_document)
        doubtful = drugs_named(library_document) if found else doubtful
        if library_document.sha256:
            problems += found
        else:
            what = f"the drug library {section.library} can not be read: {found[0].what.split(': ')[-1]}"
            remedy = "name the library's file, relative to this file"
            problems.append(document.problem(("library",), what, found[0].allowed, remedy))
    problems += [
        problem
        for problem in cross_problems(document, checked, library, doubtful, file.parent, fleet)
        if problem.path not in said
    ]
    if problems:
        raise ConfigError(in_order(problems))
    assert library is not None
    fleet_file = file.parent / section.fleet if section.fleet else None
    return Config(
        file=file,
        sha256=document.sha256,
        site=section.site,
        node=section.node,
        data_dir=(file.parent / section.data_dir).resolve(),
        mqtt=section.mqtt,
        history=section.history,
        library=library,
        library_file=library_file,
        dashboard=section.dashboard,
        lines=section.lines,
        syslog=section.syslog,
        pumps=section.pumps,
        recorder=section.recorder,
        alarms=section.alarms,
        machine=section.machine,
        templates=section.templates,
        operation=section.operation,
        dashboards=section.dashboards,
        trials=tuple(each.trial(file.parent) for each in section.trials),
        fleet=None if fleet_file is None else read_fleet(fleet or fleet_file, str(fleet_file)).fleet,
        fleet_file=fleet_file,
    )
