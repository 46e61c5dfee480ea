"""What follows when the store has acknowledged an article's page: one transaction, the page's finish.

Reads the table of pages.py to bump the pages whose content changed, and no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from nashr.domain.article import Content
from nashr.domain.site import Site
from nashr.pages import (
    ARCHIVE_LENGTH,
    MADE_FROM,
    Fact,
    Listed,
    PageKind,
    PageSpec,
    listings_touched,
    month_bounds,
    naming,
    sections_listing,
)
from nashr.steps import Priority
from nashr.store import articles, events, pagerows, photopages, publishing, queue
from nashr.store.articles import Article
from nashr.store.database import at_end, rows, run
from nashr.store.pagerows import PageRow, Why
from nashr.store.publishing import Publication

GAINED_LINK_DELAY = 1.0  # seconds: a burst of stories is linked in one go


@dataclass(frozen=True)
class Shown:
    """What was rendered onto an article's page."""

    publication: Publication
    content: Content | None  # None: a tombstone
    published_at: datetime | None
    modified_at: datetime | None


def article_is_live(conn: Connection, site: Site, page: PageRow, version: int, shown: Shown) -> None:
    """Records a publication as live (or a removal as in effect) and bumps what it touches.

    The caller has not locked anything yet; ``page`` is the page that now shows ``version``.
    """
    article = articles.find(conn, page.subject, lock=True)
    assert article is not None
    found = publishing.find(conn, shown.publication.id)
    assert found is not None
    if found.state not in {"running", "live"}:
        return
    facts = _facts(conn, site, article, shown)
    if found.state == "running":
        _publication_live(conn, found, version)
    if facts:
        touched = _touched(conn, site, article, shown, facts)
        _record(conn, article, page, shown)
        _bump(conn, site, article, page, shown, touched, facts)
    if found.state == "running":
        _tell(conn, site, article, page, shown)


def _facts(conn: Connection, site: Site, article: Article, shown: Shown) -> frozenset[Fact]:
    """What readers see changed between the live revision and what was rendered now."""
    if shown.content is None:
        return frozenset({Fact.status}) if article.live_revision is not None else frozenset()
    if article.live_revision is None or article.page != shown.publication.page:
        return frozenset({Fact.status, Fact.teaser, Fact.body})
    if article.live_revision == shown.publication.revision:
        return frozenset()
    before = articles.read_content(conn, site, article.id, article.live_revision)
    same = _teaser(before) == _teaser(shown.content) and before.distribution == shown.content.distribution
    return frozenset({Fact.body}) if same else frozenset({Fact.body, Fact.teaser})


def _teaser(doc: Content) -> tuple[Any, ...]:
    return (doc.headline, doc.standfirst, doc.hero, doc.kicker, doc.section, doc.language, doc.titles)


def _publication_live(conn: Connection, found: Publication, version: int) -> None:
    """A takedown is live only once its keys are gone: ``remove`` finishes that one."""
    if found.kind != "takedown":
        run(
            conn,
            """UPDATE publication SET state = 'live', live_at = clock_timestamp(), page_version = :version
            WHERE id = :id""",
            id=found.id, version=version,
        )  # fmt: skip
    run(
        conn,
        """UPDATE publication SET state = 'superseded'
        WHERE article = :article AND number < :number AND state IN ('pending', 'running', 'live')""",
        article=found.article, number=found.number,
    )  # fmt: skip


def _record(conn: Connection, article: Article, page: PageRow, shown: Shown) -> None:
    doc = shown.content
    if doc is None:
        status = {"unpublish": "unpublished", "kill": "killed", "takedown": "taken_down"}
        run(
            conn,
            "UPDATE article SET live_revision = NULL, status = :status WHERE id = :id",
            id=article.id, status=status[shown.publication.kind],
        )  # fmt: skip
        photopages.forget(conn, article.id)
        return
    photopages.record(conn, article, doc)
    run(
        conn,
        """UPDATE article SET live_revision = :revision, status = 'live', page = :page, path = :path,
            published_at = :published_at, modified_at = :modified_at, slug_frozen = true,
            front = :front, feeds = :feeds, sitemap = :sitemap, linkable = :linkable
        WHERE id = :id""",
        id=article.id, revision=shown.publication.revision, page=page.id, path=page.path,
        published_at=shown.published_at, modified_at=shown.modified_at, front=doc.listed("front"),
        feeds=doc.listed("feeds"), sitemap=doc.distribution.get("sitemap", True) is not False,
        linkable=doc.listed("related"),
    )  # fmt: skip


def _touched(
    conn: Connection, site: Site, article: Article, shown: Shown, facts: frozenset[Fact]
) -> Mapping[str, PageSpec]:
    """Every other page whose content changes, by path: listings, the permalink, aliases."""
    specs: list[PageSpec] = []
    known: tuple[str, ...] = ()
    if article.live_revision is not None and article.published_at is not None:
        before = articles.read_content(conn, site, article.id, article.live_revision)
        known = () if Fact.status in facts else before.aliases
        specs += _listings(conn, site, article, before.section, article.published_at, facts)
    if shown.content is not None and shown.published_at is not None:
        specs += _listings(conn, site, article, shown.content.section, shown.published_at, facts)
    if Fact.status in facts:
        specs.append(PageSpec(f"/a/{article.short_id}", PageKind.short, article.id))
    aliases = shown.content.aliases if shown.content else ()
    specs += [PageSpec(alias, PageKind.redirect, article.id) for alias in aliases if alias not in known]
    return {spec.path: spec for spec in specs}


def _listings(
    conn: Connection, site: Site, article: Article, section: str, at: datetime, facts: frozenset[Fact]
) -> Iterable[PageSpec]:
    if article.kind == "page":
        return ()
    numbers = archive_numbers(conn, site, section, at, appears=Fact.status in facts)
    return listings_touched(site, facts, Listed(section, at, numbers))


def archive_numbers(
    conn: Connection, site: Site, section: str, at: datetime, *, appears: bool
) -> Mapping[str, tuple[int, ...]]:
    """Which numbered archive pages show the article, by section: its own, and later ones if it moves them.

    Pages are numbered from the oldest, so an article published now touches the last page only: of its own
    section, and another one of each section that lists all.
    """
    first_day, next_month = month_bounds(at, site)
    numbers = {}
    for slug in sections_listing(site, section):
        every = any(entry.all and entry.slug == slug for entry in site.sections)
        found = rows(
            conn,
            """SELECT count(*) FILTER (WHERE published_at < :at) AS older, count(*) AS total FROM article
            WHERE site = :site AND live_revision IS NOT NULL AND (:every OR section = :section)
                AND kind <> 'page' AND published_at >= :first AND published_at < :next""",
            at=at, site=site.id, every=every, section=slug, first=first_day, next=next_month,
        )[0]  # fmt: skip
        first = found["older"] // ARCHIVE_LENGTH + 1
        last = max(first, -(-(found["total"] + 1) // ARCHIVE_LENGTH)) if appears else first
        numbers[slug] = tuple(range(first, last + 1))
    return numbers


def _bump(
    conn: Connection,
    site: Site,
    article: Article,
    page: PageRow,
    shown: Shown,
    touched: Mapping[str, PageSpec],
    facts: frozenset[Fact],
) -> None:
    own = PageSpec(page.path, PageKind.article, article.id)
    neighbours = _neighbours(conn, site, article, page, facts)
    locked = pagerows.lock(conn, site.id, [own, *neighbours])
    moved = _moved_from(conn, article, page, shown)
    calm = Priority.breaking if shown.content is None else Priority.bulk
    others = [locked[spec.path] for spec in neighbours if spec.path in locked and spec.path not in touched]
    why = Why(facts, article.id)
    pagerows.want(conn, others, priority=calm, why=why)
    pagerows.want(conn, moved, why=why)
    _want_listings(conn, site, touched, priority=shown.publication.priority, calm=calm, why=why)
    if article.kind != "page":
        run(conn, "UPDATE article SET unlinked_since = clock_timestamp() WHERE id = :id", id=article.id)
        _want_backlinks(conn, site, removal=shown.content is None)


def _want_listings(
    conn: Connection,
    site: Site,
    touched: Mapping[str, PageSpec],
    *,
    priority: int,
    calm: int,
    why: Why = Why(),  # noqa: B008 - frozen
) -> None:
    """Bumps fronts, feeds and the like at the very end of the transaction.

    Every publication wants the same few rows: they are locked for the length of a commit, not longer.
    """

    def bump(conn: Connection) -> None:
        locked = dict(pagerows.lock(conn, site.id, touched.values()))
        for path, spec in touched.items():
            _retarget(conn, locked, path, spec)
        listed = [locked[path] for path in touched if path in locked]
        pagerows.want(conn, (page for page in listed if _urgent(page)), priority=priority, why=why)
        pagerows.want(conn, (page for page in listed if not _urgent(page)), priority=calm, why=why)

    at_end(conn, bump)


def _want_backlinks(conn: Connection, site: Site, *, removal: bool) -> None:
    """At the very end too: there is one such step for a whole site."""

    def rearm(conn: Connection) -> None:
        queue.rearm(
            conn, "backlinks", site.id, site=site.id, data={}, delay=0.0 if removal else GAINED_LINK_DELAY,
            priority=Priority.breaking if removal else Priority.bulk,
        )  # fmt: skip

    at_end(conn, rearm)


def appeared(conn: Connection, site: Site, page: PageRow) -> None:
    """A page was delivered for the first time: those that name it say so now."""
    specs = {spec.path: spec for spec in naming(PageSpec(page.path, PageKind(page.kind), page.subject))}
    if specs:
        why = Why({Fact.status}, f"page {page.id}")
        _want_listings(conn, site, specs, priority=Priority.bulk, calm=Priority.bulk, why=why)


def _urgent(page: PageRow) -> bool:
    """What readers look at first; feeds, sitemaps and archives follow when nothing waits."""
    return page.kind in {PageKind.home, PageKind.section, PageKind.short, PageKind.redirect}


def _retarget(conn: Connection, locked: dict[str, PageRow], path: str, spec: PageSpec) -> None:
    """An alias becomes this article's unless an article shows itself there; its kind never wins over one."""
    page = locked[path]
    if spec.kind == PageKind.redirect and page.kind == PageKind.article:
        del locked[path]
    elif (page.kind, page.subject) != (spec.kind, spec.subject):
        pagerows.claim_path(conn, page, spec.kind, spec.subject)


def _neighbours(
    conn: Connection, site: Site, article: Article, page: PageRow, facts: frozenset[Fact]
) -> list[PageSpec]:
    """Article pages of the site that show this one as a related link; and its other paths.

    Also those on their way out: they may have been made while this article still stood as it was.
    Other editions hang on other sites' pages: ``backlinks`` tells them.
    """
    if not facts & {Fact.status, Fact.teaser}:
        return []
    found = rows(
        conn,
        """SELECT p.path, p.kind, p.subject FROM link l JOIN article a ON a.number = l.src
            JOIN page p ON p.id = a.page
        WHERE l.dst = :number AND a.live_revision IS NOT NULL AND a.site = :site
        UNION SELECT p.path, p.kind, p.subject FROM link l JOIN article a ON a.number = l.src
            JOIN publication u ON u.article = a.id AND u.state = 'running' AND u.kind = 'publish'
            JOIN page p ON p.id = u.page
        WHERE l.dst = :number AND a.site = :site
        UNION SELECT path, kind, subject FROM page
        WHERE :status AND site = :site AND kind IN ('article', 'redirect') AND subject = :article
            AND id <> :page""",
        number=article.number, site=site.id, article=article.id, page=page.id, status=Fact.status in facts,
    )  # fmt: skip
    return [PageSpec(item["path"], PageKind(item["kind"]), item["subject"]) for item in found]


def _moved_from(conn: Connection, article: Article, page: PageRow, shown: Shown) -> list[PageRow]:
    """The article's earlier path, turned into a redirect: only now that the new one is live."""
    if shown.content is None or article.page in {None, page.id}:
        return []
    assert article.page is not None
    old = pagerows.lock_ids(conn, [article.page])
    for row in old:
        if row.kind == PageKind.article and row.subject == article.id:
            pagerows.claim_path(conn, row, PageKind.redirect, article.id)
    return old


def _tell(conn: Connection, site: Site, article: Article, page: PageRow, shown: Shown) -> None:
    found = shown.publication
    if shown.content is None:
        if found.kind == "takedown":
            queue.add(
                conn, "remove", found.id, site=site.id,
                data={"publication": found.id, "article": article.id}, priority=Priority.breaking,
            )  # fmt: skip
            queue.notify(conn)
        kind = "article.removed"
    else:
        kind = "article.live" if article.published_at is None else "article.updated"
    events.emit(
        conn, kind, site=site.id, article=article.id, publication=found.id, revision=found.revision,
        url=site.url(page.path), first=article.published_at is None, priority=Priority(found.priority).name,
        actor=found.actor, notify=found.notify,
    )  # fmt: skip


def photo_appeared(conn: Connection, site: Site, asset: str) -> None:
    """A photo's first renditions: articles that went live without it, and their listings, show it now."""
    found = rows(conn, "SELECT article, teaser FROM article_asset WHERE asset = :asset", asset=asset)
    for item in sorted(found, key=lambda one: one["article"]):
        article = articles.find(conn, item["article"])
        if article is None or article.page is None or article.published_at is None:
            continue
        why = Why({Fact.photo}, asset)
        pagerows.want(conn, pagerows.lock_ids(conn, [article.page]), why=why)
        facts = frozenset({Fact.teaser} if item["teaser"] else ())
        listed = _listings(conn, site, article, article.section, article.published_at, facts)
        specs = {spec.path: spec for spec in listed}
        _want_listings(conn, site, specs, priority=Priority.normal, calm=Priority.bulk, why=why)


def pages_of_article(conn: Connection, article: str, fact: Fact) -> list[int]:
    """The ids of the pages that show an article itself, for a fact of its own (links, cards, body)."""
    kinds = [str(kind) for kind, facts in MADE_FROM.items() if fact in facts and kind == PageKind.article]
    found = rows(
        conn,
        "SELECT id FROM page WHERE kind = ANY(:kinds) AND subject = :article",
        kinds=kinds,
        article=article,
    )
    return [item["id"] for item in found]


def removal_live(conn: Connection, publication: str, result: Mapping[str, Any]) -> None:
    """A takedown is in effect everywhere."""
    run(
        conn,
        """UPDATE publication SET state = 'live', live_at = clock_timestamp(), detail = detail || :result
        WHERE id = :id AND state = 'running'""",
        id=publication, result=Jsonb(dict(result)),
    )  # fmt: skip


def corrected(conn: Connection, site: Site, article: Article, kind: str, *, actor: str) -> None:
    """A correction was appended to a live article: its page, its feeds, its sitemap say so."""
    assert article.published_at is not None
    assert article.path is not None
    run(conn, "UPDATE article SET modified_at = clock_timestamp() WHERE id = :article", article=article.id)
    listed = _listings(conn, site, article, article.section, article.published_at, frozenset({Fact.body}))
    own = PageSpec(article.path, PageKind.article, article.id)
    why = Why({Fact.body}, article.id)
    pagerows.want(conn, pagerows.lock(conn, site.id, [own]).values(), why=why)
    specs = {spec.path: spec for spec in listed}
    _want_listings(conn, site, specs, priority=Priority.normal, calm=Priority.bulk, why=why)
    events.emit(
        conn, "article.corrected", site=site.id, article=article.id, revision=article.live_revision,
        url=site.url(article.path), first=False, priority=Priority.normal.name, actor=actor, kind=kind,
    )  # fmt: skip
