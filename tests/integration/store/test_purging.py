"""The purge step on a real PostgreSQL, before an edge that writes down what it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from nashr.adapters.cdn.purger import Purger
from nashr.bootstrap import Runtime
from nashr.domain.purging import Limits, page_tag
from nashr.pages import PageKind
from nashr.ports import CdnBusy, CdnRefused, Fetched
from nashr.runtime.worker import Finish
from nashr.settings import Settings
from nashr.store import pagerows, queue, sites
from nashr.store.database import run, transaction
from nashr.store.pagerows import PageRow
from nashr.store.spending import MonthLedger
from nashr_delivery.load import Loaded
from nashr_delivery.purging import Purging, arm
from nashr_delivery.views import RobotsView

from tests.integration.store.newsroom import SITE, Newsroom, begin

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.integration.store.conftest import Inside

BODY = b"the page"
FREE = Limits(urls=50, tags=50, soft=True)
RATED = Limits(urls=50, rate=1.0, burst=9)
PAID = Limits(urls=50, charged=True)


@dataclass
class Edge:
    """nashr.ports.Cdn; ``asked`` holds a request's URLs and tags, ``soft`` how each was meant."""

    limits: Limits = FREE
    vantage: str = "here"
    error: Exception | None = None
    asked: list[tuple[str, ...]] = field(default_factory=list)
    soft: list[bool] = field(default_factory=list)

    def purge(self, *, urls: Sequence[str], tags: Sequence[str] = (), soft: bool = False) -> None:
        if self.error:
            raise self.error
        self.asked.append((*urls, *tags))
        self.soft.append(soft)

    def fetch(self, url: str) -> Fetched:
        return Fetched(200, {"location": url}, BODY)

    def close(self) -> None:
        pass


@dataclass
class Desk:
    """Delivery's purging over one edge, and a way to run its steps as a worker does."""

    newsroom: Newsroom
    edge: Edge

    def __post_init__(self) -> None:
        runtime = Runtime(Settings(), self.newsroom.engine)
        ledger = MonthLedger(self.newsroom.engine)
        runtime.__dict__["purger"] = Purger(self.edge, ledger=ledger, budget=9, soft=True)
        self.purging = Purging(runtime)

    def stored(self, path: str, kind: PageKind = PageKind.section, *, purged: bool = False) -> PageRow:
        """A page that was PUT this moment for the first time; its purge step is due."""
        with transaction(self.newsroom.engine) as conn:
            made = self.newsroom.page_in(conn, path, kind)
        return self.put(made, purged=purged)

    def put(self, page: PageRow, *, purged: bool = False) -> PageRow:
        """One version more of a page, live at this moment."""
        with transaction(self.newsroom.engine) as conn:
            run(
                conn,
                """UPDATE page SET wanted = wanted + 1, attempted = wanted + 1, live = wanted + 1,
                    stored = wanted + 1, live_at = clock_timestamp(), sha256 = :sha256,
                    purged = CASE WHEN :purged THEN wanted + 1 ELSE purged END WHERE id = :id""",
                id=page.id, sha256=sha256(BODY).hexdigest(), purged=purged,
            )  # fmt: skip
            found = pagerows.read(conn, page.id)
            arm(conn, found, priority=1)
            return found

    def loaded(self, page: PageRow) -> Loaded:
        with transaction(self.newsroom.engine) as conn:
            return Loaded(page, sites.get(conn, "paper"), RobotsView(page.path))

    def work(self, page: PageRow) -> Finish:
        """Claims the page's purge step and runs it to its end."""
        step = queue.claim_next(
            self.newsroom.engine, ["purge"], owner="delivery:1", lease=10, where=f"key = '{page.id}'"
        )
        assert step is not None, f"the purge of {page.path} is not due"
        commit = self.purging.purge(step)
        with transaction(self.newsroom.engine) as conn:
            finish = commit(conn)
            queue.finish(conn, step, result=finish.result, again_at=finish.again_at)
        return finish


@pytest.fixture
def newsroom(engine: Engine) -> Newsroom:
    return begin(engine)


def url(path: str) -> str:
    return SITE.url(path)


def step_of(inside: Inside, page: PageRow) -> dict[str, Any]:
    return inside.step(
        inside.scalar("SELECT id FROM step WHERE kind = 'purge' AND key = :key", key=str(page.id))
    )


def time_passes(inside: Inside, seconds: float) -> None:
    """Every PUT is so much older, and what was due then is due now."""
    gone = f"interval '{seconds} seconds'"
    inside.run(f"UPDATE page SET live_at = live_at - {gone}")
    inside.run(f"UPDATE step SET available_at = available_at - {gone}")


def test_an_outside_edge_is_purged_again_ten_seconds_after_the_put(
    newsroom: Newsroom, inside: Inside
) -> None:
    """The step rests in between, holding no worker; after the second purge it is done."""
    desk = Desk(newsroom, Edge())
    page = desk.stored("/news/")
    assert desk.work(page).again_at is not None
    assert 8 < step_of(inside, page)["in_seconds"] <= 10
    time_passes(inside, 11)
    assert desk.work(page).again_at is None
    assert step_of(inside, page)["state"] == "done"
    assert desk.edge.asked == [(url("/news/"),), (page_tag(SITE.key("/news/")),)]


def test_the_first_purge_is_by_url(newsroom: Newsroom, inside: Inside) -> None:
    """An edge may keep a 404 of an address that had no page yet: no tag reaches that."""
    desk = Desk(newsroom, Edge())
    page = desk.stored("/news/")
    assert desk.purging.at_once(desk.loaded(page))
    assert desk.purging.at_once(desk.loaded(_unborn(page)))
    assert desk.edge.asked == [(page_tag(SITE.key("/news/")),), (url("/news/"),)]


def _unborn(page: PageRow) -> PageRow:
    return PageRow(**{**page.__dict__, "live": 0})


def test_the_embedded_edge_is_purged_once(newsroom: Newsroom, inside: Inside) -> None:
    """It keeps no fetch that began before a purge."""
    desk = Desk(newsroom, Edge(Limits(urls=50, outside=False)))
    page = desk.stored("/news/")
    assert desk.work(page).again_at is None
    assert len(desk.edge.asked) == 1


def test_what_delivery_has_purged_waits_for_the_second_purge_only(newsroom: Newsroom, inside: Inside) -> None:
    """A purge at once that got through is not repeated before its time."""
    desk = Desk(newsroom, Edge())
    page = desk.stored("/news/", purged=True)
    desk.put(page, purged=True)
    desk.work(page)
    assert desk.edge.asked == []
    time_passes(inside, 11)
    desk.work(page)
    assert len(desk.edge.asked) == 1


def test_a_newer_put_moves_the_second_purge(newsroom: Newsroom, inside: Inside) -> None:
    """Ten seconds count from the latest PUT: an older fetch can still be under way."""
    desk = Desk(newsroom, Edge())
    page = desk.stored("/news/")
    desk.work(page)
    time_passes(inside, 6)
    desk.put(page)
    desk.work(page)
    assert step_of(inside, page)["in_seconds"] > 8
    time_passes(inside, 11)
    desk.work(page)
    assert len(desk.edge.asked) == 3
    assert step_of(inside, page)["state"] == "done"


def test_pages_that_are_due_share_one_request(newsroom: Newsroom, inside: Inside) -> None:
    """Where requests are scarce the first step takes the others along, and they find nothing left."""
    desk = Desk(newsroom, Edge(RATED))
    pages = [desk.stored(path) for path in ("/", "/news/", "/feed.xml")]
    assert not desk.purging.at_once(desk.loaded(pages[0]))
    for passed in (0, 11):
        time_passes(inside, passed)
        for page in pages:
            desk.work(page)
    assert [sorted(asked) for asked in desk.edge.asked] == [sorted(url(page.path) for page in pages)] * 2
    assert {step_of(inside, page)["state"] for page in pages} == {"done"}


def test_a_busy_edge_is_asked_again_when_it_says(newsroom: Newsroom, inside: Inside) -> None:
    """The step is due at that time, no attempt is counted, and then the purge goes through."""
    desk = Desk(newsroom, Edge(error=CdnBusy("429", seconds=40)))
    page = desk.stored("/news/")
    desk.work(page)
    assert 38 < step_of(inside, page)["in_seconds"] <= 40
    assert step_of(inside, page)["attempts"] == 0
    desk.edge.error = None
    time_passes(inside, 41)
    desk.work(page)
    assert desk.edge.asked == [(url("/news/"),)]
    assert inside.page("/news/")["purged"] == page.live


def test_dependents_of_a_paid_edge_expire_by_themselves(newsroom: Newsroom, inside: Inside) -> None:
    """Feeds cost nothing: no request, no second one, and nobody waits."""
    desk = Desk(newsroom, Edge(PAID))
    page = desk.stored("/feed.xml", PageKind.rss)
    assert desk.purging.at_once(desk.loaded(page))
    desk.work(page)
    assert (desk.edge.asked, step_of(inside, page)["state"]) == ([], "done")


def test_the_months_paths_are_counted_by_the_database(newsroom: Newsroom) -> None:
    """Every worker adds to the same number, and fronts stop at the budget."""
    desk, other = Desk(newsroom, Edge(PAID)), Desk(newsroom, Edge(PAID))
    MonthLedger(newsroom.engine).spend(7)
    for number, at in enumerate((desk, other, desk)):
        at.work(at.stored(f"/{number}/"))
    assert MonthLedger(newsroom.engine).spent() == 9
    assert (len(desk.edge.asked), len(other.edge.asked)) == (1, 1)


def test_a_removed_articles_page_is_dropped_and_not_marked(newsroom: Newsroom, inside: Inside) -> None:
    """A change may leave a stale copy for bad times, a removal never."""
    desk = Desk(newsroom, Edge())
    article, page = newsroom.article(1, newsroom.photo())
    desk.put(page)
    desk.work(page)
    inside.run(f"UPDATE article SET status = 'killed', live_revision = NULL WHERE id = '{article.id}'")
    desk.put(page)
    desk.work(page)
    assert desk.edge.soft == [True, False]


def test_dead_purges_come_back_once_the_setting_is_right(newsroom: Newsroom, inside: Inside) -> None:
    """What died of a wrong token is due again after the first purge that gets through."""
    desk = Desk(newsroom, Edge(error=CdnRefused("check NASHR_CDN_TOKEN")))
    dead, other = desk.stored("/news/"), desk.stored("/")
    with pytest.raises(CdnRefused):
        desk.work(dead)
    inside.run(f"UPDATE step SET state = 'dead', lease_until = NULL WHERE key = '{dead.id}'")
    desk.edge.error = None
    desk.work(other)
    desk.work(dead)
    assert desk.edge.asked == [(url("/"),), (url("/news/"),)]
