"""What the clinic gives, for a page to begin with: the templates beside what the library asks."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from pumpd.config import Config
from pumpd.config_order import TemplateSection
from pumpd.core.drug_library import DrugLibrary
from pumpd.core.quantities import Volume

_DIGITS = 6


class TemplateOrder(BaseModel):
    """An order as a page sends it back; ``weight_kg`` is for a nurse to type."""

    drug: str
    concentration: str
    care_area: str
    form: str
    indication: str
    weight_kg: None = None
    dose: str
    dose_min: str
    dose_max: str
    dose_unit: str
    volume_ml: str | None
    duration_min: int | None


class TemplateQuestion(BaseModel):
    """One question of the library's checklist."""

    ask: str
    second_person: bool


class Template(BaseModel):
    """One of the things that the clinic gives."""

    name: str
    order: TemplateOrder
    checklist: list[TemplateQuestion]
    advisories: list[str]
    second_check: bool


def templates_of(config: Config) -> tuple[Template, ...]:
    """Return the configuration's templates, each with what the library asks before it begins."""
    return tuple(_template(section, config.library) for section in config.templates)


def _template(section: TemplateSection, library: DrugLibrary) -> Template:
    entry = library.lookup(
        section.drug, section.concentration, section.care_area, section.form, section.indication
    )
    assert entry is not None, "a configuration with a template outside the library does not load"
    volume: Volume | None = section.volume
    return Template(
        name=section.name,
        order=TemplateOrder(
            drug=section.drug,
            concentration=str(section.concentration),
            care_area=section.care_area,
            form=section.form,
            indication=section.indication,
            dose=section.dose.digits(_DIGITS),
            dose_min=section.dose_min.digits(_DIGITS),
            dose_max=section.dose_max.digits(_DIGITS),
            dose_unit=section.dose.unit.value,
            volume_ml=None if volume is None else volume.ml,
            duration_min=section.duration_min,
        ),
        checklist=[
            TemplateQuestion(ask=each.ask, second_person=each.second_person) for each in entry.checklist
        ],
        advisories=list(entry.advisories),
        second_check=entry.second_check,
    )


def make_templates_router(templates: tuple[Template, ...]) -> APIRouter:
    """Return ``GET /api/templates``."""
    router = APIRouter()

    @router.get("/api/templates")
    async def all_templates() -> list[Template]:
        """Return what a nurse may begin with."""
        return list(templates)

    return router
