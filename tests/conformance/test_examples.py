"""Every driver against the examples of its own map, which name their source."""

import pytest

from pumpd.drivers.register_map import CompiledMap
from pumpd.drivers.register_reading import describe
from pumpd.drivers.registry import shipped
from pumpd.protocols.maps import shipped_map, shipped_names
from pumpd.protocols.registers import QUANTITIES, Example, RegisterMap
from pumpd.protocols.registers_codec import decoder, encoder, words_of
from pumpd.protocols.registers_plan import Read

EXAMPLES = [
    pytest.param(shipped_map(name), example, id=f"{name}: {example.source}")
    for name in shipped_names()
    for example in shipped_map(name).examples
]


def replies_to(register_map: RegisterMap, example: Example, reads: tuple[Read, ...]) -> list[list[int]]:
    words: dict[tuple[int, int], int] = {
        (part.function, register_map.pdu(part.start) + index): word
        for part in example.raw
        for index, word in enumerate(part.words)
    }
    return [[words[read.function, read.start + at] for at in range(read.count)] for read in reads]


@pytest.mark.parametrize(("register_map", "example"), EXAMPLES)
def test_raw_words_of_the_document_decode_to_the_values_it_prints(register_map, example):
    """The document's own words come out as the document's own values."""
    compiled = CompiledMap(register_map)
    readings = compiled.decode(replies_to(register_map, example, compiled.reading_plan.reads))
    found = {reading.channel: describe(reading) for reading in readings}
    for channel, expected in example.expect.items():
        assert {name: found[channel][name] for name in expected} == expected


def test_every_map_has_a_card_and_every_card_a_map():
    """No pump model ships without saying who verified it and how."""
    assert {spec.card.register_map for spec in shipped().values()} == set(shipped_names())


@pytest.mark.parametrize("spec", shipped().values(), ids=list(shipped()))
def test_a_card_declares_a_pause_exactly_where_the_map_has_one(spec):
    """A card can not promise a pause that the driver has not, or hide one that it has."""
    assert (spec.card.capabilities["pause"].state == "done") is bool(spec.pausable)
    assert bool(spec.controls) is bool(spec.card.writes)


@pytest.mark.requirement("MAP-2")
@pytest.mark.parametrize(("register_map", "example"), EXAMPLES)
def test_the_values_of_the_document_encode_to_its_raw_words(register_map, example):
    """Read backwards, each number that the document prints gives the very words it prints."""
    assert register_map.order == "abcd", "this test reads words in one order"
    raw = {
        (part.function, part.start + index): word
        for part in example.raw
        for index, word in enumerate(part.words)
    }
    tried = 0
    for channel in register_map.channels.values():
        for name, field in channel.numbers():
            words = tuple(raw[field.function, field.address + at] for at in range(field.width))
            pattern = int.from_bytes(b"".join(word.to_bytes(2, "big") for word in words), "big")
            measured = decoder(field, QUANTITIES[name], field.unit)(pattern)
            if measured.value is not None:
                assert (
                    words_of(
                        encoder(field, QUANTITIES[name], field.unit)(measured.value), field.width, "abcd"
                    )
                    == words
                )
                tried += 1
    assert tried
