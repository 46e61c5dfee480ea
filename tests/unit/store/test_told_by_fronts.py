"""What of an article other pages show: a change of it is a change of theirs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from nashr.domain.article import Content
from nashr.store import golive

BEFORE = Content(headline="Port reopens", language="en", section="news", kicker="Live")


@pytest.mark.parametrize(
    "change",
    [
        {"headline": "Port opens again"},
        {"kind": "sponsored"},
        {"kicker_until": datetime(2026, 11, 29, 12, tzinfo=UTC)},
        {"source": {"name": "Wire", "url": "https://wire.example/1", "canonical": True}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_lists_follow_a_change_of_what_they_show(change: dict[str, Any]) -> None:
    """Words, the label of its kind, the end of its kicker, and whether a sitemap may name it."""
    assert golive._teaser(replace(BEFORE, **change)) != golive._teaser(BEFORE)


def test_the_text_alone_is_in_no_list() -> None:
    """Nor is a source that is only credited."""
    body = ({"type": "paragraph", "html": "New."},)
    credited = {"name": "Wire", "url": "https://wire.example/1", "canonical": False}
    assert golive._teaser(replace(BEFORE, body=body, source=credited)) == golive._teaser(BEFORE)
