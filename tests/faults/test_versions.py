"""This version's schema, and processes of the version before beside those of this one."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import until
from tests.faults.before import NoHistory, unpack
from tests.faults.lab import frozen, second_delivery_worker
from tests.faults.newsroom import Client, publish, shows

if TYPE_CHECKING:
    from tests.faults.lab import Lab
    from tests.faults.newsroom import Newsroom, Story


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    try:
        return unpack(tmp_path_factory.mktemp("before"))
    except NoHistory as reason:
        pytest.skip(f"no code of the version before: {reason}")


def test_the_version_before_publishes_on_this_schema(
    lab: Lab, stories: list[Story], before: dict[str, str]
) -> None:
    """All delivery is the old code's, all else the new one's: readers see what is accepted."""
    lab.quiet()
    own = lab.ready("delivery").pid
    assert own is not None
    with frozen(own), second_delivery_worker(lab, **before) as old, Client(lab) as client:
        assert before["PYTHONPATH"] in Path(f"/proc/{old}/environ").read_text()
        for story in stories:
            publish(lab, client, story)
            until(partial(shows, lab, story), what="a page that the old code delivers")
    lab.quiet()


def test_both_versions_deliver_side_by_side(lab: Lab, newsroom: Newsroom, before: dict[str, str]) -> None:
    """While servers are replaced one by one nothing is lost, and no page goes back."""
    with second_delivery_worker(lab, **before) as old, newsroom.working():
        for _ in range(5):
            newsroom.one_more()
        os.kill(old, signal.SIGTERM)
        newsroom.one_more()
