"""The related steps: sign a text and link it; once it is live, count it and give older stories its link."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from nashr.bootstrap import Runtime
from nashr.domain.article import Content
from nashr.domain.errors import WorkError
from nashr.domain.seealso import CARDS
from nashr.domain.site import Site
from nashr.observability.logs import logger
from nashr.pages import Fact
from nashr.runtime.worker import Commit, Finish
from nashr.steps import Priority
from nashr.store import articles, corpora, golive, links, pagerows, queue, signatures, sites
from nashr.store.articles import Article
from nashr.store.database import at_end, rows, run, scalar, statement, transaction
from nashr.store.links import StoredLink
from nashr.store.pagerows import Why
from nashr.store.queue import Step
from sqlalchemy import Connection

from nashr_related import core, counting, drawing, signing
from nashr_related.analysis import primary, surfaces

AT_ONCE: Final = 20  # articles that one run of backlinks takes in
PINNING: Final = 100  # pages that are drawn again because one of their pins came or left
LONGEST_REST: Final = 30.0  # seconds
REST: Final = 4.0  # times as long as it ran does backlinks rest before its next run
REINDEX_AT_ONCE: Final = 500  # articles that one run of reindex takes in
REINDEX_SECONDS: Final = 2.0  # that it takes at most; it rests as long
DROPPED_AT_ONCE: Final = 20_000  # rows that a rebuild has replaced


class Related:
    """Handlers of the related service."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def related(self, step: Step) -> Commit:
        """Signs a revision's text (its own transaction, so that simultaneous stories meet), then links it.

        A later revision of a live article is left to ``backlinks``, which follows when it goes live: until
        then neither its words nor its pins are anybody's to see.
        """
        with statement(self._runtime.engine) as conn:
            site = sites.get(conn, step.site).site
            article = articles.find(conn, step.input["article"])
            assert article is not None
            doc = articles.read_content(conn, site, article.id, step.input["revision"])
        kept = self._keep(site, article, doc, step.input["revision"], unseen=True)
        if kept is None:
            return lambda _: Finish({"left_to": "backlinks"})
        with statement(self._runtime.engine) as conn:
            drawn = drawing.draw(conn, site, article, doc, drawing.near(conn, site, kept))

        def commit(conn: Connection) -> Finish:
            links.replace(conn, article.number, drawn)
            return Finish({"links": len(drawn)})

        return commit

    def reindex(self, step: Step) -> Commit:
        """Signs a site's live articles again, newest first, into the newest corpus of each language.

        After a small archive has doubled, since it has learnt which terms are rare; or for a rebuild, into
        a new corpus, whose counts begin anew. A while at a time, with rests: new stories go before. When
        the archive doubles again or a rebuild is asked for meanwhile, it starts anew.
        """
        started = time.monotonic()
        with statement(self._runtime.engine) as conn:
            site = sites.get(conn, step.site).site
            state = _Pass.of(step, conn, site)
            found = corpora.newest_live(conn, site.id, before=state.before, limit=REINDEX_AT_ONCE)
        for number, article in found:
            self._sign_again(site, article)
            state.done, state.before = state.done + 1, number
            if time.monotonic() - started > REINDEX_SECONDS:
                break
        over = not found and self._dropped(site, started)

        def commit(conn: Connection) -> Finish:
            if not over:
                return Finish(state.result(), again_at=_after(conn, time.monotonic() - started))
            _relink_newest(conn, site)
            queue.hold(conn, step)  # whoever wants it from here on arms this step again
            again = state.overtaken(conn, site)
            return Finish(
                state.result(over=True), again_at=_after(conn, counting.REINDEX_DELAY) if again else None
            )

        return commit

    def _dropped(self, site: Site, started: float) -> bool:
        """Removes what a rebuild has replaced, in portions; False when the time of a run is up before."""
        while True:
            with transaction(self._runtime.engine) as conn:
                if corpora.drop_earlier(conn, site.id, at_most=DROPPED_AT_ONCE):
                    return True
            if time.monotonic() - started > REINDEX_SECONDS:
                return False

    def _sign_again(self, site: Site, article: str) -> None:
        with statement(self._runtime.engine) as conn:
            found = articles.find(conn, article)
            if found is None or found.live_revision is None:
                return
            doc = articles.read_content(conn, site, article, found.live_revision)
        with _noted(article):
            self._keep(site, found, doc, found.live_revision, count=True)

    def backlinks(self, step: Step) -> Commit:
        """Counts what went live or left; draws anew its links, and those of older articles it improves.

        All that came since the last run at once: an older article that gains from ten is drawn once. It
        rests after a run, so that a storm of new stories is not held up by old ones; removals go first and
        wait for no rest. Other editions are told in any case: their hreflang names the article now, or no
        more. An article that fails is noted, and taken last.
        """
        started = time.monotonic()
        with statement(self._runtime.engine) as conn:
            site = sites.get(conn, step.site).site
            if _removals(conn, site) == 0 and (rest := _rest_left(conn, step)) is not None:
                return lambda conn: _next_run(conn, step, site, step.result or {}, rest)
            fresh = _unlinked(conn, site)
            found = [article for article in (articles.find(conn, item["id"]) for item in fresh) if article]
        round_ = _Round([article.number for article in found])
        for article in found:
            with _noted(article.id):
                self._take_in(site, article, round_)
                round_.done.add(article.id)
        self._draw_older(site, round_)

        def commit(conn: Connection) -> Finish:
            _mark_linked(conn, fresh, done=round_.done)
            counting.count(conn, round_.changes)
            changed = [number for number, drawn in sorted(round_.drawn.items())
                       if links.replace(conn, number, drawn)]  # fmt: skip
            told = round_.translations
            gone = {article.id for article in found if article.live_revision is None}
            _want(
                conn,
                drawn=_pages(conn, changed),
                editions={page for pages in told.values() for page in pages},
                urgent={page for one in told.keys() & gone for page in told[one]},
            )
            golive.editions_changed(conn, [one for one, pages in told.items() if pages])
            counting.reindex_when_doubled(conn, site, round_.changes)
            rested = _rested(conn, started)
            result = {"refreshed": len(changed), "rested": rested.isoformat()}
            return _next_run(conn, step, site, result, rested)

        return commit

    def _draw_older(self, site: Site, round_: _Round) -> None:
        """Draws those that lost a link or lack cards, and those that may gain one: the best that do stay.

        Those that pin what came or left share their places among their pins anew.
        """
        with statement(self._runtime.engine) as conn:
            due = {
                *links.linking(conn, round_.hidden, each=core.GAINING),
                *round_.misled,
                *links.pinning(conn, round_.came_or_left, each=PINNING),
                *links.without_cards(conn, site.id, cards=CARDS, limit=core.GAINING),
            }
            maybe = {older for gaining in round_.gaining.values() for older in gaining}
            wanted = articles.of_numbers(conn, (due | maybe) - round_.drawn.keys())
        drawn = {}
        for article in wanted:
            with _noted(article.id):
                drawn[article.number] = self._draw_again(site, article)[0]
        for new, gaining in round_.gaining.items():
            due.update(
                [older for older in gaining if drawing.shows(drawn.get(older, ()), new)][: core.GAINING]
            )
        round_.drawn |= {older: links for older, links in drawn.items() if older in due}

    def _take_in(self, site: Site, article: Article, round_: _Round) -> None:
        """An article that went live, changed or left: its links, what it improves, what counts change."""
        if article.kind == "page":  # no story: nothing is drawn for it, and nothing leads to it
            with statement(self._runtime.engine) as conn:
                round_.translations[article.id] = _translations(conn, article)
            return
        seen = article.live_revision is not None
        if seen:
            drawn, doc, near = self._draw_again(site, article)
            round_.drawn[article.number] = drawn
        with statement(self._runtime.engine) as conn:
            if seen and doc.listed("related"):
                round_.gaining[article.number] = drawing.gaining(conn, site, article, near)
            else:
                round_.hidden.append(article.number)
            if (change := counting.uncounted(conn, site, article)) is not None:
                round_.changes.append(change)
                if seen and change.terms:
                    round_.misled += drawing.misled(conn, article, near)
            round_.translations[article.id] = _translations(conn, article)

    def _draw_again(
        self, site: Site, article: Article
    ) -> tuple[Sequence[StoredLink], Content, drawing.Neighbourhood]:
        """The links of a live article as of now, drawn by a signature of what readers see."""
        assert article.live_revision is not None
        with statement(self._runtime.engine) as conn:
            doc = articles.read_content(conn, site, article.id, article.live_revision)
            signed = signatures.signature(conn, article.number)
            current = corpora.corpus(conn, site.id, primary(doc.language))
        if signed is None or (signed.text_hash, signed.corpus) != (signing.text_hash(doc), current):
            signed = self._keep(site, article, doc, article.live_revision) or signed
        with statement(self._runtime.engine) as conn:
            near = drawing.near(conn, site, signed)
            return drawing.draw(conn, site, article, doc, near), doc, near

    def _keep(
        self,
        site: Site,
        article: Article,
        doc: Content,
        revision: int,
        *,
        unseen: bool = False,
        count: bool = False,
    ) -> signatures.Signature | None:
        """Signs a revision and stores that, if by then it still is what readers see; else None.

        ``unseen``: also what they have not seen yet, of an article that has nothing live. ``count``: counts
        it too, where its corpus does not know the article.
        """
        with statement(self._runtime.engine) as conn:
            signed = signing.sign(conn, site, article.number, doc)
        terms = dict.fromkeys(signing.terms(doc), 1) if count else {}
        words = surfaces(signing.text(doc), language=doc.language) if count else {}
        with transaction(self._runtime.engine) as conn:
            now = articles.find(conn, article.id, lock=True)
            first = unseen and now is not None and now.live_revision is None and now.status not in _REMOVED
            if now is None or not (first or now.live_revision == revision):
                return None
            counting.leave_language(conn, site, article, signed)
            counted = signatures.sign(conn, signed)
            if count and counted is None:
                counting.count(
                    conn,
                    [counting.Change(article.number, primary(doc.language), None, revision, terms, words)],
                )
        return signed


_REMOVED: Final = frozenset({"killed", "taken_down"})


@dataclass
class _Round:
    """What one run of backlinks finds out: ``drawn`` by article, ``hidden`` is what nothing may link to.

    ``gaining`` are the older articles that may show a new one, by the new one; ``misled`` link to what a
    text was before it changed.
    """

    came_or_left: Sequence[int] = ()

    drawn: dict[int, Sequence[StoredLink]] = field(default_factory=dict)
    gaining: dict[int, Sequence[int]] = field(default_factory=dict)
    hidden: list[int] = field(default_factory=list)
    misled: list[int] = field(default_factory=list)
    changes: list[counting.Change] = field(default_factory=list)
    translations: dict[str, list[int]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)


@contextmanager
def _noted(article: str) -> Iterator[None]:
    """One article that cannot be worked on holds up no other; outages hold up all."""
    try:
        yield
    except WorkError:
        raise
    except Exception:
        logger().error("related.article_failed", article=article, exc_info=True)


@dataclass
class _Pass:
    """How far a pass of reindex has come: articles ``done`` of ``total``, down to the number ``before``.

    ``corpus`` is the newest that a rebuild has made, 0 where none has, and ``size`` the articles counted of
    the site when it began.
    """

    before: int | None
    done: int
    total: int
    corpus: int
    size: int

    @classmethod
    def of(cls, step: Step, conn: Connection, site: Site) -> _Pass:
        """The pass that goes on; a new one after the last was over, or when a rebuild has overtaken it."""
        before = step.result or {}
        newest = corpora.rebuilt(conn, site.id)
        if before.get("over", True) or before["corpus"] != newest:
            return cls(None, 0, corpora.count_live(conn, site.id), newest, counting.size(conn, site))
        return cls(*(before[name] for name in ("before", "done", "total", "corpus", "size")))

    def result(self, *, over: bool = False) -> dict[str, Any]:
        return {**vars(self), "over": over}

    def overtaken(self, conn: Connection, site: Site) -> bool:
        newest = corpora.rebuilt(conn, site.id)
        return newest > self.corpus or counting.REWEIGHED >= counting.size(conn, site) >= 2 * self.size > 0


def _next_run(
    conn: Connection, step: Step, site: Site, result: Mapping[str, Any], rested: datetime
) -> Finish:
    """The end of a run of backlinks: at once again for a removal, after its rest for the others."""
    queue.hold(conn, step)  # whoever adds an article from here on arms this step again
    if _removals(conn, site):
        return Finish(result, scalar(conn, "SELECT clock_timestamp()"), Priority.breaking)
    return Finish(result, rested if _unlinked(conn, site) else None, Priority.bulk)


def _rested(conn: Connection, started: float) -> datetime:
    """When a run that began at ``started`` (monotonic) may be followed by the next."""
    return _after(conn, min(LONGEST_REST, max(1.0, REST * (time.monotonic() - started))))


def _after(conn: Connection, seconds: float) -> datetime:
    at: datetime = scalar(conn, "SELECT clock_timestamp() + make_interval(secs => :seconds)", seconds=seconds)
    return at


def _rest_left(conn: Connection, step: Step) -> datetime | None:
    """Until when the rest after the last run lasts; None when it is over."""
    rested = (step.result or {}).get("rested")
    if rested is None:
        return None
    at: datetime | None = scalar(
        conn, "SELECT at FROM CAST(:rested AS timestamptz) AS at WHERE at > clock_timestamp()", rested=rested
    )
    return at


def _relink_newest(conn: Connection, site: Site) -> None:
    """Has the newest articles drawn anew, behind whatever comes or changes within the hour."""
    newest = corpora.newest_live(conn, site.id, before=None, limit=10 * core.GAINING)
    run(
        conn,
        """WITH newest AS MATERIALIZED (
            SELECT id FROM article WHERE number = ANY(:numbers) AND unlinked_since IS NULL
            ORDER BY id FOR NO KEY UPDATE)
        UPDATE article SET unlinked_since = clock_timestamp() + interval '1 hour'
        FROM newest WHERE article.id = newest.id""",
        numbers=[number for number, _ in newest],
    )

    def rearm(conn: Connection) -> None:
        queue.rearm(conn, "backlinks", site.id, site=site.id, data={}, priority=Priority.bulk)
        queue.notify(conn)

    at_end(conn, rearm)


def _unlinked(conn: Connection, site: Site) -> list[Mapping[str, Any]]:
    return rows(
        conn,
        """SELECT id, unlinked_since FROM article WHERE site = :site AND unlinked_since IS NOT NULL
        ORDER BY live_revision IS NOT NULL, unlinked_since LIMIT :limit""",
        site=site.id, limit=AT_ONCE,
    )  # fmt: skip


def _removals(conn: Connection, site: Site) -> int:
    """How many articles have left readers' sight and are not dealt with yet."""
    return int(
        scalar(
            conn,
            """SELECT count(*) FROM article WHERE site = :site AND unlinked_since IS NOT NULL
                AND live_revision IS NULL""",
            site=site.id,
        )
    )


def _mark_linked(conn: Connection, fresh: Sequence[Mapping[str, Any]], *, done: Collection[str]) -> None:
    """Those that changed again meanwhile stay due; those that failed come last next time."""
    run(
        conn,
        """WITH taken AS MATERIALIZED (
            SELECT article.id, fresh.done FROM unnest(CAST(:ids AS text[]), CAST(:since AS timestamptz[]),
                CAST(:done AS boolean[])) AS fresh(id, since, done)
            JOIN article ON article.id = fresh.id AND article.unlinked_since = fresh.since
            ORDER BY article.id FOR NO KEY UPDATE OF article)
        UPDATE article SET unlinked_since = CASE WHEN taken.done THEN NULL ELSE clock_timestamp() END
        FROM taken WHERE article.id = taken.id""",
        ids=[item["id"] for item in fresh], since=[item["unlinked_since"] for item in fresh],
        done=[item["id"] in done for item in fresh],
    )  # fmt: skip


def _translations(conn: Connection, article: Article) -> list[int]:
    """The pages of the other editions."""
    root = article.translation_of or article.id
    found = rows(
        conn,
        """SELECT page FROM article WHERE (id = :root OR translation_of = :root) AND id <> :id
            AND live_revision IS NOT NULL AND page IS NOT NULL""",
        root=root, id=article.id,
    )  # fmt: skip
    return [item["page"] for item in found]


def _pages(conn: Connection, numbers: Sequence[int]) -> list[int]:
    """The pages that show the links of these articles."""
    ids = [item["id"] for item in rows(
        conn, "SELECT id FROM article WHERE number = ANY(:numbers)", numbers=list(numbers)
    )]  # fmt: skip
    return [page for article in ids for page in golive.pages_of_article(conn, article, Fact.links)]


def _want(conn: Connection, *, drawn: Sequence[int], editions: Set[int], urgent: Set[int]) -> None:
    """The pages of new links, and of other ``editions``; ``urgent``: of these, those that name what is gone.

    All locked in one order; the urgent go out before anything else.
    """
    locked = pagerows.lock_ids(conn, [*drawn, *editions])
    linked = [page for page in locked if page.id not in editions]
    told = [page for page in locked if page.id in editions - urgent]
    first = [page for page in locked if page.id in urgent]
    pagerows.want(conn, linked, priority=Priority.bulk, why=Why({Fact.links}, "backlinks"))
    pagerows.want(conn, told, priority=Priority.bulk, why=Why({Fact.editions}, "backlinks"))
    pagerows.want(conn, first, priority=Priority.breaking, why=Why({Fact.editions}, "backlinks"))
