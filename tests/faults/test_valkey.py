"""Valkey holds hints only: it may forget everything or stand still, and nothing but time is lost."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from redis import Redis

from tests.conftest import until
from tests.faults.chaos import hints
from tests.faults.chaos.ground import SERVICES
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


def test_no_worker_dies_of_what_lies_in_a_queue(lab: Lab, newsroom: Newsroom) -> None:
    """No JSON, no message, no task of ours, steps that never were: passed over, by the same processes."""
    url = lab.setting("redis_url")
    before = {name: lab.ready(name).pid for name in SERVICES}
    with Redis.from_url(url) as valkey, newsroom.working():
        for what in ("garbage", "forged"):
            newsroom.one_more()
            hints.send({"redis_url": url}, random.Random(what), what=what)
            until(lambda: not any(valkey.llen(queue) for queue in hints.QUEUES), what="all to be read")
        newsroom.one_more()
    assert {name: lab.program(name).pid for name in SERVICES} == before


def test_no_worker_dies_of_a_valkey_that_answers_with_errors(lab: Lab, newsroom: Newsroom) -> None:
    """A queue that is no list, as a full or read-only Valkey: work is claimed without hints meanwhile."""
    before = {name: lab.ready(name).pid for name in SERVICES}
    with Redis.from_url(lab.setting("redis_url")) as valkey, newsroom.working():
        for queue in hints.QUEUES:
            valkey.delete(queue)
            valkey.set(queue, "x")
        started = _live(lab)
        until(lambda: _live(lab) > started + 2, what="publications to go live without hints")
        valkey.flushall()
        newsroom.one_more()
    assert {name: lab.program(name).pid for name in SERVICES} == before


def _live(lab: Lab) -> int:
    return lab.count("SELECT count(*) FROM publication WHERE live_at IS NOT NULL")
