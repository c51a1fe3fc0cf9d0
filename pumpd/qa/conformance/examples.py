"""A driver against the examples of its vendor's document, and against its own card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pumpd.drivers.register_map import CompiledMap
from pumpd.drivers.register_reading import describe
from pumpd.protocols.registers import QUANTITIES, Example, RegisterMap
from pumpd.protocols.registers_codec import Replies, code_extractor, decoder, encoder, extractor
from pumpd.protocols.registers_fields import UnitField
from pumpd.protocols.registers_order import order_reader
from pumpd.qa.conformance.family import demand, once, same
from pumpd.qa.conformance.subject import Subject


def _words(register_map: RegisterMap, example: Example) -> dict[tuple[int, int], int]:
    """Return (function, PDU address) -> raw word of an example."""
    return {
        (part.function, register_map.pdu(part.start) + at): word
        for part in example.raw
        for at, word in enumerate(part.words)
    }


def _replies(compiled: CompiledMap, words: Mapping[tuple[int, int], int]) -> Replies:
    """Return the example as replies to one reading; a word that it does not print is 0."""
    return [
        [words.get((read.function, read.start + at), 0) for at in range(read.count)]
        for read in compiled.reading_plan.reads
    ]


def _sources(subject: Subject) -> Iterable[Example]:
    return subject.spec.register_map.examples


@once("example read", _sources)
def raw_words_read_as_the_document_prints(subject: Subject, example: Example) -> None:
    """The document's raw words come out as the values that it prints."""
    register_map = subject.spec.register_map
    compiled = CompiledMap(register_map)
    readings = compiled.decode(_replies(compiled, _words(register_map, example)))
    found = {str(reading.channel): describe(reading) for reading in readings}
    for channel, expected in example.expect.items():
        for name, value in expected.items():
            same(f"{example.source}: channel {channel}, {name}", found[channel][name], value)


@once("example written", _sources)
def values_write_as_the_document_prints(subject: Subject, example: Example) -> None:
    """The numbers that the document prints give its raw words again; a float gives the same number."""
    register_map = subject.spec.register_map
    compiled = CompiledMap(register_map)
    replies = _replies(compiled, _words(register_map, example))
    order = order_reader(register_map, compiled.reading_plan)(replies)
    slots = compiled.reading_plan.slots
    for name, channel in register_map.channels.items():
        for part, field in channel.numbers():
            path = f"channels.{name}.{part}"
            unit = field.unit
            if isinstance(unit, UnitField):
                code = code_extractor(unit, slots[f"{path}.unit"], order)(replies)
                demand(code in unit.codes, f"{example.source}: {path}: unit code {code} is not in the map")
                unit = unit.codes[code]
            raw = extractor(slots[path], field.width, order)(replies)
            decode = decoder(field, QUANTITIES[part], unit)
            value = decode(raw).value
            if value is not None:
                written = encoder(field, QUANTITIES[part], unit)(value)
                again = decode(written).value if field.type == "f32" else written
                same(f"{example.source}: {path} written", again, value if field.type == "f32" else raw)


@once("card")
def the_card_says_what_the_driver_can(subject: Subject, _: None) -> None:
    """What the card calls done the driver has, and what it does not call done it has not."""
    spec = subject.spec
    done = {name for name, ability in spec.card.capabilities.items() if ability.state == "done"}
    for number in ("flow", "set flow", "volume", "volume to be infused", "pressure", "battery"):
        same(
            f"{number} on the card", number in done, any(number in s.steps for s in subject.channels.values())
        )
    same("pause on the card", "pause" in done, bool(spec.pausable))
    same("alarms on the card", "alarms" in done, any(s.alarms for s in subject.channels.values()))
    same("writes on the card", bool(spec.card.writes), bool(spec.controls))
    same("make", spec.card.make, spec.register_map.make)
    same("model", spec.card.model, spec.register_map.model)
