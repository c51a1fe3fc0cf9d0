"""In which order a pump puts the bytes of a value: fixed by its map, or told by the pump in each cycle."""

from __future__ import annotations

from collections.abc import Callable

from pumpd.errors import WireError
from pumpd.protocols.registers import RegisterMap
from pumpd.protocols.registers_codec import Replies, code_extractor, extractor
from pumpd.protocols.registers_fields import ORDERS, Order, OrderField
from pumpd.protocols.registers_plan import ReadPlan


def order_reader(register_map: RegisterMap, read_plan: ReadPlan) -> Callable[[Replies], Order]:
    """Return what tells the byte order of a cycle.

    What is returned raises WireError when the pump says an order that the map does not know: values whose
    bytes may be exchanged are no values.
    """
    field = register_map.order
    if not isinstance(field, OrderField):
        fixed = field
        return lambda _replies: fixed
    slot = read_plan.slots["order"]
    if field.pattern is not None:
        constant = field.pattern
        views = {order: extractor(slot, 2, order) for order in ORDERS}

        def by_constant(replies: Replies) -> Order:
            for order, view in views.items():
                if view(replies) == constant:
                    return order
            raise WireError(
                f"byte order: the constant reads 0x{views['abcd'](replies):08X}, "
                f"which is 0x{constant:08X} in no order; the address base may be another: "
                "see `pumpd map read`"
            )

        return by_constant
    codes = field.codes
    pick = code_extractor(field, slot, "abcd")

    def by_code(replies: Replies) -> Order:
        code = pick(replies)
        if code not in codes:
            raise WireError(f"byte order: the pump says {code}, the map knows {sorted(codes)}")
        return codes[code]

    return by_code
