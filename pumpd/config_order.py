"""What may be ordered to run: on a pump of the configuration, or as a template that a nurse begins with."""

from __future__ import annotations

from pydantic import Field

from pumpd.config_section import Section
from pumpd.core.infusion import Programme
from pumpd.fields import BodyWeight, Dose, DrugConcentration, Millilitres, Whole


class OrderSection(Section):
    """What is given, how much of it, and for how long."""

    drug: str = Field(min_length=1, description="a drug of the drug library", examples=["ketamine"])
    concentration: DrugConcentration = Field(
        description="a concentration such as 2 mg/mL, as in the drug library", examples=["2 mg/mL"]
    )
    care_area: str = Field(
        min_length=1, description="a care area of the drug library", examples=["pain-clinic"]
    )
    form: str = Field(
        default="", description="salt or isomer, where the library has several", examples=["racemic"]
    )
    indication: str = Field(
        default="",
        description="what it is given for, where the library has several",
        examples=["chronic pain"],
    )
    dose_min: Dose = Field(description="the lowest dose rate ordered", examples=["0.1 mg/kg/h"])
    dose_max: Dose = Field(description="the highest dose rate ordered", examples=["0.5 mg/kg/h"])
    volume: Millilitres | None = Field(
        default=None, description="the volume to be infused, in mL", examples=["50 mL"]
    )
    duration_min: Whole | None = Field(
        default=None, ge=1, le=2880, description="minutes it is meant to run, 1 to 2880", examples=[120]
    )


class ProgrammeSection(OrderSection):
    """What was ordered to run on a pump."""

    weight: BodyWeight | None = Field(
        default=None, description="the patient's weight in kg, where doses are per kg", examples=["70 kg"]
    )

    def programme(self) -> Programme:
        """Return it as the core's value; ValueError says what does not fit together."""
        return Programme(
            drug=self.drug,
            concentration=self.concentration,
            care_area=self.care_area,
            weight=self.weight,
            dose_min=self.dose_min,
            dose_max=self.dose_max,
            volume=self.volume,
            duration_s=None if self.duration_min is None else self.duration_min * 60,
            form=self.form,
            indication=self.indication,
        )


class TemplateSection(OrderSection):
    """What the clinic gives: a nurse begins with it, and types weight and patient."""

    name: str = Field(
        min_length=1,
        max_length=64,
        description="what nurses call it, unique",
        examples=["Ketamine, chronic pain"],
    )
    dose: Dose = Field(description="the dose rate to begin with, within the range", examples=["0.2 mg/kg/h"])
