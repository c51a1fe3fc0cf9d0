"""Registers to numbers and back, exactly."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from fractions import Fraction

from pumpd.core.telemetry import Measured, missing
from pumpd.protocols.registers_fields import WIDTHS, Code, NumberField, Order, TextField
from pumpd.protocols.registers_plan import Slot
from pumpd.protocols.registers_units import Quantity, half_up

Replies = Sequence[Sequence[int]]
"""The words (or bits) of each reply of one cycle, in the order of the plan."""
Extract = Callable[[Replies], int]
"""Picks the raw pattern of one value out of the replies."""


def swap_bytes(word: int) -> int:
    """Return a register with its two bytes exchanged."""
    return (word >> 8) | (word & 0xFF) << 8


def extractor(slot: Slot, width: int, order: Order) -> Extract:
    """Return what picks a value of ``width`` registers at ``slot`` in byte order ``order``."""
    reply, first = slot.reply, slot.at
    swapped = order in {"badc", "dcba"}
    if width == 1:
        if swapped:
            return lambda replies: swap_bytes(replies[reply][first])
        return lambda replies: replies[reply][first]
    high, low = (first, first + 1) if order in {"abcd", "badc"} else (first + 1, first)

    if swapped:

        def pick_swapped(replies: Replies) -> int:
            words = replies[reply]
            return swap_bytes(words[high]) << 16 | swap_bytes(words[low])

        return pick_swapped

    def pick(replies: Replies) -> int:
        words = replies[reply]
        return words[high] << 16 | words[low]

    return pick


def code_extractor(field: Code, slot: Slot, order: Order) -> Extract:
    """Return what picks a code; a bit comes as 0 or 1."""
    if field.type not in {"bit", "bits"}:
        return extractor(slot, field.width, order)
    reply, at = slot.reply, slot.at
    if field.count is not None:
        end = at + field.count
        return lambda replies: sum(int(bit) << n for n, bit in enumerate(replies[reply][at:end]))
    if field.bit is None:
        return lambda replies: int(replies[reply][at])
    shift = field.bit
    word = extractor(slot, 1, order)
    return lambda replies: word(replies) >> shift & 1


def words_of(pattern: int, width: int, order: Order) -> tuple[int, ...]:
    """Return ``pattern`` as it stands in ``width`` registers; the inverse of ``extractor``."""
    if order == "abcd":
        return (pattern,) if width == 1 else (pattern >> 16, pattern & 0xFFFF)
    words = [pattern] if width == 1 else [pattern >> 16, pattern & 0xFFFF]
    if order in {"badc", "dcba"}:
        words = [swap_bytes(word) for word in words]
    return tuple(words if order in {"abcd", "badc"} else reversed(words))


def words_of_code(field: Code, code: int, order: Order) -> tuple[int, ...]:
    """Return ``code`` as it stands in the coils or registers of ``field``; a bit of a register alone."""
    if field.count is not None:
        return tuple(code >> n & 1 for n in range(field.count))
    return (code,) if field.type == "bit" else words_of(code, field.width, order)


def text_of(words: Sequence[int], order: Order) -> str:
    """Return the text in ``words``, up to the first NUL, without blanks around it.

    What can not be seen comes as U+FFFD: it goes to terminals and screens.
    """
    swapped = order in {"badc", "dcba"}
    raw = b"".join((swap_bytes(w) if swapped else w).to_bytes(2, "big") for w in words)
    text = raw.split(b"\0")[0].decode("ascii", "replace").strip()
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def words_of_text(text: str, field: TextField, order: Order) -> tuple[int, ...]:
    """Return ``text`` as it stands in the registers of ``field``; ValueError when it does not fit."""
    raw = text.encode("ascii")
    if len(raw) > 2 * field.length:
        raise ValueError(f"{text!r} does not fit in {field.length} registers")
    raw = raw.ljust(2 * field.length, b"\0")
    swapped = order in {"badc", "dcba"}
    words = [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]
    return tuple(swap_bytes(word) if swapped else word for word in words)


def decoder(field: NumberField, quantity: Quantity, unit: str) -> Callable[[int], Measured[int]]:
    """Return what turns a raw pattern into counts of ``quantity``; INVALID outside the range."""
    per = quantity.units[unit]
    range_unit = field.range_unit or unit
    in_range = quantity.units[range_unit]
    least = math.ceil(Fraction(field.range[0]) * in_range)
    greatest = math.floor(Fraction(field.range[1]) * in_range)
    if quantity.exact:
        least = max(least, 0)
    allowed = f"{field.range[0]} to {field.range[1]} {range_unit}"
    no_value = frozenset(field.no_value)
    digits = 4 * WIDTHS[field.type]

    def judged(pattern: int, counts: int) -> Measured[int]:
        if least <= counts <= greatest:
            return Measured.valid(counts)
        shown = f"{float(counts / per):.6g} {unit}"
        return Measured.invalid(f"0x{pattern:0{digits}X} ({shown}), allowed {allowed}")

    if field.type == "f32":
        assert field.resolution is not None
        resolution = Fraction(field.resolution)
        steps = Fraction(field.scale) / resolution
        per_step = resolution * per

        def of_float(pattern: int) -> Measured[int]:
            if pattern in no_value:
                return missing()
            value: float = struct.unpack(">f", pattern.to_bytes(4, "big"))[0]
            if not math.isfinite(value):
                if field.not_a_number == "missing":
                    return missing()
                return Measured.invalid(f"0x{pattern:08X} is not a number")
            return judged(pattern, half_up(half_up(Fraction(value) * steps) * per_step))

        return of_float

    sign = 1 << (16 * WIDTHS[field.type] - 1) if field.type in {"i16", "i32"} else 0
    factor = Fraction(field.scale) * per
    top, bottom = factor.numerator, factor.denominator

    def of_integer(pattern: int) -> Measured[int]:
        if pattern in no_value:
            return missing()
        raw = (pattern ^ sign) - sign
        return judged(pattern, raw * top if bottom == 1 else (2 * raw * top + bottom) // (2 * bottom))

    return of_integer


def encoder(field: NumberField, quantity: Quantity, unit: str) -> Callable[[int], int]:
    """Return what turns counts into the raw pattern, clamped to the field's type.

    The inverse of ``decoder`` for what the field can show; rounded down to its step, as a counter shows what
    it has finished.
    """
    step = field.step * quantity.units[unit]
    top, bottom = step.numerator, step.denominator
    per_step = field.step / Fraction(field.scale)
    if field.type == "f32":

        def to_float(counts: int) -> int:
            value = float(counts * bottom // top * per_step)
            return int.from_bytes(struct.pack(">f", value), "big")

        return to_float

    bits = 16 * WIDTHS[field.type]
    signed = field.type in {"i16", "i32"}
    least, greatest = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    mask = (1 << bits) - 1
    many, parts = per_step.numerator, per_step.denominator

    def to_integer(counts: int) -> int:
        raw = counts * bottom // top * many // parts
        if raw > greatest:
            return greatest
        return (max(raw, least)) & mask

    return to_integer
