"""One receiver that hangs for ever, and one that does not: real threads of a worker, 200 events."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from nashr.adapters.abroad import Sender
from nashr.bootstrap import Runtime
from nashr.domain.reach import Reach
from nashr.runtime.worker import Worker
from nashr.settings import Settings
from nashr.store.database import run, transaction
from nashr_delivery.notify import Notify

from tests.conftest import until
from tests.integration.store.desk import Desk
from tests.receivers import Receiver, Says, receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

EVENTS = 200


@pytest.fixture
def working(engine: Engine, database: str) -> Iterator[Desk]:
    """A site whose events are told by a delivery worker's own threads, without Celery."""
    with transaction(engine) as conn:
        run(conn, "TRUNCATE webhook")
    runtime = Runtime(Settings(database_url=database), engine)
    runtime.__dict__["sender"] = Sender(Reach.loopback)
    worker = Worker(
        "delivery", settings=runtime.settings, engine=engine,
        handlers={"notify": Notify(runtime, {}).notify},
    )  # fmt: skip
    threads = [threading.Thread(target=work) for work in (worker._work_abroad, worker._beat)]
    for thread in threads:
        thread.start()
    yield Desk(engine)
    worker._stopping.set()
    for thread in threads:
        thread.join()
    until(lambda: not worker._runs, what="the last request to end", seconds=60)


def lags(desk: Desk, there: Receiver, known: int) -> list[float]:
    """Seconds from each of 200 events, 5 ms apart, until the receiver had it; sorted."""
    begun: dict[int, float] = {}
    for number in range(EVENTS):
        begun[number] = time.monotonic()
        desk.emit(article=f"ar_{number % 40}", revision=number)
        time.sleep(0.005)
    until(lambda: len(there.told) >= known + EVENTS, what="every event at the good receiver", seconds=60)
    told = there.told[known:]
    assert sorted(one.json["revision"] for one in told) == list(range(EVENTS))
    for article in range(40):
        own = [one.json["revision"] for one in told if one.json["article"] == f"ar_{article}"]
        assert own == sorted(own), "out of order"
    return sorted(one.at - begun[one.json["revision"]] for one in told)


def test_a_receiver_that_hangs_delays_no_other(working: Desk) -> None:
    """The good one gets everything, once, in order of each article, as fast as when it is alone."""
    with receiver() as good, receiver() as bad:
        working.hook(good.url)
        alone = lags(working, good, 0)
        bad.will(Says(hangs=True))
        working.hook(bad.url)
        beside = lags(working, good, EVENTS)
        p95 = int(EVENTS * 0.95)
        print(f"p95 alone {alone[p95]:.3f} s, beside a receiver that hangs {beside[p95]:.3f} s")
        assert beside[p95] < alone[p95] + 5, "a thread's time of 10 s was taken from the good receiver"
        assert 1 <= bad.connections <= 8  # four, and then one each 10 s
        bad.closing.set()
        bad.will(Says())
