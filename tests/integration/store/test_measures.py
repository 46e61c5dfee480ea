"""What ``/metrics`` is told: counts that add up, and how things stand in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from nashr.observability import metrics
from nashr.runtime.reporting import Reporter
from nashr.store import measures
from nashr.store.database import statement, transaction

from tests.integration.store.newsroom import Newsroom, begin

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.integration.store.conftest import Inside

Found = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
def newsroom(engine: Engine) -> Newsroom:
    return begin(engine)


def found(engine: Engine) -> Found:
    with statement(engine) as conn:
        samples = [*measures.kept(conn), *measures.current(conn)]
    return {(one.series, tuple(sorted(one.labels.items()))): one.value for one in samples}


def test_processes_add_to_the_same_count(engine: Engine) -> None:
    """Two processes that have counted three and four make seven, kept by the database."""
    for number in (3.0, 4.0):
        with transaction(engine) as conn:
            measures.add(conn, {("nashr_store_ahead_total", "{}"): number})
    assert found(engine)["nashr_store_ahead_total", ()] == 7.0


def test_what_cannot_be_told_is_told_later(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever went wrong: nothing is lost, and the next time it is there."""
    metrics.drain()
    metrics.STORE_AHEAD.add(2)
    reporter = Reporter(engine)
    with monkeypatch.context() as patch:
        patch.setattr(measures, "add", lambda *_: 1 / 0)
        reporter.tell()
    assert ("nashr_store_ahead_total", ()) not in found(engine)
    reporter.tell()
    assert found(engine)["nashr_store_ahead_total", ()] == 2.0


def test_a_schedule_that_is_held_shows(newsroom: Newsroom, inside: Inside) -> None:
    """Its step is tried again every second and so never looks old: what counts is its hour."""
    article, page = newsroom.article(1, newsroom.photo())
    inside.run(
        """INSERT INTO publication (id, site, article, revision, kind, state, priority, change, notify, actor,
            page, due_at) VALUES ('pb_held', 'paper', :article, 1, 'publish', 'scheduled', 1, '', false, 'x',
            :page, clock_timestamp() - interval '90 seconds')""",
        article=article.id, page=page.id,
    )  # fmt: skip
    assert found(newsroom.engine)["nashr_schedule_overdue_seconds", ()] == 0.0
    inside.run(
        "INSERT INTO step (site, kind, key, input) VALUES ('paper', 'release', 'pb_held', '{}')",
    )
    assert found(newsroom.engine)["nashr_schedule_overdue_seconds", ()] == pytest.approx(90.0, abs=20)
    inside.run("UPDATE step SET state = 'done' WHERE kind = 'release'")
    inside.run("UPDATE publication SET state = 'live' WHERE id = 'pb_held'")
    now = found(newsroom.engine)
    assert now["nashr_schedule_overdue_seconds", ()] == 0.0
    assert now["nashr_oldest_unproven_seconds", ()] == pytest.approx(90.0, abs=30)
    assert now["nashr_publications_unproven", ()] == 1.0


def test_due_and_dead_work_are_told_apart(newsroom: Newsroom, inside: Inside) -> None:
    """By kind and state; only what is due has an age."""
    inside.run(
        """INSERT INTO step (site, kind, key, state, available_at) VALUES
        ('paper', 'related', 'a', 'ready', clock_timestamp() - interval '40 seconds'),
        ('paper', 'related', 'b', 'ready', clock_timestamp() + interval '1 hour'),
        ('paper', 'related', 'c', 'dead', clock_timestamp() - interval '1 day')"""
    )
    now = found(newsroom.engine)
    for state in ("due", "later", "dead"):
        assert now["nashr_steps", (("kind", "related"), ("state", state))] == 1.0
    age = now["nashr_oldest_due_seconds", (("kind", "related"), ("priority", "normal"))]
    assert age == pytest.approx(40.0, abs=20)
