"""The stages of a publication as a line of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from nashr.domain.stages import STAGES, timeline
from nashr.store.clocks import Skew

BEGIN = datetime(2026, 11, 29, 9, tzinfo=UTC)


def test_each_stage_counts_from_the_one_before() -> None:
    """Seven stages a second apart take one second each, in their order, whatever order they came in."""
    times = {name: BEGIN + timedelta(seconds=number) for number, name in enumerate(STAGES)}
    found = timeline(dict(reversed(times.items())))
    assert [stage.stage for stage in found] == list(STAGES)
    assert [stage.seconds for stage in found] == [0, 1, 1, 1, 1, 1, 1]


def test_a_stage_that_was_skipped_leaves_no_gap() -> None:
    """An unchanged page was not sent: what follows counts from the last stage that was reached."""
    found = timeline({"accepted": BEGIN, "stored": None, "proven": BEGIN + timedelta(seconds=2)})
    assert [(stage.stage, stage.seconds) for stage in found] == [("accepted", 0), ("proven", 2)]


@pytest.mark.parametrize(
    ("seconds", "doubt", "apart"), [(2.5, 0.1, True), (-2.5, 0.1, True), (1.9, 0.0, False), (3.0, 1.5, False)]
)
def test_clocks_are_apart_only_if_that_is_sure(seconds: float, doubt: float, apart: bool) -> None:
    """Ahead or behind alike; a slow answer proves nothing."""
    assert Skew(seconds, doubt).exceeds(2.0) is apart
