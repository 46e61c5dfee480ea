"""What is counted of which nobody sees anything else: taken over, overtaken, in vain, unanswered, mended."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from nashr import settings
from nashr.domain.errors import Fenced
from nashr.observability import metrics
from nashr.observability.metrics import Metric
from nashr.runtime.worker import Commit, Finish, Worker
from nashr.steps import Priority
from nashr.store import articles, golive, mending, publishing, queue
from nashr.store.articles import Article
from nashr.store.database import transaction
from nashr.store.mending import Missing
from nashr.store.publishing import Publication, Request
from nashr.store.queue import Step

from tests.conftest import until
from tests.integration.store.newsroom import SITE, Newsroom, begin
from tests.servers import free_port

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.conftest import Stack
    from tests.integration.store.conftest import Inside


@pytest.fixture(autouse=True)
def _from_zero() -> None:
    metrics.drain()


def counted(metric: Metric, labels: str = "{}") -> float:
    """How much since the last look, and forgets all other counts."""
    return metrics.drain().get((metric.name, labels), 0.0)


def worker(engine: Engine, **changed: str) -> Worker:
    def images(_: Step) -> Commit:
        return lambda _: Finish()

    return Worker("images", settings=settings.load(**changed), engine=engine, handlers={"images": images})


def add(engine: Engine, key: str = "as_1", *, priority: int = Priority.normal) -> int:
    with transaction(engine) as conn:
        return queue.add(conn, "images", key, site="s", data={}, priority=priority)[0]


@pytest.mark.parametrize("hinted", [True, False])
def test_only_what_ran_out_is_taken_over(engine: Engine, inside: Inside, *, hinted: bool) -> None:
    """A step that is claimed first, or that came back by itself, is none; whichever way it is claimed."""
    made, labels = worker(engine), '{"kind":"images"}'
    for key, before in (("as_1", None), ("as_2", "retry"), ("as_3", "expire")):
        step = add(engine, key)
        held = queue.claim(engine, step, owner="images:1", lease=60) if before else None
        if held and before == "retry":
            with transaction(engine) as conn:
                queue.retry(conn, held, "no answer", waits=0)
        if before == "expire":
            inside.expire(step)
        if hinted:
            made.attempt(step)
        else:
            made._drain(alive=False)
        assert inside.step(step)["state"] == "done"
        assert counted(metrics.LEASES_EXPIRED, labels) == (before == "expire"), before


def test_a_hint_that_comes_twice_is_in_vain(engine: Engine) -> None:
    """The first one finds its step; the second, and one of a step that never was, find nothing."""
    made, step, labels = worker(engine), add(engine), '{"service":"images"}'
    made.attempt(step)
    assert counted(metrics.HINTS_IN_VAIN, labels) == 0
    made.attempt(step)
    made.attempt(step + 1000)
    assert counted(metrics.HINTS_IN_VAIN, labels) == 2


@pytest.mark.parametrize("answers", [True, False])
def test_a_worker_counts_while_valkey_is_silent(
    engine: Engine, inside: Inside, database: str, stack: Stack, *, answers: bool
) -> None:
    """Its looks in vain, and none while Valkey answers; the series is there from the start."""
    there = json.loads((stack.data / "stack.json").read_text())["redis_url"]
    url = there if answers else f"redis://127.0.0.1:{free_port()}"
    made = worker(engine, redis_url=url, database_url=database)
    step = add(engine, priority=Priority.breaking)
    thread = threading.Thread(target=made._claim_directly)
    thread.start()
    until(lambda: inside.step(step)["state"] == "done", what="a look, and the step that follows")
    made._stopping.set()
    thread.join()
    silent = metrics.drain()[metrics.VALKEY_SILENT.name, '{"service":"images"}']
    assert (silent == 0) == answers


@pytest.fixture
def newsroom(engine: Engine) -> Newsroom:
    return begin(engine)


@pytest.fixture
def article(newsroom: Newsroom) -> Article:
    return newsroom.article(1, newsroom.photo())[0]


def request(newsroom: Newsroom, article: Article, *, hours: int = 0) -> Publication:
    at = datetime.now(UTC) + timedelta(hours=hours) if hours else None
    with transaction(newsroom.engine) as conn:
        found = articles.find(conn, article.id, lock=True)
        assert found is not None
        return publishing.request(conn, SITE, found, Request(1, publish_at=at), actor="test")


def test_what_was_never_live_is_superseded(newsroom: Newsroom, inside: Inside, article: Article) -> None:
    """By a later schedule, by a newer one that went live, at its hour; what was live is not counted."""
    early, late = request(newsroom, article, hours=1), request(newsroom, article, hours=2)
    assert counted(metrics.SUPERSEDED) == 1

    now = [request(newsroom, article) for _ in range(3)]
    with transaction(newsroom.engine) as conn:
        golive._publication_live(conn, now[1], 1)  # one was on its way before it
    assert counted(metrics.SUPERSEDED) == 1
    with transaction(newsroom.engine) as conn:
        golive._publication_live(conn, now[2], 2)
    assert counted(metrics.SUPERSEDED) == 0

    inside.run("UPDATE publication SET revision = 2 WHERE id = :id", id=now[2].id)
    with transaction(newsroom.engine) as conn:
        publishing.release(conn, SITE, late.id)
    assert counted(metrics.SUPERSEDED) == 1
    assert inside.scalar("SELECT count(*) FROM publication WHERE state = 'superseded'") == 4
    assert {early.state, late.state} == {"scheduled"}


def test_what_is_rolled_back_is_not_counted(newsroom: Newsroom, article: Article) -> None:
    """A claim that turns out to be another's takes its counts with it."""
    now = request(newsroom, article), request(newsroom, article)

    def late() -> None:
        with transaction(newsroom.engine) as conn:
            golive._publication_live(conn, now[1], 1)
            raise Fenced("another's")

    with pytest.raises(Fenced):
        late()
    assert metrics.SUPERSEDED.name not in {name for name, _ in metrics.drain()}


def test_what_a_removal_stops_is_superseded(newsroom: Newsroom, article: Article) -> None:
    """What was on its way; a schedule is cancelled instead."""
    request(newsroom, article, hours=1)
    request(newsroom, article)
    assert counted(metrics.SUPERSEDED) == 0
    with transaction(newsroom.engine) as conn:
        found = articles.find(conn, article.id, lock=True)
        assert found is not None
        publishing.remove(conn, found, "unpublish", {}, actor="test")
    assert counted(metrics.SUPERSEDED) == 1


def test_files_that_delivery_has_made_again_are_repairs(newsroom: Newsroom) -> None:
    """One for each, however often the page looks for them until they are there."""
    photo = newsroom.photo()
    article, page = newsroom.article(1, photo)
    labels, keys = '{"by":"delivery","what":"file"}', [f"media/{photo.id}-{name}.jpg" for name in "ab"]
    for count in (2, 0):
        with transaction(newsroom.engine) as conn:
            mending.mend(conn, SITE, page.id, Missing(keys, article.id, [photo.id]))
        assert counted(metrics.REPAIRS, labels) == count
