"""THE table of pages: what each kind of page is made from, and so what a change touches.

Used in both directions: a page's loader reads these facts, a fact's change bumps these pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from nashr.domain.site import Site

FRONT_LENGTH: Final = 30
FEED_LENGTH: Final = 20
ARCHIVE_LENGTH: Final = 50
SITEMAP_LENGTH: Final = 1000
MONTHS_LISTED: Final = 12
"""Months of an archive at the foot of fronts, and of each month's pages."""
SHELF_FRONT: Final = 30
"""Articles on the first page of an author or a topic; past that there are numbered pages, too."""
SHELF_LENGTH: Final = 50


class PageKind(StrEnum):
    """What a page row shows. The subject of each stands in brackets."""

    article = "article"  # article id
    short = "short"  # article id: the permalink /a/{short id}
    redirect = "redirect"  # article id, whose live path it points to
    home = "home"
    section = "section"  # section slug
    archive = "archive"  # section/YYYY-MM/n
    author = "author"  # author slug, or slug/n
    topic = "topic"  # topic slug, or slug/n
    rss = "rss"  # section slug, or empty for the whole site
    atom = "atom"
    json_feed = "json_feed"
    sitemap_index = "sitemap_index"
    news_sitemap = "news_sitemap"
    month_sitemap = "month_sitemap"  # YYYY-MM, or YYYY-MM/n from the second file of a month on
    not_found = "not_found"
    robots = "robots"
    manifest = "manifest"
    favicon = "favicon"
    index_key = "index_key"  # /indexnow.txt: proves to search engines who submits the site's addresses
    routes = "routes"  # what the edge knows of the sites; never served to readers


class Fact(StrEnum):
    """What can change."""

    status = "status"  # an article appears on the site, moves, or leaves it
    teaser = "teaser"  # its headline, standfirst, hero, kicker or section label
    body = "body"  # anything else that readers see of it
    links = "links"  # its see-also and related cards
    cards = "cards"  # its social cards
    photo = "photo"  # a photo: its crops, its focal point, whether it may be shown
    formats = "formats"  # a photo's files for browsers that know lighter formats
    chrome = "chrome"  # the site: name, theme, navigation, the pages named at its foot
    front = "front"  # what an editor has pinned to a front, and its banner
    author = "author"  # an author: name, bio, photo, links; that there is a page of theirs
    topic = "topic"  # whether a topic has a page
    editions = "editions"  # the other editions of an article, on other sites


_LISTINGS: Final = frozenset({Fact.status, Fact.teaser, Fact.chrome, Fact.photo, Fact.formats})
_FRONTS: Final = _LISTINGS | {Fact.front}
_FEEDS: Final = frozenset({Fact.status, Fact.teaser, Fact.body, Fact.chrome, Fact.photo, Fact.author})

MADE_FROM: Final[dict[PageKind, frozenset[Fact]]] = {
    PageKind.article: frozenset(Fact) - {Fact.front},
    PageKind.short: frozenset({Fact.status}),
    PageKind.redirect: frozenset({Fact.status}),
    PageKind.home: _FRONTS,
    PageKind.section: _FRONTS,
    PageKind.archive: _LISTINGS,
    PageKind.author: _LISTINGS | {Fact.author},
    PageKind.topic: _LISTINGS | {Fact.topic},
    PageKind.rss: _FEEDS,
    PageKind.atom: _FEEDS,
    PageKind.json_feed: _FEEDS,
    PageKind.sitemap_index: frozenset({Fact.status}),
    PageKind.news_sitemap: frozenset({Fact.status, Fact.teaser, Fact.body}),
    PageKind.month_sitemap: frozenset({Fact.status, Fact.teaser, Fact.body, Fact.photo, Fact.editions}),
    PageKind.not_found: frozenset({Fact.chrome}),
    PageKind.robots: frozenset({Fact.chrome}),
    PageKind.manifest: frozenset({Fact.chrome}),
    PageKind.favicon: frozenset({Fact.chrome}),
    PageKind.index_key: frozenset({Fact.chrome}),
    PageKind.routes: frozenset({Fact.chrome}),
}

SITEMAPS: Final = frozenset({PageKind.sitemap_index, PageKind.news_sitemap, PageKind.month_sitemap})
LISTINGS: Final = frozenset(MADE_FROM) - {
    PageKind.article, PageKind.short, PageKind.redirect, PageKind.routes,
}  # fmt: skip


REST: Final[dict[PageKind, float]] = {
    kind: 1.0 if kind in {PageKind.home, PageKind.section} else 5.0 for kind in LISTINGS
}
"""Least seconds between two deliveries of one page: a burst of stories becomes one delivery."""


@dataclass(frozen=True)
class PageSpec:
    """A page that exists or is to exist."""

    path: str
    kind: PageKind
    subject: str = ""


@dataclass(frozen=True)
class Place:
    """A place on a shelf that has a page: ``kind`` is author or topic.

    ``number`` is that of the numbered page that holds it, None while the first page shows the whole shelf.
    """

    kind: PageKind
    slug: str
    number: int | None = None


@dataclass(frozen=True)
class Listed:
    """Where an article stands in listings: one before a change and one after it.

    ``archive_pages``: the numbered pages of its month, by section; the first one where nothing is said.
    ``fronts``: those that an editor has pinned it to. ``aside``: a page such as About, which only the
    sitemap lists. ``sitemaps``: the numbers of its month's files.
    """

    section: str
    published_at: datetime
    archive_pages: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    sitemaps: tuple[int, ...] = (1,)
    fronts: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    aside: bool = False


def month(at: datetime, site: Site) -> str:
    """The calendar month, in the site's time zone, as YYYY-MM."""
    return at.astimezone(ZoneInfo(site.time_zone)).strftime("%Y-%m")


def month_bounds(at: datetime, site: Site) -> tuple[datetime, datetime]:
    """The first instant of that month and of the next one, in the site's time zone."""
    start = at.astimezone(ZoneInfo(site.time_zone)).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    return start, following


def month_span(month: str, site: Site) -> tuple[datetime, datetime]:
    """The first instant of a month such as 2026-11 and of the next, in the site's time zone."""
    return month_bounds(datetime.fromisoformat(f"{month}-15T12:00:00+00:00"), site)  # inside it everywhere


def archive_path(section: str, month: str, number: int) -> str:
    return f"/{section}/archive/{month}/" + (f"{number}/" if number > 1 else "")


def sitemap_page(month: str, number: int) -> PageSpec:
    """A file of a month's sitemap; 1 has the oldest articles, so that all but the last rest."""
    if number == 1:
        return PageSpec(f"/sitemaps/articles-{month}.xml", PageKind.month_sitemap, month)
    return PageSpec(f"/sitemaps/articles-{month}-{number}.xml", PageKind.month_sitemap, f"{month}/{number}")


def numbers_touched(place: int, total: int, length: int, *, appears: bool) -> tuple[int, ...]:
    """The numbered pages of ``length`` that change with the article behind ``place`` older ones of ``total``.

    Only its own, unless it comes or goes (``appears``): then those behind it move up or down, too. An
    article published now is on the last page.
    """
    first = place // length + 1
    last = max(first, -(-total // length)) if appears else first
    return tuple(range(first, last + 1))


HOME: Final = "home"
"""What the home front is called beside the sections', whose fronts go by their slugs."""


def front_page(front: str) -> PageSpec:
    """The page of a front, by its name: a section's slug, or home."""
    if front == HOME:
        return PageSpec("/", PageKind.home)
    return PageSpec(f"/{front}/", PageKind.section, front)


def shelf_page(kind: PageKind, slug: str, number: int | None = None) -> PageSpec:
    """The first page of an author or a topic, or a numbered one: 1 has the oldest articles."""
    base = f"/{kind}s/{slug}/"
    if number is None:
        return PageSpec(base, kind, slug)
    return PageSpec(f"{base}{number}/", kind, f"{slug}/{number}")


def place_number(place: int, placed: int) -> int | None:
    """The numbered page of the ``place``-th article, on a shelf that has had ``placed``, both from 1."""
    return (place - 1) // SHELF_LENGTH + 1 if placed > SHELF_FRONT else None


def places_touched(places: Iterable[Place]) -> Iterable[PageSpec]:
    """The pages that show these places."""
    for place in places:
        yield shelf_page(place.kind, place.slug)
        if place.number is not None:
            yield shelf_page(place.kind, place.slug, place.number)


def sections_listing(site: Site, section: str) -> tuple[str, ...]:
    """The sections whose fronts list an article of ``section``: its own and those that list all."""
    return tuple(entry.slug for entry in site.sections if entry.all or entry.slug == section)


INDEX_KEY: Final = "/indexnow.txt"


def chrome_pages(site: Site) -> tuple[PageSpec, ...]:
    """The pages that a site has before its first article."""
    fixed = (
        PageSpec("/", PageKind.home),
        PageSpec("/feeds/rss.xml", PageKind.rss),
        PageSpec("/feeds/atom.xml", PageKind.atom),
        PageSpec("/feeds/feed.json", PageKind.json_feed),
        PageSpec("/sitemap.xml", PageKind.sitemap_index),
        PageSpec("/sitemaps/news.xml", PageKind.news_sitemap),
        PageSpec("/404.html", PageKind.not_found),
        PageSpec("/robots.txt", PageKind.robots),
        PageSpec("/manifest.webmanifest", PageKind.manifest),
        PageSpec("/favicon.ico", PageKind.favicon),
    )
    key = (PageSpec(INDEX_KEY, PageKind.index_key),) if site.indexnow else ()
    return fixed + key + tuple(_section_pages(site))


def _section_pages(site: Site) -> Iterable[PageSpec]:
    for section in site.sections:
        yield PageSpec(f"/{section.slug}/", PageKind.section, section.slug)
        yield PageSpec(f"/{section.slug}/rss.xml", PageKind.rss, section.slug)


def listings_touched(site: Site, facts: Iterable[Fact], listed: Listed) -> tuple[PageSpec, ...]:
    """The listing pages whose content changes when these facts of one article change."""
    changed = set(facts)
    return tuple(spec for spec in _listings_of(site, listed) if MADE_FROM[spec.kind] & changed)


def _listings_of(site: Site, listed: Listed) -> Iterable[PageSpec]:
    when = month(listed.published_at, site)
    yield from (sitemap_page(when, number) for number in listed.sitemaps)
    if listed.aside:
        return
    yield from (spec for spec in chrome_pages(site) if spec.subject == "" and spec.kind in LISTINGS)
    yield from (front_page(front) for front in listed.fronts if front == HOME or site.section(front))
    yield from places_touched(listed.places)
    for slug in sections_listing(site, listed.section):
        yield PageSpec(f"/{slug}/", PageKind.section, slug)
        yield PageSpec(f"/{slug}/rss.xml", PageKind.rss, slug)
        for number in listed.archive_pages.get(slug, (1,)):
            yield PageSpec(archive_path(slug, when, number), PageKind.archive, f"{slug}/{when}/{number}")


def naming(page: PageSpec) -> tuple[PageSpec, ...]:
    """The pages that name a page as soon as it is there: its first delivery changes them.

    A month is in the list of months at the foot of its own page, too. Pages of later months, which a
    story of long ago finds there already, are looked up by nashr.store.golive.
    """
    if page.kind == PageKind.month_sitemap:
        return (PageSpec("/sitemap.xml", PageKind.sitemap_index),)
    if page.kind in {PageKind.author, PageKind.topic}:
        return _naming_shelf(page)
    if page.kind != PageKind.archive:
        return ()
    section, when, number = page.subject.split("/")
    if number == "1":
        return (PageSpec("/", PageKind.home), PageSpec(f"/{section}/", PageKind.section, section), page)
    before = int(number) - 1
    return (PageSpec(archive_path(section, when, before), page.kind, f"{section}/{when}/{before}"),)


def _naming_shelf(page: PageSpec) -> tuple[PageSpec, ...]:
    """A numbered page is named by the first page and by the one before it."""
    slug, _, number = page.subject.partition("/")
    if not number:
        return ()
    first = shelf_page(page.kind, slug)
    return (first, shelf_page(page.kind, slug, int(number) - 1)) if number != "1" else (first,)
