"""Work in the background runs one at a time in each worker, and leaves room for what pages wait for."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from nashr import settings
from nashr.domain.errors import Permanent
from nashr.runtime.worker import Commit, Finish, Worker
from nashr.steps import STEPS
from nashr.store import queue
from nashr.store.database import transaction
from nashr.store.queue import Step

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from tests.integration.store.conftest import Inside


def steps(engine: Engine, kind: str, count: int) -> list[int]:
    with transaction(engine) as conn:
        return [queue.add(conn, kind, f"as_{n}", site="s", data={})[0] for n in range(count)]


def test_one_at_a_time(engine: Engine, inside: Inside) -> None:
    """While one lighter step runs no other is claimed, an images step is; afterwards the next one runs."""
    assert STEPS["lighter"].alone
    begun, go_on, done = threading.Event(), threading.Event(), []

    def lighter(step: Step) -> Commit:
        begun.set()
        assert go_on.wait(60)
        done.append(step.key)
        return lambda _: Finish()

    def images(step: Step) -> Commit:
        done.append("photo")
        return lambda _: Finish()

    handlers = {"lighter": lighter, "images": images}
    worker = Worker("images", settings=settings.load(), engine=engine, handlers=handlers)
    first, second, third = steps(engine, "lighter", 3)
    inside.run("UPDATE step SET dispatched_at = clock_timestamp()")
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(worker.attempt, first)
        assert begun.wait(60)
        worker.attempt(second)
        (photo,) = steps(engine, "images", 1)
        worker.attempt(photo)
        assert done == ["photo"]
        assert [inside.step(step)["attempts"] for step in (second, third)] == [0, 0]
        go_on.set()
        running.result(60)
    worker.attempt(second)
    assert done == ["photo", "as_0", "as_1"]
    assert [inside.step(step)["state"] for step in (first, second, third)] == ["done", "done", "ready"]


def test_a_hint_that_had_to_wait_is_no_alarm(engine: Engine, inside: Inside) -> None:
    """A worker whose hint for such a step was used up while another ran does not think itself deaf."""
    handlers = {"lighter": lambda _: lambda _: Finish()}
    worker = Worker("images", settings=settings.load(), engine=engine, handlers=handlers)
    (step,) = steps(engine, "lighter", 1)
    inside.run(
        """UPDATE step SET dispatched_at = clock_timestamp() - interval '9 seconds',
            available_at = clock_timestamp() - interval '9 seconds'"""
    )
    worker._drain(alive=True)
    assert inside.step(step)["state"] == "done"
    assert worker._unheard is None


def test_a_step_that_cannot_be_buried_is_dead_all_the_same(engine: Engine, inside: Inside) -> None:
    """What should follow its death fails each time: it is dead, says both, and is never claimed again."""

    def images(step: Step) -> Commit:
        raise Permanent("no picture")

    def burial(conn: Connection, step: Step, error: str) -> None:
        raise LookupError(step.key)

    worker = Worker(
        "images", settings=settings.load(), engine=engine, handlers={"images": images},
        burials={"images": burial},
    )  # fmt: skip
    (step,) = steps(engine, "images", 1)
    worker.attempt(step)
    found = inside.step(step)
    assert (found["state"], found["attempts"]) == ("dead", 1)
    assert "no picture" in found["error"]
    assert "LookupError('as_0')" in found["error"]
