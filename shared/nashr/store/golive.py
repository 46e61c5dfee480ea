"""What follows when the store has acknowledged an article's page: one transaction, the page's finish.

Reads the table of pages.py to bump the pages whose content changed, and no others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from nashr.domain.article import Content
from nashr.domain.site import Site
from nashr.observability import metrics
from nashr.pages import (
    ARCHIVE_LENGTH,
    MADE_FROM,
    MONTHS_LISTED,
    SITEMAP_LENGTH,
    Fact,
    Listed,
    PageKind,
    PageSpec,
    listings_touched,
    month,
    month_bounds,
    naming,
    numbers_touched,
    places_touched,
    sections_listing,
    shelf_page,
    sitemap_page,
)
from nashr.steps import Priority
from nashr.store import (
    articles,
    authors,
    events,
    fronts,
    pagerows,
    photopages,
    publishing,
    queue,
    refreshing,
    shelves,
    sites,
)
from nashr.store.articles import Article
from nashr.store.database import after_commit, at_end, rows, run, scalar
from nashr.store.pagerows import PageRow, Why
from nashr.store.publishing import Publication
from nashr.store.shelves import Named, Shelving

GAINED_LINK_DELAY = 1.0  # seconds: a burst of stories is linked in one go


@dataclass(frozen=True)
class Shown:
    """What was rendered onto an article's page; ``named``: the authors and topics that it links to."""

    publication: Publication
    content: Content | None  # None: a tombstone
    published_at: datetime | None
    modified_at: datetime | None
    named: Named = field(default_factory=Named)


def article_is_live(conn: Connection, site: Site, page: PageRow, version: int, shown: Shown) -> None:
    """Records a publication as live (or a removal as in effect) and bumps what it touches.

    The caller has not locked anything yet; ``page`` is the page that now shows ``version``.
    """
    article = articles.find(conn, page.subject, lock=True)
    assert article is not None
    found = publishing.find(conn, shown.publication.id)
    assert found is not None
    if found.state not in {"running", "live"}:
        _give_way(conn, article, page)
        return
    about = found.page == page.id  # a removal has other tombstones too, with counters of their own
    first = about and found.page_version is None
    facts = _facts(conn, site, article, shown, first=first)
    named: list[str] = []
    if found.state == "running" and about:
        _publication_live(conn, found, version)
    if facts:
        if article.kind == "page" and facts & {Fact.status, Fact.teaser}:
            refreshing.chrome(conn, site.id)  # every page names it at its foot
        touched = _touched(conn, site, article, shown, facts)
        _record(conn, article, page, shown)
        moved = shelves.record(conn, site, article.id, shown.content, shown.published_at)
        touched |= {spec.path: spec for spec in (*places_touched(moved.places), *moved.whole)}
        named = _bump(conn, site, article, page, shown, touched, facts, moved)
    if found.state == "running" and first:  # a takedown runs on while pages go out again
        _tell(conn, site, article, page, shown, named=named)


def _facts(conn: Connection, site: Site, article: Article, shown: Shown, *, first: bool) -> frozenset[Fact]:
    """What readers see changed between the live revision and what was rendered now.

    ``first``: the publication's page shows it for the first time.
    """
    if shown.content is None:
        known = article.path is not None  # also of what was removed before: other addresses say how it is now
        return frozenset({Fact.status}) if first and known else frozenset()
    if article.live_revision is None or article.page != shown.publication.page:
        return frozenset({Fact.status, Fact.teaser, Fact.body})
    if article.live_revision == shown.publication.revision:
        return frozenset()
    if article.published_at != shown.published_at:
        return frozenset({Fact.status, Fact.teaser, Fact.body})  # it stands elsewhere in every list
    before = articles.read_content(conn, site, article.id, article.live_revision)
    same = _teaser(before) == _teaser(shown.content) and before.distribution == shown.content.distribution
    return frozenset({Fact.body}) if same else frozenset({Fact.body, Fact.teaser})


def _teaser(doc: Content) -> tuple[Any, ...]:
    elsewhere = bool((doc.source or {}).get("canonical"))  # then no sitemap has it
    words = (doc.headline, doc.standfirst, doc.kicker, doc.kicker_until, doc.titles)
    return (*words, doc.hero, doc.kind, doc.section, doc.language, elsewhere)


def _publication_live(conn: Connection, found: Publication, version: int) -> None:
    """A takedown is live only once its keys are gone: ``remove`` finishes that one."""
    lag = scalar(
        conn,
        """UPDATE publication SET page_version = :version,
            state = CASE kind WHEN 'takedown' THEN state ELSE 'live' END,
            live_at = CASE WHEN kind <> 'takedown' THEN clock_timestamp() END WHERE id = :id
        RETURNING EXTRACT(epoch FROM live_at - due_at)::float8""",
        id=found.id, version=version,
    )  # fmt: skip
    if lag is not None:
        priority = Priority(found.priority).name
        after_commit(conn, lambda: metrics.PUBLISH_LAG.observe(lag, priority=priority))
    overtaken = rows(
        conn,
        """UPDATE publication SET state = 'superseded'
        WHERE article = :article AND number < :number AND state IN ('pending', 'running', 'live')
        RETURNING live_at""",
        article=found.article, number=found.number,
    )  # fmt: skip
    count = sum(item["live_at"] is None for item in overtaken)
    after_commit(conn, lambda: metrics.SUPERSEDED.add(count))


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
) -> dict[str, PageSpec]:
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
    appears = Fact.status in facts
    sitemaps = sitemap_numbers(conn, site, article.number, at, appears=appears)
    if article.kind == "page":
        return listings_touched(site, facts, Listed(section, at, sitemaps=sitemaps, aside=True))
    archives = archive_numbers(conn, site, section, at, appears=appears)
    pinned, places = fronts.pinned_on(conn, article.id), shelves.of_article(conn, site, article.id)
    return listings_touched(site, facts, Listed(section, at, archives, sitemaps, pinned, places))


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
        numbers[slug] = numbers_touched(found["older"], found["total"] + 1, ARCHIVE_LENGTH, appears=appears)
    return numbers


def sitemap_numbers(
    conn: Connection, site: Site, article: int, at: datetime, *, appears: bool
) -> tuple[int, ...]:
    """The same for the files of its month's sitemap, which count every live article of the site."""
    first_day, next_month = month_bounds(at, site)
    found = rows(
        conn,
        """SELECT count(*) FILTER (WHERE (published_at, number) < (:at, :number)) AS older,
            count(*) AS total FROM article
        WHERE site = :site AND live_revision IS NOT NULL
            AND published_at >= :first AND published_at < :next""",
        at=at, number=article, site=site.id, first=first_day, next=next_month,
    )[0]  # fmt: skip
    return numbers_touched(found["older"], found["total"] + 1, SITEMAP_LENGTH, appears=appears)


def _bump(
    conn: Connection,
    site: Site,
    article: Article,
    page: PageRow,
    shown: Shown,
    touched: Mapping[str, PageSpec],
    facts: frozenset[Fact],
    shelving: Shelving,
) -> list[str]:
    """Wants the pages that change with it; returns the paths of those that name the article."""
    own = PageSpec(page.path, PageKind.article, article.id)
    neighbours = _neighbours(conn, site, article, page, facts) + _unlinked(conn, site, shelving)
    locked = pagerows.lock(conn, site.id, [own, *neighbours])
    if shown.content and shelves.named(conn, site, shown.content) != shown.named:
        # a topic or an author got a page meanwhile, or lost it
        pagerows.want(conn, [locked[own.path]], why=Why({Fact.topic, Fact.author}, f"article {article.id}"))
    moved = _moved_from(conn, article, page, shown)
    calm = Priority.breaking if shown.content is None else Priority.bulk
    others = [locked[spec.path] for spec in neighbours if spec.path in locked and spec.path not in touched]
    why = Why(facts, article.id)
    pagerows.want(conn, others, priority=calm, why=why)
    pagerows.want(conn, moved, why=why)
    _want_listings(conn, site, touched, priority=shown.publication.priority, calm=calm, why=why)
    run(conn, "UPDATE article SET unlinked_since = clock_timestamp() WHERE id = :id", id=article.id)
    _want_backlinks(conn, site, removal=shown.content is None)
    return sorted({*touched, *(spec.path for spec in neighbours)})


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
    kind = PageKind(page.kind)
    specs = {spec.path: spec for spec in naming(PageSpec(page.path, kind, page.subject))}
    if kind == PageKind.archive and page.subject.endswith("/1"):
        specs |= {spec.path: spec for spec in _later_months(conn, site, page.subject)}
    if specs:
        why = Why({Fact.status}, f"page {page.id}")
        _want_listings(conn, site, specs, priority=Priority.bulk, calm=Priority.bulk, why=why)


def _later_months(conn: Connection, site: Site, subject: str) -> list[PageSpec]:
    """The pages that list a month of an archive: its own others, and those of later months, rarely any."""
    section, month, _ = subject.split("/")
    found = rows(
        conn,
        """WITH later AS (SELECT subject FROM page WHERE site = :site AND kind = 'archive'
            AND subject LIKE '%/1' AND split_part(subject, '/', 1) = :section
            AND split_part(subject, '/', 2) > :month AND live > 0 ORDER BY subject LIMIT :most)
        SELECT path, subject FROM page WHERE site = :site AND kind = 'archive'
            AND (subject LIKE :own || '%' OR subject LIKE ANY (SELECT left(subject, -1) || '%' FROM later))
            AND subject <> :own || '1'""",
        site=site.id, section=section, month=month, most=MONTHS_LISTED - 1, own=subject[:-1],
    )  # fmt: skip
    return [PageSpec(item["path"], PageKind.archive, item["subject"]) for item in found]


def shelf_is_live(conn: Connection, site: Site, page: PageRow) -> None:
    """The first page of an author or a topic was delivered: articles may link to it now.

    Takes the shelf's lock; the caller has locked no page yet.
    """
    kind, slug = PageKind(page.kind), page.subject
    if page.path != shelf_page(kind, slug).path:
        return
    if kind == PageKind.topic and shelves.show(conn, site, slug):
        refreshing.shelf(conn, site.id, kind, slug)
    if kind == PageKind.author and page.live == 0:
        shelves.change(conn, site.id, kind, slug, slug)
        refreshing.shelf(conn, site.id, kind, slug)


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


def _unlinked(conn: Connection, site: Site, shelving: Shelving) -> list[PageSpec]:
    """The pages of articles that link to topics which have no page any more."""
    found = rows(
        conn, "SELECT path, kind, subject FROM page WHERE id = ANY(:pages)",
        pages=list(shelves.pages_on(conn, site.id, PageKind.topic, shelving.fallen)),
    )  # fmt: skip
    return [PageSpec(item["path"], PageKind(item["kind"]), item["subject"]) for item in found]


def _moved_from(conn: Connection, article: Article, page: PageRow, shown: Shown) -> list[PageRow]:
    """The article's other paths, turned into redirects: only now that this one is live.

    Also one that was stored by a worker which died before it could say so: the store may hold it. Not one
    that a newer publication is on its way to.
    """
    if shown.content is None:
        return []
    found = rows(
        conn,
        """SELECT id FROM page WHERE site = :site AND kind = 'article' AND subject = :article AND id <> :page
            AND attempted > 0 AND NOT EXISTS (SELECT 1 FROM publication u
                WHERE u.page = page.id AND u.kind = 'publish' AND u.state = 'running')""",
        site=page.site, article=article.id, page=page.id,
    )  # fmt: skip
    locked = pagerows.lock_ids(conn, [item["id"] for item in found])
    old = [row for row in locked if (row.kind, row.subject) == (PageKind.article, article.id)]
    for row in old:
        pagerows.claim_path(conn, row, PageKind.redirect, article.id)
    return old


def _give_way(conn: Connection, article: Article, page: PageRow) -> None:
    """A page was stored after its article had gone live elsewhere: it leads there instead.

    Unless another article has taken the path meanwhile: its own delivery replaces what was stored.
    """
    if article.live_revision is None or article.page in {None, page.id}:
        return
    locked = pagerows.lock_ids(conn, [page.id])
    if not locked or (locked[0].kind, locked[0].subject) != (PageKind.article, article.id):
        return
    pagerows.claim_path(conn, locked[0], PageKind.redirect, article.id)
    pagerows.want(conn, locked, why=Why({Fact.status}, article.id))


def _tell(
    conn: Connection, site: Site, article: Article, page: PageRow, shown: Shown, *, named: list[str]
) -> None:
    found = shown.publication
    if shown.content is None:
        if found.kind == "takedown":
            queue.add(
                conn, "remove", found.id, site=site.id,
                data={"publication": found.id, "article": article.id, "listings": named},
                priority=Priority.breaking,
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
    why = Why({Fact.photo}, asset)
    found = rows(conn, "SELECT article, teaser FROM article_asset WHERE asset = :asset", asset=asset)
    for item in sorted(found, key=lambda one: one["article"]):
        article = articles.find(conn, item["article"])
        if article is None or article.page is None or article.published_at is None:
            continue
        pagerows.want(conn, pagerows.lock_ids(conn, [article.page]), why=why)
        facts = frozenset({Fact.teaser} if item["teaser"] else ())
        listed = _listings(conn, site, article, article.section, article.published_at, facts)
        specs = {spec.path: spec for spec in listed}
        _want_listings(conn, site, specs, priority=Priority.normal, calm=Priority.bulk, why=why)
    portraits = {spec.path: spec for spec in authors.pictured(conn, asset)}
    if portraits:
        _want_listings(conn, site, portraits, priority=Priority.normal, calm=Priority.normal, why=why)


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


def editions_changed(conn: Connection, told: Iterable[str]) -> None:
    """Articles came, changed or left: the sitemaps that list their other editions name them, or no more.

    The pages of these editions are for the caller to want, before this.
    """
    found = rows(
        conn,
        """SELECT DISTINCT a.site, a.number, a.published_at FROM article own JOIN article a
            ON a.id <> own.id AND (a.id = own.translation_of
                OR a.translation_of = COALESCE(own.translation_of, own.id))
        WHERE own.id = ANY(:told) AND a.live_revision IS NOT NULL ORDER BY a.site, a.number""",
        told=list(told),
    )
    specs: dict[str, dict[str, PageSpec]] = {}
    homes = {name: sites.get(conn, name).site for name in sorted({item["site"] for item in found})}
    for item in found:
        site, at = homes[item["site"]], item["published_at"]
        for number in sitemap_numbers(conn, site, item["number"], at, appears=False):
            spec = sitemap_page(month(at, site), number)
            specs.setdefault(site.id, {})[spec.path] = spec
    why = Why({Fact.editions}, "backlinks")
    for name, touched in specs.items():
        _want_listings(conn, homes[name], touched, priority=Priority.bulk, calm=Priority.bulk, why=why)


def removal_live(conn: Connection, publication: str, result: Mapping[str, Any]) -> None:
    """A takedown is in effect everywhere."""
    run(
        conn,
        """UPDATE publication SET state = 'live', live_at = clock_timestamp(), detail = detail || :result
        WHERE id = :id AND state = 'running'""",
        id=publication, result=Jsonb(dict(result)),
    )  # fmt: skip


def removal_checked(conn: Connection, publication: str, checks: Sequence[Mapping[str, Any]]) -> None:
    """What a takedown's addresses answered the last time, while one of them is not as it should be."""
    run(
        conn, "UPDATE publication SET detail = detail || :checks WHERE id = :id",
        id=publication, checks=Jsonb({"checks": list(checks)}),
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
