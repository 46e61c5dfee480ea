"""The related steps: sign a text and link it; once it is live, count it and give older stories its link."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from nashr.bootstrap import Runtime
from nashr.domain.article import Content
from nashr.domain.seealso import CARDS, room
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
from nashr_related.analysis import primary, surfaces

REFRESHED: Final = 20  # older articles that one publication or removal draws anew, at most
AT_ONCE: Final = 20  # articles that one run of backlinks takes in
LONGEST_REST: Final = 30.0  # seconds
REST: Final = 4.0  # times as long as it ran does backlinks rest before its next run
REINDEX_AT_ONCE: Final = 500  # articles that one run of reindex takes in
REINDEX_SECONDS: Final = 2.0  # that it takes at most; it rests as long
REINDEX_DELAY: Final = 1.0
REWEIGHED: Final = 1024  # articles: an archive past this size knows its rare terms


class Related:
    """Handlers of the related service."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def related(self, step: Step) -> Commit:
        """Signs a revision's text (its own transaction, so that simultaneous stories meet), then links it."""
        with statement(self._runtime.engine) as conn:
            site = sites.get(conn, step.site).site
            article = articles.find(conn, step.input["article"])
            assert article is not None
            doc = articles.read_content(conn, site, article.id, step.input["revision"])
            signed = _sign(conn, site, article.number, doc)
        with transaction(self._runtime.engine) as conn:
            links.sign(conn, signed)
        with statement(self._runtime.engine) as conn:
            drawn = _draw(conn, site, article, doc, _near(conn, site, signed))

        def commit(conn: Connection) -> Finish:
            links.replace(conn, article.number, drawn.links, places=drawn.places)
            return Finish({"links": len(drawn.links)})

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
            found = links.newest_live(conn, site.id, before=state.before, limit=REINDEX_AT_ONCE)
        for number, article in found:
            self._sign_again(site, number, article)
            state.done, state.before = state.done + 1, number
            if time.monotonic() - started > REINDEX_SECONDS:
                break
        over = not found

        def commit(conn: Connection) -> Finish:
            if not over:
                return Finish(state.result(), again_at=_after(conn, time.monotonic() - started))
            links.drop_earlier(conn, site.id)
            _relink_newest(conn, site)
            queue.hold(conn, step)  # whoever wants it from here on arms this step again
            again = state.overtaken(conn, site)
            return Finish(state.result(over=True), again_at=_after(conn, REINDEX_DELAY) if again else None)

        return commit

    def _sign_again(self, site: Site, number: int, article: str) -> None:
        with transaction(self._runtime.engine) as conn:
            found = articles.find(conn, article)
            if found is None or found.live_revision is None:
                return
            doc = articles.read_content(conn, site, article, found.live_revision)
            links.sign(conn, _sign(conn, site, number, doc))
            if (change := _uncounted(conn, site, found)) is not None:
                _count(conn, [change])

    def backlinks(self, step: Step) -> Commit:
        """Counts what went live or left; draws anew its links, and those of older articles it improves.

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
        live = {article.number: article for article in found if article.live_revision is not None}
        docs = {number: self._signed(site, article) for number, article in live.items()}
        with statement(self._runtime.engine) as conn:
            changes = [change for article in found if (change := _uncounted(conn, site, article))]
            gone = [article.number for article in found if article.live_revision is None]
            drawn = dict(_redrawn(conn, site, live, docs, gone=gone))
            told = {article.id: _translations(conn, article) for article in found}

        def commit(conn: Connection) -> Finish:
            _mark_linked(conn, fresh)
            _count(conn, changes)
            _reindex_when_doubled(conn, site, changes)
            changed = [
                number
                for number in sorted(drawn)
                if links.replace(conn, number, drawn[number].links, places=drawn[number].places)
            ]
            _want(
                conn,
                calm=[
                    *_pages(conn, changed),
                    *(page for article in live.values() for page in told.pop(article.id)),
                ],
                urgent=[page for pages in told.values() for page in pages],
            )
            rested = _rested(conn, started)
            result = {"refreshed": len(changed), "rested": rested.isoformat()}
            return _next_run(conn, step, site, result, rested)

        return commit

    def _signed(self, site: Site, article: Article) -> Content:
        """What readers see of a live article, signed as such.

        Its step signed it before it went live. A text that came back, an earlier one or one that was away,
        has no step to run again.
        """
        assert article.live_revision is not None
        with statement(self._runtime.engine) as conn:
            doc = articles.read_content(conn, site, article.id, article.live_revision)
            stands = links.signature(conn, article.number)
            current = links.corpus(conn, site.id, primary(doc.language))
            if stands is not None and (stands.text_hash, stands.corpus) == (_text_hash(doc), current):
                return doc
            signed = _sign(conn, site, article.number, doc)
        with transaction(self._runtime.engine) as conn:
            links.sign(conn, signed)
        return doc


@dataclass
class _Pass:
    """How far a pass of reindex has come: articles ``done`` of ``total``, down to the number ``before``.

    ``corpus`` and ``size`` are the newest corpus and the articles of the site when it began.
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
        newest = max(links.corpora(conn, site.id), default=0)
        if before.get("over", True) or before["corpus"] != newest:
            return cls(None, 0, links.count_live(conn, site.id), newest, _size(conn, site))
        return cls(*(before[name] for name in ("before", "done", "total", "corpus", "size")))

    def result(self, *, over: bool = False) -> dict[str, Any]:
        return {**vars(self), "over": over}

    def overtaken(self, conn: Connection, site: Site) -> bool:
        newest = max(links.corpora(conn, site.id), default=0)
        return newest > self.corpus > 0 or REWEIGHED >= _size(conn, site) >= 2 * self.size > 0


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
    newest = links.newest_live(conn, site.id, before=None, limit=10 * REFRESHED)
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


@dataclass(frozen=True)
class _Drawn:
    """The links of an article, and how many of them its page has room for."""

    links: Sequence[StoredLink]
    places: int


def _redrawn(
    conn: Connection,
    site: Site,
    fresh: Mapping[int, Article],
    docs: Mapping[int, Content],
    *,
    gone: Sequence[int],
) -> Iterable[tuple[int, _Drawn]]:
    """The links of the fresh articles, and of older ones that gain, lost a link, or show few."""
    older = dict.fromkeys(links.linking(conn, gone, each=REFRESHED))
    bare = links.without_cards(conn, site.id, cards=CARDS, limit=REFRESHED)
    for number, article in fresh.items():
        near = _near(conn, site, links.signature(conn, number))
        yield number, _draw(conn, site, article, docs[number], near)
        gaining = _gaining(conn, site, article, docs[number], near)
        few = [one for one in bare if one != number][: max(0, REFRESHED - len(gaining))]
        older.update(dict.fromkeys([*gaining, *few]))
    for number in older.keys() - fresh.keys():
        found = rows(conn, "SELECT id FROM article WHERE number = :number", number=number)
        one = articles.find(conn, found[0]["id"])
        if one is not None and one.live_revision is not None:
            doc = articles.read_content(conn, site, one.id, one.live_revision)
            yield number, _draw(conn, site, one, doc, _near(conn, site, links.signature(conn, number)))


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


@dataclass(frozen=True)
class _Change:
    """What an article adds to the counts of its corpus: ``before`` is the revision that is counted now."""

    article: int
    language: str
    before: int | None
    now: int | None
    terms: Mapping[int, int]
    words: Mapping[int, str]


def _uncounted(conn: Connection, site: Site, article: Article) -> _Change | None:
    """Brings the counts up to what readers see of an article: terms that came, terms that went."""
    signed = links.signature(conn, article.number)
    if signed is None or signed.counted == article.live_revision:
        return None
    before, now = (
        None if number is None else articles.read_content(conn, site, article.id, number)
        for number in (signed.counted, article.live_revision)
    )  # fmt: skip
    terms: Counter[int] = Counter()
    words: Mapping[int, str] = {}
    if before is None or now is None or _text_hash(before) != _text_hash(now):
        if before is not None:
            terms.subtract(dict.fromkeys(_terms(before), 1))
        if now is not None:
            terms.update(dict.fromkeys(_terms(now), 1))
            words = surfaces(_text(now), language=now.language)
    shown = now or before
    assert shown is not None
    return _Change(
        article.number, primary(shown.language), signed.counted, article.live_revision, terms, words
    )


def _count(conn: Connection, changes: Sequence[_Change]) -> None:
    """Adds to the counts of all corpora; what another run counted meanwhile is left out."""
    terms: dict[int, Counter[int]] = {}
    words: dict[int, dict[int, str]] = {}
    size: Counter[int] = Counter()
    for change in sorted(changes, key=lambda one: one.article):
        corpus = links.mark_counted(conn, change.article, before=change.before, now=change.now)
        if corpus is not None:
            terms.setdefault(corpus, Counter()).update(change.terms)
            words.setdefault(corpus, {}).update(change.words)
            size[corpus] += (change.now is not None) - (change.before is not None)
    for corpus in sorted(terms):
        links.count(conn, corpus, articles=size[corpus], terms=terms[corpus], words=words[corpus])


def _reindex_when_doubled(conn: Connection, site: Site, changes: Sequence[_Change]) -> None:
    """Rarities learnt since change what the articles of a small archive are found by."""
    for language in sorted({change.language for change in changes}):
        came = sum(
            change.before is None and change.now is not None
            for change in changes
            if change.language == language
        )
        documents = links.size(conn, site.id, language)
        if 1 < documents <= REWEIGHED and documents.bit_length() > (documents - came).bit_length():
            queue.rearm(
                conn, "reindex", site.id, site=site.id, data={}, priority=Priority.bulk, delay=REINDEX_DELAY
            )
            queue.notify(conn)


def _size(conn: Connection, site: Site) -> int:
    """The articles of the site that are counted, in all languages."""
    return sum(links.size(conn, site.id, language) for language in {*links.corpora(conn, site.id).values()})


def _text(doc: Content) -> str:
    return f"{doc.headline}\n{doc.standfirst or ''}\n{doc.text()}"


def _text_hash(doc: Content) -> str:
    return fingerprint(doc.language, doc.headline, doc.standfirst or "", doc.text())


def _terms(doc: Content) -> Counter[int]:
    return core.counts(
        doc.headline, standfirst=doc.standfirst or "", body_text=doc.text(), language=doc.language
    )


def _sign(conn: Connection, site: Site, number: int, doc: Content) -> links.Signature:
    """Signs with the document frequencies of this moment."""
    counted = _terms(doc)
    language = primary(doc.language)
    known, documents = links.frequencies(conn, site.id, language, counted)
    signed = core.sign(
        doc.headline,
        standfirst=doc.standfirst or "",
        body_text=doc.text(),
        language=doc.language,
        counted=counted,
        idf=lambda term: core.inverse_document_frequency(known.get(term, 0), documents=documents),
    )
    return links.Signature(
        article=number,
        corpus=links.corpus(conn, site.id, language),
        text_hash=_text_hash(doc),
        terms=tuple(term for term, _ in signed.terms),
        weights=tuple(weight for _, weight in signed.terms),
        title_terms=signed.title_terms,
        shingles=signed.shingles,
    )


@dataclass(frozen=True)
class _Neighbourhood:
    """What stands near an article: the best, ranked, with the shingles of all and of itself."""

    ranked: Sequence[core.Scored]
    shingles: Mapping[int, tuple[int, ...]]
    now: datetime


def _near(conn: Connection, site: Site, own: links.Signature | None) -> _Neighbourhood:
    if own is None:
        return _Neighbourhood((), {}, scalar(conn, "SELECT clock_timestamp()"))
    now, size = links.surroundings(conn, own.corpus)
    weights = dict(zip(own.terms, own.weights, strict=True))
    ranked = core.rank(
        (_candidate(item, own, weights) for item in links.near(conn, site.id, own)),
        now=now,
        half_life=site.half_life,
        floor=core.floor(size),
    )[: core.COMPARED]
    shingles = links.shingles(conn, [one.article for one in ranked])
    return _Neighbourhood(ranked, {**shingles, own.article: own.shingles}, now)


def _draw(conn: Connection, site: Site, article: Article, doc: Content, near: _Neighbourhood) -> _Drawn:
    """The links of an article as of now, settled where they stood."""
    pins, bans = (_chosen(conn, site, doc, name) for name in ("pin", "ban"))
    shingles = {**links.shingles(conn, pins), **near.shingles} if pins else near.shingles
    places = room([block["type"] for block in doc.body])
    drawn = core.draw(
        near.ranked, article=article.number, shingles=shingles, see_also=places, cards=CARDS,
        pins=pins, bans=bans,
    )  # fmt: skip
    if len(drawn.related_news) < CARDS:
        latest = links.latest(conn, site.id, doc.section, article=article.number, limit=4 * CARDS)
        shingles = {**links.shingles(conn, latest), **shingles}
        drawn = core.fill(drawn, latest, article=article.number, shingles=shingles, cards=CARDS)
    before = links.of(conn, article.number)
    drawn = core.settle(
        drawn,
        see_also=[item.dst for item in before if item.slot == "see_also"],
        related_news=[item.dst for item in before if item.slot == "related_news"],
    )
    return _Drawn(_stored(drawn), places + CARDS)


def _chosen(conn: Connection, site: Site, doc: Content, name: str) -> list[int]:
    """The articles that the editor pinned or banned, in order."""
    ids = doc.related.get(name, ())
    numbers = links.numbers(conn, site.id, ids)
    return [numbers[item] for item in ids if item in numbers]


def _stored(drawn: core.Draw) -> list[StoredLink]:
    slots = (("see_also", drawn.see_also), ("related_news", drawn.related_news))
    return [
        StoredLink(link.article, slot, link.position, link.score, link.reason)
        for slot, found in slots
        for link in found
    ]


def _candidate(near: Near, own: links.Signature, own_weights: Mapping[int, float]) -> core.Candidate:
    weights = dict(zip(near.terms, near.weights, strict=True))
    return core.Candidate(
        article=near.article,
        cosine=core.cosine(own_weights, weights),
        title_overlap=core.title_overlap(own.title_terms, near.title_terms),
        published_at=near.published_at,
        section=near.section,
        weights=weights,
    )


def _gaining(conn: Connection, site: Site, article: Article, doc: Content, near: _Neighbourhood) -> list[int]:
    """Older articles whose links the new one betters."""
    if article.published_at is None or not doc.listed("related"):
        return []
    better = core.gains(
        near.ranked,
        heads=_heads(conn, near),
        new=core.Newcomer(article.number, article.section, article.published_at),
        shingles=near.shingles,
        now=near.now,
        half_life=site.half_life,
        cap=REFRESHED,
    )
    return [gain.article for gain in better]


def _heads(conn: Connection, near: _Neighbourhood) -> Mapping[int, core.Head]:
    """What the older articles show, by their numbers."""
    found = rows(
        conn,
        """SELECT s.article, s.places, l.dst, l.position, l.score, l.reason
        FROM signature s LEFT JOIN link l ON l.src = s.article
            AND (l.slot = 'see_also' OR l.position < :cards)
        WHERE s.article = ANY(:articles)""",
        articles=[one.article for one in near.ranked], cards=CARDS,
    )  # fmt: skip
    published = {one.article: one.candidate.published_at for one in near.ranked}
    shown: dict[int, list[core.Link]] = {}
    places: dict[int, int] = {}
    for item in found:
        places[item["article"]] = item["places"]
        drawn = shown.setdefault(item["article"], [])
        if item["dst"] is not None:
            drawn.append(core.Link(item["dst"], item["position"], item["score"], item["reason"]))
    return {
        article: core.head(drawn, places=places[article], published_at=min(published[article], near.now))
        for article, drawn in shown.items()
    }


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
