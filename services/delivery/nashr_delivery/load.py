"""From a page row to what rendering reads, in one snapshot: which revision, which neighbours.

The view of an article page is the newest released publication whose blocking inputs are ready.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from nashr.domain import seealso
from nashr.domain.article import Content, content
from nashr.domain.site import Site
from nashr.domain.topics import topics
from nashr.pages import MADE_FROM, SITEMAPS, Fact, PageKind
from nashr.steps import STEPS
from nashr.store import articles, assets, cards, links, pagerows, queue, shelves, sites
from nashr.store.articles import Article
from nashr.store.database import row, rows
from nashr.store.golive import Shown
from nashr.store.ids import index_key
from nashr.store.links import StoredLink
from nashr.store.pagerows import PageRow
from nashr.store.publishing import REMOVALS, Publication
from nashr.store.shelves import Named
from sqlalchemy import Connection

from nashr_delivery import editions, foot, fronts, listings, mapped, shelved, teasers
from nashr_delivery.naming import credited
from nashr_delivery.views import (
    ArticleView,
    Correction,
    FaviconView,
    FootLink,
    IndexKeyView,
    ListingView,
    ManifestView,
    RedirectView,
    RobotsView,
    SocialCard,
    Teaser,
    TombstoneView,
    View,
)

_STATUS = {"unpublish": 404, "kill": 410, "takedown": 451}


@dataclass(frozen=True)
class Loaded:
    """A page as it should be shown now.

    ``view`` None: nothing to show yet. ``shown``: which publication the view is of. ``blocked``:
    publications that cannot go out, with the reason. ``again_at``: when to look again by itself.
    ``lacks``: cards that nobody draws yet, with the seconds that the page waits for them; ``held``: until
    when it waits for its own already. ``foot``: the pages that every page of the site names at its foot.
    """

    page: PageRow
    site: sites.SiteRow
    view: View | None
    shown: Shown | None = None
    blocked: tuple[tuple[Publication, str], ...] = ()
    again_at: datetime | None = None
    lacks: tuple[tuple[cards.Order, float], ...] = ()
    held: datetime | None = None
    foot: tuple[FootLink, ...] = ()


_FIXED: Mapping[str, Callable[[str], View]] = {
    "not_found": lambda path: TombstoneView(path, 404),
    "robots": RobotsView,
    "manifest": ManifestView,
    "favicon": FaviconView,
}


def page(conn: Connection, page_id: int) -> Loaded | None:
    """Reads a page in the caller's snapshot; None for what only the edge reads."""
    found = pagerows.read(conn, page_id)
    if found.kind == PageKind.routes:
        return None
    site = sites.get(conn, found.site)
    loaded = _page(conn, found, site)
    if loaded.foot or Fact.chrome not in MADE_FROM[PageKind(found.kind)]:
        return loaded
    return replace(loaded, foot=foot.links(conn, site.site))


def _page(conn: Connection, found: PageRow, site: sites.SiteRow) -> Loaded:
    if found.kind == PageKind.article:
        return _article(conn, found, site)
    if found.kind in {PageKind.short, PageKind.redirect}:
        return Loaded(found, site, _redirect(conn, found, site.site))
    if found.kind in _FIXED:
        return Loaded(found, site, _FIXED[found.kind](found.path))
    if found.kind == PageKind.index_key:
        return Loaded(found, site, _index_key(found.path, site))
    again: datetime | None = None
    view: View
    if found.kind in {PageKind.home, PageKind.section}:
        view, again = fronts.view(conn, found, site.site)
    elif found.kind in {PageKind.author, PageKind.topic}:
        view = shelved.view(conn, found, site.site)
    elif found.kind in SITEMAPS:
        view, again = mapped.view(conn, found, site.site)
    else:
        view = listings.view(conn, found, site.site)
    loaded = Loaded(found, site, view, again_at=again)
    return _listing(conn, loaded, view) if isinstance(view, ListingView) else loaded


def _index_key(path: str, site: sites.SiteRow) -> View:
    """Gone again where the site does not submit its addresses any more."""
    return IndexKeyView(path, index_key(site.secret)) if site.site.indexnow else TombstoneView(path, 404)


def _listing(conn: Connection, loaded: Loaded, view: ListingView) -> Loaded:
    """With the site's own cards, which it shows when no story on it has a photo."""
    if any(teaser.photo for teaser in view.teasers):
        return loaded
    found, lacks = _site_cards(conn, loaded.site.site, loaded.page)
    return replace(loaded, view=replace(view, site_cards=found), lacks=lacks)


def _redirect(conn: Connection, page: PageRow, site: Site) -> View:
    """Straight to where the article is now; a removed article's permalink is as gone as its page."""
    article = articles.find(conn, page.subject)
    assert article is not None
    if article.live_revision is None or article.path is None:
        return _tombstone(page.path, article.removal)
    return RedirectView(page.path, site.url(article.path))


def _tombstone(path: str, removal: Mapping[str, Any] | None) -> TombstoneView:
    if removal is None:
        return TombstoneView(path, 404)
    status = _STATUS[removal["kind"]]
    assert status in {404, 410, 451}
    return TombstoneView(path, status, removal.get("public_notice"))  # type: ignore[arg-type]


def _article(conn: Connection, page: PageRow, site: sites.SiteRow) -> Loaded:
    article = articles.find(conn, page.subject)
    assert article is not None
    released = _released(conn, page)
    if article.removal is not None:
        removal = _removal(conn, article)
        assert removal is not None
        return _removed(page, site, removal)
    until = pagerows.waiting_until(conn, page.id)
    blocked: list[tuple[Publication, str]] = []
    for place, found in enumerate(released):
        if place == 0 and until is not None and found.state == "running":
            continue
        stored = articles.revision(conn, article.id, found.revision)
        assert stored is not None
        doc = content(stored.doc, site.site)
        broken = _broken(conn, site.site, doc) if found.state == "running" else None
        if broken is not None:
            blocked.append((found, broken))
            continue
        named = shelves.named(conn, site.site, doc)
        shown = replace(_shown(article, found, doc), named=named)
        assert shown.published_at is not None
        assert shown.modified_at is not None
        times = shown.published_at, shown.modified_at
        view = article_view(conn, site.site, article, page.path, times, doc, named=named)
        again = until or _kicker_end(conn, doc)
        below = foot.with_own(conn, site.site, article, view) if doc.kind == "page" else ()
        loaded = Loaded(page, site, view, shown, tuple(blocked), again, foot=below)
        return _with_cards(conn, loaded, view)
    removal = _removal(conn, article)
    if removal is not None and removal.page == page.id and removal.page_version is None:
        # it is to return, but not yet: what was removed does not stay until then
        return replace(_removed(page, site, removal), blocked=tuple(blocked), again_at=until)
    return Loaded(page, site, None, blocked=tuple(blocked), again_at=until)


def _released(conn: Connection, page: PageRow) -> Sequence[Publication]:
    """What may be shown there, newest first: nothing from before a removal."""
    columns = ", ".join(Publication.__dataclass_fields__)
    found = rows(
        conn,
        f"""SELECT {columns} FROM publication u WHERE page = :page AND kind = 'publish'
            AND state IN ('running', 'live') AND NOT EXISTS (SELECT 1 FROM publication r
                WHERE r.article = u.article AND r.number > u.number AND r.kind = ANY(:removals))
        ORDER BY number DESC""",
        page=page.id, removals=list(REMOVALS),
    )  # fmt: skip
    return [Publication(**item) for item in found]


def _removal(conn: Connection, article: Article) -> Publication | None:
    """The article's newest removal."""
    columns = ", ".join(Publication.__dataclass_fields__)
    found = row(
        conn, f"SELECT {columns} FROM publication WHERE article = :article AND kind = ANY(:kinds)"
        " ORDER BY number DESC LIMIT 1", article=article.id, kinds=list(REMOVALS),
    )  # fmt: skip
    return Publication(**found) if found else None


def _removed(page: PageRow, site: sites.SiteRow, removal: Publication) -> Loaded:
    said = {"kind": removal.kind, "public_notice": removal.detail.get("public_notice")}
    return Loaded(page, site, _tombstone(page.path, said), Shown(removal, None, None, None))


def _broken(conn: Connection, site: Site, doc: Content) -> str | None:
    """Why a failed or withdrawn photo keeps this content from going out, by name."""
    found = assets.many(conn, site.id, doc.assets)
    for pointer, use in doc.pictures():
        asset = found.get(use.asset)
        if asset is None or asset.withdrawn_at is not None:
            return f"{pointer}: the photo {use.asset} was withdrawn; take it out and publish again"
        if asset.state in assets.UNUSABLE and STEPS["images"].on_dead == "block":
            return f"{pointer}: the photo {use.asset} cannot be used ({asset.error}); upload another one"
    return None


def _shown(article: Article, found: Publication, doc: Content) -> Shown:
    """What readers see as published and updated: a minor change moves neither."""
    published = article.published_at or doc.published_at or found.due_at
    if doc.published_at is not None:
        published = doc.published_at
    first = article.published_at is None
    modified = article.modified_at or published
    if found.state == "running" and not first and found.change == "update":
        modified = found.due_at
    return Shown(found, doc, published, max(modified, published))


def _kicker_end(conn: Connection, doc: Content) -> datetime | None:
    if doc.kicker_until is None:
        return None
    found = row(conn, "SELECT CAST(:at AS timestamptz) > clock_timestamp() AS ahead", at=doc.kicker_until)
    return doc.kicker_until if found and found["ahead"] else None


def article_view(
    conn: Connection,
    site: Site,
    article: Article,
    path: str,
    times: tuple[datetime, datetime],
    doc: Content,
    *,
    named: Named,
) -> ArticleView:
    """What a page of ``doc`` at ``path`` shows, but for its cards.

    ``times``: published and modified. ``named``: the authors and topics that have pages.
    """
    see_also, news, latest = _links(conn, site, article, doc)
    others = editions.of(conn, [article.id]).get(article.id, editions.NONE)
    return ArticleView(
        article_id=article.id,
        content=credited(doc, named.authors),
        path=path,
        short_path=f"/a/{article.short_id}",
        published_at=times[0],
        modified_at=times[1],
        photos=teasers.photos(conn, site.id, doc.assets),
        see_also=see_also,
        related_news=news,
        latest=latest,
        corrections=tuple(
            Correction(item["kind"], item["text"], item["at"])
            for item in articles.corrections(conn, article.id)
        ),
        translations=others.others,
        original=others.original,
        kicker_expired=doc.kicker_until is not None and _kicker_end(conn, doc) is None,
        author_pages=frozenset(named.authors),
        topics=tuple(item for item in topics(doc.keywords).items() if item[0] in named.topics),
    )


def _with_cards(conn: Connection, loaded: Loaded, view: ArticleView) -> Loaded:
    """The article's cards, else what it showed before and still says the same, else the site's own."""
    site, page = loaded.site.site, loaded.page
    ordered = cards.order(conn, site, view.article_id, view.content)
    if found := cards.drawn(conn, ordered):
        return replace(loaded, view=replace(view, cards=social(found)))
    standing = cards.standing(conn, ordered, page.id)
    before = cards.shown_before(conn, ordered, page.id)
    seconds = 0.0 if before else queue.wait_of("cards", first=page.live == 0)
    lacks = ((ordered, seconds),) if _is_lacking(standing) else ()
    if before:
        return replace(loaded, view=replace(view, cards=social(before)), lacks=lacks)
    own, more = _site_cards(conn, site, page)
    ahead = standing.until is not None and standing.until > cards.now(conn)
    held = standing.until if ahead and standing.state in _ON_ITS_WAY else None
    return replace(loaded, view=replace(view, site_cards=own), lacks=lacks + more, held=held)


_ON_ITS_WAY = frozenset({"ready", "leased"})


def _is_lacking(standing: cards.Standing) -> bool:
    """Whether a page has to ask for its cards: nobody draws them, or their end would not reach this page.

    A card that died a moment ago is left alone, or the delivery that its death causes would ask for it
    for ever.
    """
    if standing.state in _ON_ITS_WAY:
        return standing.until is None
    return standing.state != "done" and not standing.rests


def _site_cards(
    conn: Connection, site: Site, page: PageRow
) -> tuple[tuple[SocialCard, ...], tuple[tuple[cards.Order, float], ...]]:
    """The cards that stand for the site; what is lacking of them is asked for, and not waited for."""
    ordered = cards.site_order(site)
    if found := cards.drawn(conn, ordered):
        return social(found), ()
    lacking = _is_lacking(cards.standing(conn, ordered, page.id))
    return (), ((ordered, 0.0),) if lacking else ()


def social(found: Sequence[Mapping[str, Any]]) -> tuple[SocialCard, ...]:
    """Rows of drawn cards as pages name them."""
    return tuple(
        SocialCard(item["path"], item["width"], item["height"], item["bytes"], item["alt"]) for item in found
    )


def _links(
    conn: Connection, site: Site, article: Article, doc: Content
) -> tuple[tuple[Teaser, ...], tuple[Teaser, ...], frozenset[str]]:
    """Links to what is live now, and the articles among the cards that are no relation but the latest."""
    stored = links.standing(conn, article.number)
    there = teasers.of_numbers(conn, site, [link.dst for link in stored])
    live = [item for item in stored if item.dst in there]
    asides, news = seealso.arranged(
        [item for item in live if item.slot == "see_also"],
        [item for item in live if item.slot == "related_news"],
        kinds=[block["type"] for block in doc.body],
    )
    latest = frozenset(there[item.dst].article_id for item in news if item.reason == "latest")
    return _teasers(there, asides), _teasers(there, news), latest


def _teasers(there: Mapping[int, Teaser], chosen: Sequence[StoredLink]) -> tuple[Teaser, ...]:
    return tuple(there[item.dst] for item in chosen)
