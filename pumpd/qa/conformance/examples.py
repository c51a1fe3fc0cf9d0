"""A driver against the examples of its vendor's document, and against its own card."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pumpd.drivers.register_map import CompiledMap
from pumpd.drivers.register_reading import describe
from pumpd.protocols.registers import QUANTITIES, Example, RegisterMap
from pumpd.protocols.registers_codec import Replies, code_extractor, decoder, encoder, extractor
from pumpd.protocols.registers_fields import UnitField
from pumpd.protocols.registers_order import order_reader
from pumpd.protocols.registers_units import half_up
from pumpd.protocols.wire import DialectExample
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


def _sources(subject: Subject) -> Iterable[Example | DialectExample]:
    spec = subject.spec
    if spec.dialect is not None:
        return spec.dialect.examples
    return spec.register_map.examples if spec.register_map else ()


@once("example read", _sources)
def what_the_document_prints_is_read(subject: Subject, example: Example | DialectExample) -> None:
    """The document's raw words or bytes come out as the values that it prints."""
    if isinstance(example, DialectExample):
        _read_reply(subject, example)
        return
    register_map = _map_of(subject)
    compiled = CompiledMap(register_map)
    readings = compiled.decode(_replies(compiled, _words(register_map, example)))
    found = {str(reading.channel): describe(reading) for reading in readings}
    for channel, expected in example.expect.items():
        for name, value in expected.items():
            same(f"{example.source}: channel {channel}, {name}", found[channel][name], value)


@once("example written", _sources)
def what_the_document_prints_is_written(subject: Subject, example: Example | DialectExample) -> None:
    """The values that the document prints give its words or bytes again; a float the same number."""
    if isinstance(example, DialectExample):
        dialect = subject.spec.dialect
        assert dialect is not None
        same(f"{example.source}: the question", dialect.framer().encode(example.request), example.sent)
        return
    register_map = _map_of(subject)
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
                if code not in unit.codes:
                    continue  # without a unit it is no number
                unit = unit.codes[code]
            raw = extractor(slots[path], field.width, order)(replies)
            decode = decoder(field, QUANTITIES[part], unit)
            value = decode(raw).value
            if value is not None:
                written = encoder(field, QUANTITIES[part], unit)(value)
                what = f"{example.source}: {path} written"
                if QUANTITIES[part].exact:
                    again = decode(written).value if field.type == "f32" else written
                    same(what, again, value if field.type == "f32" else raw)
                else:
                    _near(
                        what, decode(written).value, value, half_up(field.step * QUANTITIES[part].units[unit])
                    )


def _near(what: str, again: int | None, value: int, step: int) -> None:
    """Demand the same number within one step of the register: in such a quantity pumpd rounds."""
    demand(again is not None and abs(again - value) <= max(step, 1), f"{what}: {again}, expected {value}")


@once("card")
def the_card_says_what_the_driver_can(subject: Subject, _: None) -> None:
    """What the card calls done the driver has, and what it does not call done it has not."""
    spec = subject.spec
    done = {name for name, ability in spec.card.capabilities.items() if ability.state == "done"}
    same("pause on the card", "pause" in done, bool(spec.pausable))
    same("lower rate on the card", "lower rate" in done, bool(spec.lowerable))
    same("writes on the card", bool(spec.card.writes), bool(spec.controls))
    if spec.register_map is not None:
        same("make", spec.card.make, spec.register_map.make)
        same("model", spec.card.model, spec.register_map.model)
    if not subject.channels:
        return  # without a simulator nobody says what the pump can tell
    for number in ("flow", "set flow", "volume", "volume to be infused", "pressure", "battery"):
        same(
            f"{number} on the card", number in done, any(number in s.steps for s in subject.channels.values())
        )
    same("alarms on the card", "alarms" in done, any(s.alarms for s in subject.channels.values()))


def _map_of(subject: Subject) -> RegisterMap:
    assert subject.spec.register_map is not None, "an example of words belongs to a map"
    return subject.spec.register_map


def _read_reply(subject: Subject, example: DialectExample) -> None:
    assert subject.spec.dialect is not None
    framer = subject.spec.dialect.framer()
    framer.encode(example.request)
    payload = framer.feed(example.received)
    if payload is None:
        raise AssertionError(f"{example.source}: no reply is found in {example.received.hex(' ')}")
    same(f"{example.source}: the reply", example.request.parse_reply(payload), example.meaning)
