"""What a recipe makes of a photo of any size, and which recipes a site may ask for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nashr.domain.errors import Fault
from nashr.domain.recipe import RECIPE, TALLEST, Recipe, frame, read_recipe

SIDES = st.integers(1, 20_000)
FRACTIONS = st.floats(0, 1)


def faults_of(data: Any) -> list[str]:
    faults: list[Fault] = []
    read_recipe(data, "/images", faults)
    return [fault.pointer for fault in faults]


@given(SIDES, SIDES)
def test_nothing_is_enlarged(width: int, height: int) -> None:
    """No size is larger than the photo or than what the formats hold, and each can be made of the base."""
    base = RECIPE.base_width(width, height)
    assert base <= width
    for size in RECIPE.sizes_for(width, height):
        assert 1 <= size.width <= (width if size.crop is None else min(width, RECIPE.crop_width))
        assert 1 <= size.height <= max(TALLEST, RECIPE.crop_width)
        if size.crop is not None:
            box = frame(base, max(1, round(height * base / width)), size.crop)
            assert size.width <= box.width + 1


@given(SIDES, SIDES, FRACTIONS, FRACTIONS, st.sampled_from(RECIPE.crops))
def test_a_frame_lies_in_the_photo(width: int, height: int, x: float, y: float, name: str) -> None:
    """Whatever the point, the box is inside, touches two edges, and holds the point."""
    box = frame(width, height, name, focal=(x, y))
    assert box.left >= 0
    assert box.top >= 0
    assert box.left + box.width <= width
    assert box.top + box.height <= height
    assert box.width == width or box.height == height
    assert box.left - 1 <= x * width <= box.left + box.width + 1
    assert box.top - 1 <= y * height <= box.top + box.height + 1


def test_the_usual_photo() -> None:
    """Five widths and three crops, all out of a base as wide as the widest."""
    assert [size[:2] for size in RECIPE.sizes_for(6000, 4000)] == [
        (None, 320), (None, 640), (None, 960), (None, 1280), (None, 1920),
        ("16:9", 1200), ("4:3", 1200), ("1:1", 1200),
    ]  # fmt: skip
    assert RECIPE.base_width(6000, 4000) == 1920
    assert RECIPE.base_width(6000, 2000) == 3600  # the square needs 1200 pixels of height


def test_the_key_names_every_number() -> None:
    """Recipes that could give different bytes never share a key."""
    others = [
        Recipe(widths=(320,)), Recipe(crops=("1:1",)), Recipe(crop_width=1000),
        Recipe(quality="high"), Recipe(avif=False),
    ]  # fmt: skip
    assert len({RECIPE.key, *(one.key for one in others)}) == len(others) + 1


def test_a_site_names_what_differs() -> None:
    """What the table leaves out is as usual."""
    faults: list[Fault] = []
    found = read_recipe({"widths": [400, 800], "avif": False}, "/images", faults)
    assert faults == []
    assert found == Recipe(widths=(400, 800), avif=False)


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ([], "/images"),
        ({"width": [320]}, "/images/width"),
        ({"widths": []}, "/images/widths"),
        ({"widths": [320, 320]}, "/images/widths"),
        ({"widths": [320.5]}, "/images/widths"),
        ({"widths": [True]}, "/images/widths"),
        ({"widths": list(range(100, 1000, 100))}, "/images/widths"),
        ({"widths": [100_000]}, "/images/widths"),
        ({"crops": ["wide"]}, "/images/crops"),
        ({"crops": ["16:0"]}, "/images/crops"),
        ({"crops": ["1:100"]}, "/images/crops"),
        ({"crops": [1.5]}, "/images/crops"),
        ({"crop_width": 0}, "/images/crop_width"),
        ({"quality": "best"}, "/images/quality"),
        ({"quality": []}, "/images/quality"),
        ({"avif": "yes"}, "/images/avif"),
    ],
)
def test_a_wrong_field_is_named(data: Any, pointer: str) -> None:
    """Each fault points at its field."""
    assert faults_of(data) == [pointer]
