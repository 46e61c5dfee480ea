"""A backlog of bulk in a worker: it has slots of its own, gives way, and leaves breaking news its slot."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from nashr import settings
from nashr.runtime.worker import Commit, Finish, Worker
from nashr.steps import Priority
from nashr.store import queue
from nashr.store.database import transaction
from nashr.store.listen import Listener

from tests.conftest import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nashr.store.queue import Step
    from sqlalchemy import Engine

    from tests.integration.store.conftest import Inside


class Ran:
    """A cards worker without Celery, and when each of its steps ran."""

    def __init__(self, engine: Engine) -> None:
        self.at: dict[str, float] = {}
        self.worker = Worker(
            "cards", settings=settings.load(), engine=engine, handlers={"cards": self._cards}
        )
        self._engine = engine

    def _cards(self, step: Step) -> Commit:
        self.at[step.key] = time.monotonic()
        return lambda _: Finish()

    def step(self, key: str, priority: Priority) -> int:
        with transaction(self._engine) as conn:
            return queue.add(conn, "cards", key, site="s", data={}, priority=priority)[0]


@pytest.fixture
def ran(engine: Engine) -> Iterator[Ran]:
    made = Ran(engine)
    yield made
    made.worker._stopping.set()


@pytest.fixture
def in_bulk(ran: Ran) -> Iterator[None]:
    thread = threading.Thread(target=ran.worker._work_in_bulk)
    thread.start()
    yield
    ran.worker._stopping.set()
    thread.join()


def late(inside: Inside) -> None:
    inside.run(
        "UPDATE step SET available_at = clock_timestamp() - interval '9 seconds' WHERE state = 'ready'"
    )


def test_late_bulk_is_not_taken_by_the_slot_of_breaking_news(ran: Ran, inside: Inside) -> None:
    """Hints come, so it only waits behind others; the slot takes breaking work, and nothing else."""
    for number in range(3):
        ran.step(f"bulk {number}", Priority.bulk)
    ran.step("breaking", Priority.breaking)
    late(inside)
    ran.worker.attempt(ran.step("normal", Priority.normal))
    ran.worker._drain(alive=True)
    assert set(ran.at) == {"normal", "breaking"}


def test_late_work_without_hints_is_taken_all_the_same(ran: Ran, inside: Inside) -> None:
    """No hint has come for twice the time after which they are sent again: somebody must do it."""
    ran.worker.attempt(ran.step("normal", Priority.normal))
    ran.step("bulk", Priority.bulk)
    late(inside)
    ran.worker._drain(alive=True)
    assert "bulk" not in ran.at
    ran.worker._heard -= 2 * settings.load().redispatch_seconds
    ran.worker._drain(alive=True)
    assert "bulk" in ran.at


@pytest.mark.usefixtures("in_bulk")
def test_bulk_waits_for_breaking_news_and_nothing_else_does(ran: Ran) -> None:
    """Its hint is kept meanwhile, and it is done afterwards."""
    bulk, normal = ran.step("bulk", Priority.bulk), ran.step("normal", Priority.normal)
    ran.worker._way.breaking()
    heard = time.monotonic()
    ran.worker.attempt(bulk, Priority.bulk)
    ran.worker.attempt(normal, Priority.normal)
    assert "normal" in ran.at
    until(lambda: "bulk" in ran.at, what="the bulk step")
    assert ran.at["bulk"] >= heard + 0.5


def test_hints_beyond_what_is_kept_are_forgotten(ran: Ran) -> None:
    """The relay sends them again; nobody waits for room."""
    step = ran.step("bulk", Priority.bulk)
    for _ in range(100):
        ran.worker.attempt(step, Priority.bulk)
    assert ran.worker._bulk.full()


@pytest.mark.usefixtures("in_bulk")
def test_a_slot_of_bulk_goes_on_with_bulk_and_others_do_not_take_it_up(ran: Ran) -> None:
    """One hint is enough for a backlog, which normal work has its own threads beside."""
    keys = [f"bulk {number}" for number in range(5)]
    first, *_ = [ran.step(key, Priority.bulk) for key in keys]
    ran.worker.attempt(ran.step("normal", Priority.normal), Priority.normal)
    assert set(ran.at) == {"normal"}
    ran.step("later", Priority.normal)
    ran.worker.attempt(first, Priority.bulk)
    until(lambda: set(keys) <= set(ran.at), what="all of the backlog")
    assert "later" not in ran.at


@pytest.mark.usefixtures("in_bulk")
def test_a_slot_of_bulk_looks_for_what_is_late_by_itself(ran: Ran, inside: Inside) -> None:
    """Also where normal work leaves no thread that could take up hints for bulk."""
    ran.step("bulk", Priority.bulk)
    late(inside)
    until(lambda: "bulk" in ran.at, what="the bulk step")


def test_a_slot_of_bulk_outlives_what_it_meets(ran: Ran, request: pytest.FixtureRequest) -> None:
    """An error that nobody thought of costs a second, not the thread."""
    claim = ran.worker._claim
    failed: list[bool] = []

    def once(how: Any) -> Any:
        if not failed:
            failed.append(True)
            raise LookupError("nobody thought of it")
        return claim(how)

    ran.worker._claim = once  # type: ignore[method-assign, assignment]
    ran.worker.attempt(ran.step("first", Priority.bulk), Priority.bulk)
    ran.worker.attempt(ran.step("second", Priority.bulk), Priority.bulk)
    request.getfixturevalue("in_bulk")
    until(lambda: "second" in ran.at, what="the step after the error")
    assert failed


def test_who_is_wanted_is_told_and_all_hear_of_it(engine: Engine, database: str, ran: Ran) -> None:
    """A notice of breaking work names the service; one without a name is for everybody."""
    with Listener(database, queue.DIRECT) as listener:
        assert listener.heard(0.01) == {""}
        ran.step("bulk", Priority.bulk)
        assert not listener.heard(0.2)
        ran.step("breaking", Priority.breaking)
        assert listener.heard(30) == {"cards"}
        with transaction(engine) as conn:
            queue.wake_direct(conn)
        assert listener.heard(30) == {""}
