"""A takedown's last step on a real PostgreSQL, before a store and an edge that do as they are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest
from nashr.adapters.cdn.purger import Purger
from nashr.bootstrap import Runtime
from nashr.domain.errors import NotYet
from nashr.domain.purging import Limits
from nashr.ports import CdnBusy, CdnUnavailable, Fetched
from nashr.runtime.worker import Finish
from nashr.settings import Settings
from nashr.steps import STEPS
from nashr.store import articles, golive, publishing, queue
from nashr.store.database import run, scalar, transaction
from nashr.store.golive import Shown
from nashr_delivery.removal import LOOK_AGAIN, Removal

from tests.integration.store.newsroom import SITE, Newsroom, begin, keys_of

if TYPE_CHECKING:
    from nashr.store.articles import Article
    from nashr.store.assets import Asset
    from nashr.store.pagerows import PageRow
    from nashr.store.publishing import Publication
    from sqlalchemy import Engine

    from tests.integration.store.conftest import Inside


@dataclass
class Edge:
    """nashr.ports.Cdn: ``answers`` by URL, else 404 for files, 451 for the story and 200 for lists."""

    limits: Limits = field(default_factory=Limits)
    vantage: str = "here"
    error: Exception | None = None
    answers: dict[str, Fetched] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def purge(self, *, urls: Sequence[str], tags: Sequence[str] = (), soft: bool = False) -> None:  # noqa: ARG002
        if self.error:
            raise self.error
        self.asked += urls

    def fetch(self, url: str) -> Fetched:
        if self.error:
            raise self.error
        if url in self.answers:
            return self.answers[url]
        if url.endswith((".jpg", ".webp")):
            return Fetched(404, {}, b"")
        own = url == SITE.url("/news/1/") or url.startswith(SITE.url("/a/"))
        return Fetched(451 if own else 200, {}, b"")

    def close(self) -> None: ...


@dataclass
class Bucket:
    """As much of nashr.ports.ObjectStore as a deletion needs; ``gone``: the keys it was asked to delete."""

    gone: list[str] = field(default_factory=list)

    def delete(self, key: str) -> None:
        self.gone.append(key)

    def head(self, key: str) -> None: ...


@dataclass
class Takedown:
    """An article with a photo that was taken down, its page a tombstone by now; and its remove step."""

    newsroom: Newsroom
    edge: Edge
    photo: Asset
    article: Article
    page: PageRow
    found: Publication

    def __post_init__(self) -> None:
        self.site_store, self.originals = Bucket(), Bucket()
        runtime = Runtime(Settings(), self.newsroom.engine)
        runtime.__dict__.update(
            purger=Purger(cast("Any", self.edge)), site_store=self.site_store, originals=self.originals
        )
        self.removal = Removal(runtime)

    def delivered(self) -> None:
        """The store has acknowledged one more version of the tombstone."""
        with transaction(self.newsroom.engine) as conn:
            shown = Shown(cast("Publication", publishing.find(conn, self.found.id)), None, None, None)
            version = scalar(conn, "SELECT wanted FROM page WHERE id = :id", id=self.page.id)
            golive.article_is_live(conn, SITE, self.page, version, shown)

    def all_delivered(self) -> None:
        """Every page is out at the version it is wanted at, and purged."""
        self.run("UPDATE page SET attempted = wanted, live = wanted, stored = wanted, purged = wanted")

    def work(self) -> Finish:
        """Claims the step, which is due whenever it is, and runs it once."""
        self.run("UPDATE step SET available_at = clock_timestamp() WHERE kind = 'remove'")
        step = queue.claim_next(self.newsroom.engine, ["remove"], owner="delivery:1", lease=10)
        assert step is not None
        try:
            commit = self.removal.remove(step)
        except Exception:
            with transaction(self.newsroom.engine) as conn:
                queue.retry(conn, step, "failed")
            raise
        with transaction(self.newsroom.engine) as conn:
            finish = commit(conn)
            queue.finish(conn, step, result=finish.result, again_at=finish.again_at)
        return finish

    def settled(self) -> None:
        """Two passes: deleted, and deleted again."""
        for _ in range(2):
            assert self.work().again_at is not None

    def ends(self) -> dict[str, Any]:
        """Works until the step is done; the publication's row."""
        while self.work().again_at is not None:
            pass
        with transaction(self.newsroom.engine) as conn:
            found = publishing.find(conn, self.found.id)
        assert found is not None
        return {"state": found.state, **found.detail}

    def run(self, sql: str, **values: Any) -> None:
        with transaction(self.newsroom.engine) as conn:
            run(conn, sql, **values)


def taken_down(newsroom: Newsroom, *, edge: Edge | None = None, erase: bool = False) -> Takedown:
    photo = newsroom.photo()
    article, page = newsroom.article(1, photo)
    with transaction(newsroom.engine) as conn:
        found_article = articles.find(conn, article.id, lock=True)
        assert found_article is not None
        found = publishing.remove(
            conn, found_article, "takedown", {"reason": "x", "erase": erase}, actor="test"
        )
    made = Takedown(newsroom, edge or Edge(), photo, found_article, page, found)
    made.delivered()
    made.all_delivered()
    return made


@pytest.fixture
def newsroom(engine: Engine) -> Newsroom:
    return begin(engine)


def story(body: str, version: int = 99) -> Fetched:
    return Fetched(200, {}, f'<meta name="nashr:version" content="{version}">{body}'.encode())


def test_a_takedown_ends(newsroom: Newsroom) -> None:
    """Its files were deleted twice and purged, every address was looked at, and the publication is live."""
    made = taken_down(newsroom)
    found = made.ends()
    assert found["state"] == "live"
    assert [one for one in found["checks"] if not one["ok"]] == []
    assert {"page", "section", "rendition"} <= {one["what"] for one in found["checks"]}
    assert sorted(made.site_store.gone) == sorted([*keys_of(made.photo)] * 2)


def test_what_is_to_be_erased_waits_for_no_edge(newsroom: Newsroom, inside: Inside) -> None:
    """With an edge that is away the original and the text go all the same; the report comes later."""
    made = taken_down(newsroom, edge=Edge(error=CdnUnavailable("no route")), erase=True)
    made.settled()
    assert made.originals.gone == [made.photo.original_key]
    assert inside.scalar("SELECT headline FROM article") == "—"
    assert inside.scalar("SELECT count(*) FROM object") == 0
    with pytest.raises(CdnUnavailable):
        made.work()
    made.edge.error = None
    assert made.ends()["state"] == "live"


def test_an_outage_of_the_edge_is_waited_for(newsroom: Newsroom) -> None:
    """A takedown is never given up; an edge that is busy says itself when to come again."""
    made = taken_down(newsroom)
    made.settled()
    made.edge.error = CdnBusy("slow down", seconds=7)
    with pytest.raises(NotYet) as busy:
        made.work()
    assert busy.value.seconds == 7
    assert STEPS["remove"].max_attempts >= 1_000_000


def test_a_link_in_another_story_holds_nothing_up(
    newsroom: Newsroom, capsys: pytest.CaptureFixture[str]
) -> None:
    """An editor's link to the story is told, with a warning; the takedown ends."""
    made = taken_down(newsroom)
    made.edge.answers[SITE.url("/feeds/rss.xml")] = story('<a href="/news/1/">')
    found = made.ends()
    (told,) = [one for one in found["checks"] if one["what"] == "mention"]
    assert (found["state"], told["url"], told["ok"]) == ("live", SITE.url("/feeds/rss.xml"), True)
    assert "removal.mentioned" in capsys.readouterr().err


def test_a_page_that_is_wanted_all_the_time_is_looked_at(newsroom: Newsroom) -> None:
    """Only the versions that were wanted in the first pass are waited for."""
    made = taken_down(newsroom)
    made.run("UPDATE page SET wanted = wanted + 1 WHERE path = '/news/'")
    for _ in range(3):
        made.work()
    with pytest.raises(NotYet, match="still on its way"):
        made.work()
    made.run("UPDATE page SET live = wanted, purged = wanted, stored = wanted, wanted = wanted + 1")
    assert made.ends()["state"] == "live"


def test_a_later_revision_ends_a_takedown(newsroom: Newsroom, inside: Inside) -> None:
    """The article came back: its page answers 200 for good reason, and its text and photo stay."""
    made = taken_down(newsroom, erase=True)
    with transaction(newsroom.engine) as conn:
        article = articles.find(conn, made.article.id, lock=True)
        assert article is not None
        articles.copy_revision(conn, SITE, article, 1, actor="test")
    made.run("UPDATE article SET live_revision = 2, removal = NULL")
    made.run("UPDATE publication SET state = 'superseded'")
    newsroom.use(made.page, *keys_of(made.photo))
    made.edge.answers[SITE.url("/news/1/")] = story("back")
    assert made.ends()["state"] == "superseded"
    assert (made.site_store.gone, made.originals.gone) == ([], [])
    texts = "SELECT array_agg(doc->>'headline' ORDER BY number) FROM revision"
    assert inside.scalar(texts) == ["—", "Harvest number 1"]


def test_a_file_that_a_list_lets_go_of_late_is_deleted_too(newsroom: Newsroom) -> None:
    """Also after the text is erased, which is what said which files there were."""
    made = taken_down(newsroom, erase=True)
    listing = newsroom.listing()
    late = keys_of(made.photo)[0]
    newsroom.use(listing, late)
    made.settled()
    assert late not in made.site_store.gone
    newsroom.drop(listing)
    assert made.ends()["state"] == "live"
    assert made.site_store.gone.count(late) == 2


def test_a_removal_is_told_once(newsroom: Newsroom, inside: Inside) -> None:
    """A tombstone that is delivered again while the takedown runs is no second removal."""
    made = taken_down(newsroom)
    made.delivered()
    assert inside.scalar("SELECT count(*) FROM event WHERE type = 'article.removed'") == 1


def test_without_an_edge_to_purge_it_looks_seldom(newsroom: Newsroom) -> None:
    """Every look fetches every address: a copy that has to expire by itself is given time."""
    made = taken_down(newsroom, edge=Edge(limits=Limits(purges=False)))
    made.edge.answers[SITE.url("/news/1/")] = story("still there")
    for _ in range(3):
        made.work()
    with pytest.raises(NotYet, match="expired") as waits:
        made.work()
    assert waits.value.seconds == LOOK_AGAIN == 10
