"""How urgent the cards are that a page asks for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from nashr.steps import Priority
from nashr_delivery.handlers import _urgency


@pytest.mark.parametrize(
    ("state", "delivery", "expected"),
    [
        ("running", Priority.breaking, Priority.breaking),
        ("running", Priority.bulk, Priority.breaking),
        ("live", Priority.breaking, Priority.normal),
        ("live", Priority.normal, Priority.normal),
        ("live", Priority.bulk, Priority.bulk),
    ],
)
def test_an_archive_drawn_anew_goes_after_the_news(state: str, delivery: int, expected: int) -> None:
    """A publication's cards are as urgent as it; those of a page that goes out in bulk are bulk work."""
    publication = SimpleNamespace(state=state, priority=Priority.breaking)
    loaded: Any = SimpleNamespace(shown=SimpleNamespace(publication=publication))
    assert _urgency(loaded, delivery) == expected
