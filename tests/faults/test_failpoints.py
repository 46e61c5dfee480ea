"""Processes that end at the worst of moments; and failpoints themselves, which production refuses."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import until
from tests.faults.lab import nashr
from tests.faults.newsroom import STAMP, Client, publish, shows

if TYPE_CHECKING:
    from tests.faults.lab import Lab
    from tests.faults.newsroom import Story


STORED = ("deliver.after_put", "deliver.after_purge", "deliver.finished")
"""The page is in the store when the process dies here."""


@pytest.mark.parametrize(
    ("failpoint", "program"),
    [
        ("relay.after_hint", "relay"),
        ("deliver.before_announce", "delivery"),
        *((name, "delivery") for name in STORED),
        ("purge.after_purge", "delivery"),
        ("purge.before_finish", "delivery"),
    ],
)
def test_a_death_between_effect_and_record_is_made_good(
    lab: Lab, stories: list[Story], failpoint: str, program: str
) -> None:
    """Between hint, assets, PUT, purge, commit and receipt: the page is live, once, and proven."""
    story = stories[0]
    lab.quiet()
    before = lab.ready(program)
    lab.arm(failpoint)
    with Client(lab) as client:
        accepted = publish(lab, client, story)
    until(lambda: lab.fired(failpoint), what=f"{program} to get to {failpoint}")
    version = _version(lab, story) if failpoint in STORED else None
    lab.wait_proven(accepted.publication)
    until(partial(shows, lab, story), what="the page at the edge")
    if version is not None:
        (found,) = lab.rows("SELECT page_version FROM publication WHERE id = %s", accepted.publication)
        assert found["page_version"] >= version
    lab.ready(program, restarts=before.restarts + 1)


def _version(lab: Lab, story: Story) -> int:
    """The version that the process stored before it died."""
    page = lab.stored(story.path)
    assert story.accepted[-1].word in page
    found = STAMP.search(page)
    assert found is not None
    return int(found[1])


def test_production_refuses_failpoints(tmp_path: Path) -> None:
    """``nashr up`` ends at once, names the setting and the cure, and starts nothing."""
    ended = nashr(
        "up", "--detach", data=tmp_path / "data", env="production", failpoints="deliver.before_put=exit"
    )
    assert ended.returncode != 0
    said = ended.stdout + ended.stderr
    assert "NASHR_FAILPOINTS" in said
    assert "unset it" in said
    assert "Traceback" not in said
    assert not (tmp_path / "data" / "status.json").exists()
