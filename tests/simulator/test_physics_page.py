"""docs/physics.md and its pictures say what the model computes."""

import xml.etree.ElementTree as ET

import pytest

from tests.simulator import physics_page

pytestmark = pytest.mark.requirement("SIM-5")


def test_the_figures_of_the_page_are_computed():
    """``python -m tests.simulator.physics_page`` would change nothing."""
    text = physics_page.PAGE.read_text(encoding="utf-8")
    assert physics_page.page(text) == text


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("start-up-and-trumpet", physics_page.start_up_and_trumpet),
        ("second-hour-accuracy", physics_page.second_hour_accuracy),
        ("occlusion-pressure", physics_page.occlusion_pressure),
    ],
)
def test_the_pictures_are_drawn_from_the_model(name, drawn):
    """The file is what the model draws, and it is a picture: well-formed, small, with a title and lines."""
    text = (physics_page.PICTURES / f"{name}.svg").read_text(encoding="utf-8")
    assert text == drawn()
    root = ET.fromstring(text)
    kinds = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert kinds.count("polyline") >= 2
    assert "title" in kinds
    assert len(text) < 20_000
