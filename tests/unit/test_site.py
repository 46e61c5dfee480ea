"""What a site's TOML may say of its sections."""

from __future__ import annotations

from typing import Any

import pytest
from nashr.domain.errors import Refused
from nashr.domain.site import HALF_LIFE_DAYS, parse_site


def site(**section: Any) -> dict[str, Any]:
    return {
        "id": "paper", "name": "Paper", "locale": "en", "base_url": "http://paper.test/",
        "sections": [{"slug": "sport", "label": "Sport", **section}, {"slug": "news", "label": "News"}],
    }  # fmt: skip


@pytest.mark.parametrize("wrong", [0, 0.5, -1, 3651, True, "7", [], float("nan"), float("inf")])
def test_a_half_life_that_cannot_be_is_refused(wrong: Any) -> None:
    """The fault names the field and the cure."""
    with pytest.raises(Refused) as refused:
        parse_site(site(half_life_days=wrong))
    (fault,) = refused.value.faults
    assert fault.pointer == "/sections/0/half_life_days"
    assert "1 to 3650" in fault.detail


def test_sections_fade_as_they_say() -> None:
    """A section without a word of its own fades as fast as one that is not there: the usual way."""
    parsed = parse_site(site(half_life_days=7))
    assert [parsed.half_life(slug) for slug in ("sport", "news", "gone")] == [
        7,
        HALF_LIFE_DAYS,
        HALF_LIFE_DAYS,
    ]
    assert parse_site(parsed.to_json()) == parsed
