"""The tables of docs/configuration.md, made from the models: ``python -m tests.config.keys`` prints them."""

from __future__ import annotations

from pydantic import BaseModel

from pumpd.config_alarms import AlarmsSection, ContactSection, EscalationSection
from pumpd.config_history import HistorySection
from pumpd.config_library_models import (
    AdvisorySection,
    AmountBound,
    AmountSection,
    BolusSection,
    Bound,
    DoseRateSection,
    DurationSection,
    EntrySection,
    FlowBound,
    FlowSection,
    IntervalSection,
    LibrarySection,
    MinutesBound,
    ObservationSection,
    QuestionSection,
    Signature,
    Strength,
    TitrationSection,
    TotalSection,
    VolumeBound,
    VolumeSection,
    WeightBound,
    WeightSection,
)
from pumpd.config_models import (
    ConfigSection,
    DashboardSection,
    LinesSection,
    MachineSection,
    MqttSection,
    PumpSection,
    RecorderSection,
    SessionsSection,
)
from pumpd.config_operation import OperationSection
from pumpd.config_order import ProgrammeSection, TemplateSection
from pumpd.config_trials import TrialSection
from pumpd.config_trust import TrustedSection

TABLES: dict[str, type[BaseModel]] = {
    "pumpd.yaml": ConfigSection,
    "mqtt": MqttSection,
    "history": HistorySection,
    "dashboard": DashboardSection,
    "dashboards[]": TrustedSection,
    "trials[]": TrialSection,
