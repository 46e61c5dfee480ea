"""Valkey holds hints only: it may forget everything or stand still, and nothing but time is lost."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from redis import Redis

from tests.conftest import until
from tests.faults.lab import frozen

if TYPE_CHECKING:
    from tests.faults.lab import Lab
    from tests.faults.newsroom import Newsroom

FLUSHES = 10
FROZEN_SECONDS = 6.0


def test_a_flush_loses_nothing(lab: Lab, newsroom: Newsroom) -> None:
    """FLUSHALL in the middle of publications, ten times: everything accepted goes live."""
    with Redis.from_url(lab.setting("redis_url")) as valkey, newsroom.working():
        for _ in range(FLUSHES):
            newsroom.one_more()
            valkey.flushall()


def test_publishing_goes_on_while_valkey_stands_still(lab: Lab, newsroom: Newsroom) -> None:
    """Frozen for six seconds: drafts are accepted and pages go out all the while, and after it all heals."""
    pid = lab.program("valkey").pid
    assert pid is not None
    with newsroom.working():
        newsroom.one_more()
        with frozen(pid):
            started, before = time.monotonic(), _live(lab)
            until(lambda: _live(lab) > before, what="a publication to go live without Valkey", seconds=6)
            newsroom.one_more()
            until(lambda: time.monotonic() - started > FROZEN_SECONDS, what="six seconds")
    assert newsroom.slowest < 5


def _live(lab: Lab) -> int:
    return lab.count("SELECT count(*) FROM publication WHERE live_at IS NOT NULL")
