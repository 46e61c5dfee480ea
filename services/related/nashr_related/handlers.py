"""The related steps: sign a text and link it; then, once it is live, give older stories its link."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from nashr.bootstrap import Runtime
from nashr.domain.article import Content
from nashr.domain.site import Site
from nashr.pages import Fact
from nashr.runtime.worker import Commit, Finish
from nashr.steps import Priority
from nashr.store import articles, golive, links, pagerows, queue, sites
from nashr.store.articles import Article
from nashr.store.database import rows, run, scalar, statement, transaction
from nashr.store.ids import fingerprint
from nashr.store.links import Near, StoredLink
from nashr.store.queue import Step
from sqlalchemy import Connection

from nashr_related import core
from nashr_related.analysis import primary, term_hash, terms

CARDS = 4
MOST_SEE_ALSO = 10
PARAGRAPHS_PER_LINK = 3
REFRESHED = 20
AT_ONCE = 50  # articles that one run of backlinks or reweigh takes in
MOST_REDRAWN = 60  # older articles that a run of backlinks draws anew
LONGEST_REST = 30.0  # seconds
REST = 4.0  # times as long as it ran does either rest before the next run
REWEIGH_DELAY = 1.0
REWEIGHED = 8192  # articles: an archive past this size knows its rare terms


class Related:
    """Handlers of the related service."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def related(self, step: Step) -> Commit:
        """Signs a revision's text (its own transaction, so that simultaneous stories meet), then links it."""
        with statement(self._runtime.engine) as conn:
            site = sites.get(conn, step.site).site
            doc = articles.read_content(conn, site, step.input["article"], step.input["revision"])
            signature = _sign(conn, site, step.input["number"], doc)
        with transaction(self._runtime.engine) as conn:
            links.sign(conn, site.id, signature)
        with statement(self._runtime.engine) as conn:
            article = articles.find(conn, step.input["article"])
            assert article is not None
            drawn = _draw(conn, site, article, doc)

        def commit(conn: Connection) -> Finish:
            links.replace(conn, site.id, article.number, drawn)
            _reweigh_when_doubled(conn, site, signature.language)
            return Finish({"links": len(drawn)})

        return commit

    def reweigh(self, step: Step) -> Commit:
        """Signs a small archive again: rarities learnt since change what its articles are found by.

        Newest first and a few at a time, with rests: new stories go before. If the archive doubles again
        meanwhile, it starts anew at the end.
        """
        started = time.monotonic()
        language, before = step.input["language"], (step.result or {}).get("before")
        with statement(self._runtime.engine) as conn:
            site = sites.get(conn, step.site).site
            size = (step.result or {}).get("size") or _size(conn, site, language)
            newest = links.newest_signed(conn, site.id, language, before=before, limit=AT_ONCE)
        for number, article in newest:
            with transaction(self._runtime.engine) as conn:
                found = articles.find(conn, article)
                if found is not None and found.live_revision is not None:
                    doc = articles.read_content(conn, site, article, found.live_revision)
                    links.sign(conn, site.id, _sign(conn, site, number, doc))

        def commit(conn: Connection) -> Finish:
            if len(newest) == AT_ONCE:
                return Finish({"before": newest[-1][0], "size": size}, again_at=_rested(conn, started))
            _relink_newest(conn, site, language)
            queue.hold(conn, step)  # whoever doubles it from here on arms this step again
            doubled = _size(conn, site, language) >= 2 * size
            return Finish(again_at=_rested(conn, started) if doubled else None)

        return commit

    def backlinks(self, step: Step) -> Commit:
        """Draws anew the links of articles that went live or left, and of the older ones these improve.

        All that came since the last run at once: an older article that gains from ten is drawn once. It
        rests after a run, so that a storm of new stories is not held up by old ones; removals go first and
        wait for no rest. Other editions are told in any case: their hreflang names the article now, or no
        more.
        """
        started = time.monotonic()
        with statement(self._runtime.engine) as conn:
            site = sites.get(conn, step.site).site
            if _removals(conn, site) == 0 and (rest := _rest_left(conn, step)) is not None:
                return lambda conn: _next_run(conn, step, site, step.result or {}, rest)
            fresh = _unlinked(conn, site)
            found = [article for article in (articles.find(conn, item["id"]) for item in fresh) if article]
            live = [article for article in found if article.live_revision is not None]
            drawn = dict(_redrawn(conn, site, live))
            told = {article.id: _translations(conn, article) for article in found}

        def commit(conn: Connection) -> Finish:
            _mark_linked(conn, fresh)
            changed = [
                number for number in sorted(drawn) if links.replace(conn, site.id, number, drawn[number])
            ]
            _want(
                conn,
                calm=[*_pages(conn, changed), *(page for article in live for page in told.pop(article.id))],
                urgent=[page for pages in told.values() for page in pages],
            )
            rested = _rested(conn, started)
            result = {"refreshed": len(changed), "rested": rested.isoformat()}
            return _next_run(conn, step, site, result, rested)

        return commit


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
    seconds = min(LONGEST_REST, max(1.0, REST * (time.monotonic() - started)))
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


def _relink_newest(conn: Connection, site: Site, language: str) -> None:
    newest = links.newest_signed(conn, site.id, language, before=None, limit=10 * REFRESHED)
    run(
        conn,
        "UPDATE article SET unlinked_since = clock_timestamp() WHERE number = ANY(:numbers)",
        numbers=[number for number, _ in newest],
    )
    queue.rearm(conn, "backlinks", site.id, site=site.id, data={}, priority=Priority.bulk)
    queue.notify(conn)


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


def _mark_linked(conn: Connection, done: Sequence[Mapping[str, Any]]) -> None:
    """Those that changed again meanwhile stay due."""
    run(
        conn,
        """UPDATE article SET unlinked_since = NULL
        FROM unnest(CAST(:ids AS text[]), CAST(:since AS timestamptz[])) AS done(id, since)
        WHERE article.id = done.id AND article.unlinked_since = done.since""",
        ids=[item["id"] for item in done], since=[item["unlinked_since"] for item in done],
    )  # fmt: skip


def _redrawn(
    conn: Connection, site: Site, fresh: Sequence[Article]
) -> Iterable[tuple[int, Sequence[StoredLink]]]:
    bare = links.without_cards(conn, site.id, cards=CARDS, limit=REFRESHED)
    gaining = [number for article in fresh for number in _gaining(conn, site, article, bare=bare)]
    for number in list(dict.fromkeys([*(article.number for article in fresh), *gaining]))[:MOST_REDRAWN]:
        found = rows(conn, "SELECT id FROM article WHERE number = :number", number=number)
        older = articles.find(conn, found[0]["id"])
        if older is not None and older.live_revision is not None:
            doc = articles.read_content(conn, site, older.id, older.live_revision)
            yield number, _draw(conn, site, older, doc)


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


def _size(conn: Connection, site: Site, language: str) -> int:
    """How many articles were ever signed."""
    return links.frequencies(conn, site.id, language, ())[1]


def _reweigh_when_doubled(conn: Connection, site: Site, language: str) -> None:
    documents = _size(conn, site, language)
    if 1 < documents <= REWEIGHED and documents & (documents - 1) == 0:
        queue.rearm(
            conn, "reweigh", f"{site.id}/{language}", site=site.id, data={"language": language},
            priority=Priority.bulk, delay=REWEIGH_DELAY,
        )  # fmt: skip
        queue.notify(conn)


def _sign(conn: Connection, site: Site, number: int, doc: Content) -> links.Signature:
    """Signs with the document frequencies of this moment."""
    standfirst, text = doc.standfirst or "", doc.text()
    hashes = {
        term_hash(term) for term in terms(f"{doc.headline}\n{standfirst}\n{text}", language=doc.language)
    }
    known, documents = links.frequencies(conn, site.id, primary(doc.language), hashes)
    signed = core.sign(
        doc.headline,
        standfirst=standfirst,
        body_text=text,
        language=doc.language,
        idf=lambda term: core.inverse_document_frequency(known.get(term, 0), documents=documents),
    )
    return links.Signature(
        article=number,
        language=signed.language,
        text_hash=fingerprint(doc.language, doc.headline, standfirst, text),
        terms=tuple(term for term, _ in signed.terms),
        weights=tuple(weight for _, weight in signed.terms),
        title_terms=signed.title_terms,
        sketch=signed.sketch,
    )


def _draw(conn: Connection, site: Site, article: Article, doc: Content) -> list[StoredLink]:
    """The links of an article as of now."""
    own = links.signature(conn, article.number)
    if own is None:
        return []
    now: datetime = scalar(conn, "SELECT clock_timestamp()")
    near = links.near(conn, site.id, own)
    ranked = core.rank(_candidates(near, own), now=now, floor=_floor(conn, site, own))
    chosen = links.numbers(conn, site.id, [*doc.related.get("pin", ()), *doc.related.get("ban", ())])
    drawn = core.draw(
        ranked,
        article=article.number,
        sketch=own.sketch,
        see_also=min(MOST_SEE_ALSO, doc.paragraphs // PARAGRAPHS_PER_LINK),
        cards=CARDS,
        pins=[chosen[item] for item in doc.related.get("pin", ()) if item in chosen],
        bans=[chosen[item] for item in doc.related.get("ban", ()) if item in chosen],
    )
    latest = links.latest(conn, site.id, doc.section, article=article.number, limit=4 * CARDS)
    return _stored(core.fill(drawn, latest, cards=CARDS))


def _floor(conn: Connection, site: Site, own: links.Signature) -> float:
    return core.floor(_size(conn, site, own.language))


def _stored(drawn: core.Draw) -> list[StoredLink]:
    slots = (("see_also", drawn.see_also), ("related_news", drawn.related_news))
    return [
        StoredLink(link.article, slot, link.position, link.score, link.reason)
        for slot, found in slots
        for link in found
    ]


def _candidates(near: Sequence[Near], own: links.Signature) -> list[core.Candidate]:
    weights = dict(zip(own.terms, own.weights, strict=True))
    return [_candidate(item, own, weights) for item in near]


def _candidate(near: Near, own: links.Signature, own_weights: Mapping[int, float]) -> core.Candidate:
    weights = dict(zip(near.terms, near.weights, strict=True))
    return core.Candidate(
        article=near.article,
        cosine=core.cosine(own_weights, weights),
        title_overlap=core.title_overlap(own.title_terms, near.title_terms),
        published_at=near.published_at,
        section=near.section,
        sketch=near.sketch,
        weights=weights,
    )


def _gaining(conn: Connection, site: Site, article: Article, *, bare: Sequence[int]) -> list[int]:
    """Older articles whose links the new one betters, and those whose cards are ``bare``."""
    own = links.signature(conn, article.number)
    if own is None or article.published_at is None:
        return []
    near = links.near(conn, site.id, own)
    now: datetime = scalar(conn, "SELECT clock_timestamp()")
    better = core.gains(
        _candidates(near, own),
        heads=_heads(conn, near, now),
        published_at=article.published_at,
        sketch=own.sketch,
        now=now,
        floor=_floor(conn, site, own),
        cap=REFRESHED,
    )
    numbers = dict.fromkeys([gain.article for gain in better] + [n for n in bare if n != article.number])
    return list(numbers)[:REFRESHED]


def _heads(conn: Connection, near: Sequence[Near], now: datetime) -> Mapping[int, core.Head]:
    """The weakest link of each older article, taken as drawn when it went live: that errs to a redraw."""
    found: dict[int, list[Mapping[str, Any]]] = {item.article: [] for item in near}
    stored = rows(
        conn,
        """SELECT src, score, reason FROM link WHERE src = ANY(:srcs)
            AND (slot = 'see_also' OR position < :cards)""",
        srcs=list(found), cards=CARDS,
    )  # fmt: skip
    for item in stored:
        found[item["src"]].append(item)
    return {item.article: _head(found[item.article], at=min(item.published_at, now)) for item in near}


def _head(shown: Sequence[Mapping[str, Any]], *, at: datetime) -> core.Head:
    if len(shown) < CARDS or any(item["reason"] == "latest" for item in shown):
        return core.Head(weakest=None, drawn_at=at)
    similar = [item["score"] for item in shown if item["reason"] == "similar"]
    return core.Head(weakest=min(similar, default=float("inf")), drawn_at=at)


def _pages(conn: Connection, numbers: Sequence[int]) -> list[int]:
    """The pages that show the links of these articles."""
    ids = [item["id"] for item in rows(
        conn, "SELECT id FROM article WHERE number = ANY(:numbers)", numbers=list(numbers)
    )]  # fmt: skip
    return [page for article in ids for page in golive.pages_of_article(conn, article, Fact.links)]


def _want(conn: Connection, *, calm: Sequence[int], urgent: Sequence[int]) -> None:
    """All locked in one order; those that would name a page that is gone go out before anything else."""
    locked = pagerows.lock_ids(conn, [*calm, *urgent])
    pagerows.want(conn, [page for page in locked if page.id not in urgent], priority=Priority.bulk)
    pagerows.want(conn, [page for page in locked if page.id in urgent], priority=Priority.breaking)
