"""The catalogue: every alarm condition, declared once, with the words a nurse reads."""

from __future__ import annotations

from pumpd.core.catalogue_delivery import OF_DELIVERY
from pumpd.core.catalogue_dose import OF_DOSE
from pumpd.core.catalogue_infusion import OF_INFUSION
from pumpd.core.catalogue_node import OF_NODE
from pumpd.core.catalogue_pump import OF_PUMP
from pumpd.core.catalogue_watching import OF_WATCHING
from pumpd.core.conditions import AlarmCondition, ConditionId

CATALOGUE: dict[ConditionId, AlarmCondition] = {
    c.id: c for c in (*OF_DOSE, *OF_DELIVERY, *OF_INFUSION, *OF_PUMP, *OF_WATCHING, *OF_NODE)
}
"""Every condition by its id; a test holds it complete."""
