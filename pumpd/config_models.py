"""The shape of ``pumpd.yaml``: one field, one sentence, one example."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pumpd.config_alarms import AlarmsSection
from pumpd.config_dashboard import DashboardSection
from pumpd.config_history import HistorySection
from pumpd.config_operation import OperationSection
from pumpd.config_order import ProgrammeSection, TemplateSection
from pumpd.config_section import Section
from pumpd.config_trials import TrialSection
from pumpd.config_trust import TrustedSection
from pumpd.core.occlusion import Line, line_of
from pumpd.core.restraint_gate import Enforcement
from pumpd.core.telemetry import ChannelId
from pumpd.fields import (
    Flag,
    Flow,
    Number,
    TopicId,
    Whole,
    refused,
)
from pumpd.syslog import LOCAL


class MqttSection(Section):
    """Where the broker is."""

    host: str = Field(
        default="127.0.0.1",
        description="the broker's host; another machine needs ca_file, and an account or a certificate",
        examples=["127.0.0.1"],
    )
    port: Whole = Field(default=1883, ge=1, le=65535, description="a TCP port, 1 to 65535", examples=[1883])
    keepalive_s: Whole = Field(
        default=4,
        ge=1,
        le=60,
        description="seconds without traffic after which the link is tested, 1 to 60",
        examples=[4],
    )
    username: str = Field(
        default="", description="the account at the broker; empty for none", examples=["pumpd"]
    )
    password_file: str = Field(
        default="",
        description="a file that holds the password, readable by its owner only; relative to this file",
        examples=["mqtt-password"],
    )
    ca_file: str = Field(
        default="",
        description="a file with the certificates that vouch for the broker, for TLS; empty: in the clear",
        examples=["broker/ca.pem"],
    )
    certificate_file: str = Field(
        default="", description="a certificate to show to the broker; empty for none", examples=["node.pem"]
    )
    certificate_key_file: str = Field(
        default="",
        description="the private key of that certificate, readable by its owner only",
        examples=["node.key"],
    )


class RecorderSection(Section):
    """What is kept of what pumps said and pumpd decided; see ``pumpd replay``."""

    mib_per_pump: Whole = Field(
        default=16,
        ge=0,
        le=1024,
        description="what recordings may take of the disk for each pump, 0 to 1024 MiB; 0 records nothing",
        examples=[16],
    )


class MachineSection(Section):
    """What is asked of the machine that pumpd runs on."""

    least_free_mib: Whole = Field(
        default=1024,
        ge=0,
        le=1_048_576,
        description="what must be free on the disk of data_dir, in MiB; less is an alarm; 0 watches nothing",
        examples=[1024],
    )
    time_server: Flag = Field(
        default=True,
        description="true where the machine follows a time server: when it does not, it is an alarm",
        examples=["true"],
    )


class LinesSection(Section):
    """What holds for every line to a pump."""

    latency_ms: Whole = Field(
        default=20,
        ge=0,
        le=5000,
        description="what the network adds to a pump's reply, 0 to 5000 ms",
        examples=[20],
    )


class PumpSection(Section):
    """One pump: the asset, its port, its bed."""

    id: TopicId = Field(description="the pump's asset number, unique on the site", examples=["PUMP-01"])
    url: str = Field(
        min_length=1,
        description="the line and address, such as modbus-tcp://10.0.0.5:502/1",
        examples=["modbus-rtu:///dev/ttyUSB0/1?baud=19200"],
    )
    driver: str = Field(
        min_length=1, description="a driver of `pumpd drivers list`", examples=["reference-pump"]
    )
    channels: tuple[ChannelId, ...] = Field(
        default=(),
        description="of a rack: the places whose pumps are watched; empty: its first place",
        examples=['["11", "12"]'],
    )
    bed: str = Field(
        default="",
        max_length=32,
        description="the bed, as a nurse says it, at most 32 letters",
        examples=['"1"'],
    )
    ward: str = Field(default="", max_length=64, description="the ward", examples=["pain-clinic"])
    label: str = Field(
        default="",
        max_length=32,
        description="what tells patients apart, such as initials, at most 32 letters",
        examples=["B.K."],
    )
    real: Flag = Field(
        default=False, description="true only for a pump on a patient or a real bench", examples=["false"]
    )
    serial_number: str = Field(
        default="", description="the serial number that must answer; empty for any", examples=['"A1234"']
    )
    poll_interval_s: Number = Field(
        default=1, ge=0.1, le=60, description="seconds between readings, 0.1 to 60", examples=[1]
    )
    stale_after_s: Number | None = Field(
        default=None,
        gt=0,
        le=120,
        description="seconds after which a reading is stale, up to 120",
        examples=[5],
    )
    enforcement: Enforcement = Field(
        default=Enforcement.ALARM, description="alarm, cap or pause", examples=["alarm"]
    )
    ceiling: Flow | None = Field(
        default=None, description="the highest flow this pump may ever give, in mL/h", examples=["60 mL/h"]
    )
    syringe_ml: Literal[10, 20, 30, 50] | None = Field(
        default=None,
        description="the syringe's size, 10, 20, 30 or 50; without it a rising pressure is not told",
        examples=[50],
    )
    occlusion_alarm_kpa: Number | None = Field(
        default=None,
        ge=5,
        le=300,
        description="the line pressure at which the pump itself alarms, in kPa, 5 to 300",
        examples=[100],
    )
    programme: ProgrammeSection | None = Field(default=None, description="what was ordered to run")

    def line(self) -> Line | None:
        """Return what is known of syringe and line, None unless both keys say it."""
        if self.syringe_ml is None or self.occlusion_alarm_kpa is None:
            return None
        return line_of(self.syringe_ml, round(self.occlusion_alarm_kpa * 10))


def _not_empty(pumps: tuple[PumpSection, ...]) -> tuple[PumpSection, ...]:
    if not pumps:
        raise refused(
            "there are no pumps", "a list of one or more pumps", "add a pump with id, url and driver"
        )
    return pumps


class ConfigSection(Section):
    """The whole file."""

    site: TopicId = Field(description="the site's name in topics", examples=["clinic"])
    node: TopicId = Field(description="this daemon's name in topics", examples=["ward-a"])
    data_dir: str = Field(
        min_length=1,
        description="a directory for journal.db and history.db, relative to this file",
        examples=["../var"],
    )
    mqtt: MqttSection = Field(default_factory=MqttSection, description="where the broker is")
    history: HistorySection = Field(default_factory=HistorySection, description="where readings are kept")
    library: str = Field(
        min_length=1,
        description="the drug library's file, relative to this file",
        examples=["drug-library.yaml"],
    )
    dashboard: DashboardSection = Field(
        default_factory=DashboardSection, description="where the dashboard listens"
    )
    dashboards: tuple[TrustedSection, ...] = Field(
        default=(),
        description="the dashboards that this daemon listens to; empty: the one of this file",
    )
    trials: tuple[TrialSection, ...] = Field(default=(), description="signed trials that are relied on")
    fleet: str = Field(
        default="",
        description="a CSV file with every pump of the house, relative to this file; empty: none is known",
        examples=["fleet.csv"],
    )
    lines: LinesSection = Field(default_factory=LinesSection, description="what holds for every line")
    syslog: str = Field(
        default=LOCAL,
        pattern=r"^(/[^\x00]{1,107}|\[?[A-Za-z0-9.:-]{1,253}\]?:[0-9]{1,5})$",
        description="where syslog listens: the path of its socket, or host:port for UDP",
        examples=["/dev/log"],
    )
    recorder: RecorderSection = Field(
        default_factory=RecorderSection, description="what is kept of what pumps said and pumpd decided"
    )
    alarms: AlarmsSection = Field(
        default_factory=AlarmsSection, description="how long alarms may be quieted, and who is called"
    )
    machine: MachineSection = Field(
        default_factory=MachineSection, description="what is asked of the machine that pumpd runs on"
    )
    operation: OperationSection = Field(
        default_factory=OperationSection, description="where the daemon tells its health and metrics"
    )
    templates: tuple[TemplateSection, ...] = Field(
        default=(), description="a list of what the clinic gives, for nurses to begin with"
    )
    changed_by: str = Field(
        default="",
        max_length=64,
        description="who changed this file or the drug library last, for the journal; empty: whom the file"
        " belongs to",
        examples=["E. Engineer"],
    )
    changed_why: str = Field(
        default="",
        max_length=200,
        description="why, for the journal",
        examples=["new pump at bed 4"],
    )
    pumps: Annotated[tuple[PumpSection, ...], AfterValidator(_not_empty)] = Field(
        description="a list of one or more pumps"
    )
