"""Bulk publications are refused while those before them wait too long, and no others are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from nashr.steps import Priority
from nashr.store import queue
from nashr.store.database import statement, transaction
from nashr_ingest import backlog
from nashr_ingest.backlog import Backlog
from nashr_ingest.problems import RefusedWith
from nashr_ingest.routes import articles
from nashr_ingest.schemas import Publish

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.integration.store.conftest import Inside


@pytest.fixture(autouse=True)
def _looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "LOOK_SECONDS", -1.0)


def waiting(engine: Engine, inside: Inside, kind: str, priority: Priority) -> None:
    with transaction(engine) as conn:
        queue.add(conn, kind, f"{kind} {priority}", site="s", data={}, priority=priority)
    inside.run("UPDATE step SET available_at = clock_timestamp() - interval '20 seconds'")


@pytest.mark.parametrize("kind", ["related", "cards"])
def test_bulk_that_waits_too_long_keeps_out_more(engine: Engine, inside: Inside, kind: str) -> None:
    """503 and when to come again, as long as the first one waits; then there is room at once."""
    room = Backlog(engine, patience=10)
    room.check()
    waiting(engine, inside, kind, Priority.bulk)
    with pytest.raises(RefusedWith, match=r"wait 2[0-9] s") as refused:
        room.check()
    assert (refused.value.code, refused.value.retry_after) == ("unavailable", 5)
    inside.run("UPDATE step SET state = 'leased', lease_until = clock_timestamp() + interval '9 seconds'")
    room.check()


def test_nothing_else_keeps_bulk_out(engine: Engine, inside: Inside) -> None:
    """Not normal work that is late, not pages in bulk; and nothing where bulk may wait for ever."""
    waiting(engine, inside, "related", Priority.normal)
    waiting(engine, inside, "deliver", Priority.bulk)
    Backlog(engine, patience=10).check()
    waiting(engine, inside, "related", Priority.bulk)
    Backlog(engine, patience=0).check()
    with statement(engine) as conn:
        assert 20 <= queue.bulk_waits(conn) < 200


def test_a_look_lasts_a_moment(engine: Engine, inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of bulk costs the database two looks a second."""
    monkeypatch.setattr(backlog, "LOOK_SECONDS", 60.0)
    room = Backlog(engine, patience=10)
    room.check()
    waiting(engine, inside, "related", Priority.bulk)
    room.check()


@pytest.mark.parametrize(("wanted", "asked"), [
    (Publish(priority="bulk"), True),
    (Publish(), False),
    (Publish(priority="breaking"), False),
    (Publish(priority="bulk", publish_at=datetime.now(UTC) + timedelta(days=1)), False),
])  # fmt: skip
def test_only_bulk_that_is_due_now_is_asked(
    wanted: Publish, asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is ordinary, urgent or for later is accepted whatever waits."""
    looked: list[bool] = []

    class Full:
        def check(self) -> None:
            looked.append(True)

    nobody: Any = None
    full: Any = Full()
    monkeypatch.setattr(articles, "write", lambda *_: nobody)
    articles.publish(nobody, nobody, nobody, full, "ar_1", wanted)
    assert bool(looked) is asked
