"""The tables of docs/configuration.md, made from the models: ``python -m tests.config.keys`` prints them."""

from __future__ import annotations

from pydantic import BaseModel

from pumpd.config_alarms import AlarmsSection, ContactSection, EscalationSection
from pumpd.config_dashboard import DashboardSection, SessionsSection
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
    LinesSection,
    MachineSection,
    MqttSection,
    PumpSection,
    RecorderSection,
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
    "dashboard.sessions": SessionsSection,
    "lines": LinesSection,
    "machine": MachineSection,
    "recorder": RecorderSection,
    "alarms": AlarmsSection,
    "alarms.contacts[]": ContactSection,
    "alarms.escalation": EscalationSection,
    "pumps[]": PumpSection,
    "pumps[].programme": ProgrammeSection,
    "templates[]": TemplateSection,
    "operation": OperationSection,
    "drug-library.yaml": LibrarySection,
    "signatures[]": Signature,
    "entries[]": EntrySection,
    "entries[].concentrations[]": Strength,
    "entries[].weight": WeightSection,
    "entries[].weight.min": WeightBound,
    "entries[].dose_rate": DoseRateSection,
    "entries[].dose_rate.hard_max": Bound,
    "entries[].flow": FlowSection,
    "entries[].flow.hard_max": FlowBound,
    "entries[].bolus": BolusSection,
    "entries[].bolus.amount": AmountSection,
    "entries[].bolus.amount.hard_max": AmountBound,
    "entries[].total_dose[]": TotalSection,
    "entries[].duration": DurationSection,
    "entries[].duration.hard_max": MinutesBound,
    "entries[].volume": VolumeSection,
    "entries[].volume.hard_max": VolumeBound,
    "entries[].titration": TitrationSection,
    "entries[].observations": ObservationSection,
    "entries[].observations.during[]": IntervalSection,
    "entries[].advisories[]": AdvisorySection,
    "entries[].checklist[]": QuestionSection,
}


def table(model: type[BaseModel]) -> str:
    """Return the keys of ``model`` as a table: key, whether it must be there, meaning, example."""
    rows = ["| key | | what it is | example |", "|---|---|---|---|"]
    for key, field in model.model_fields.items():
        must = "must" if field.is_required() else ""
        example = f"`{field.examples[0]}`" if field.examples else ""
        rows.append(f"| `{key}` | {must} | {field.description} | {example} |")
    return "\n".join(rows)


if __name__ == "__main__":
    for name, model in TABLES.items():
        print(f"### {name}\n\n{table(model)}\n")
