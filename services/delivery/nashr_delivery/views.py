"""What rendering reads: frozen values made by the handlers out of the database, one type per kind of page.

Paths are site paths such as ``/politics/خبر/``, unescaped; times are aware. Nothing here looks anything up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, TypeAlias

from nashr.domain.article import Content
from nashr.domain.site import Section


@dataclass(frozen=True)
class Rendition:
    """One stored file of a photo; ``path`` is a site path such as ``/media/ab12.jpg``.

    ``crop`` is its shape such as ``16:9`` where it is cut, ``frames`` is above one where it moves.
    """

    path: str
    width: int
    height: int
    content_type: str
    bytes: int
    crop: str | None = None
    frames: int = 1


@dataclass(frozen=True)
class Photo:
    """One use of an asset: its words, the uncropped size, its files, its focal point (0..1).

    ``asset`` and ``shown`` say which photo, and which state of it, was read.
    """

    alt: str
    caption: str | None
    credit: str | None
    decorative: bool
    width: int
    height: int
    placeholder: str
    renditions: tuple[Rendition, ...]
    focal_x: float = 0.5
    focal_y: float = 0.5
    asset: str = ""
    shown: int = 0


@dataclass(frozen=True)
class Teaser:
    """Another article as a card, a row or a see-also link. ``kicker`` is None once it has run out.

    ``kind``: readers are told of an opinion or a paid text before they follow a link to it.
    """

    article_id: str
    path: str
    headline: str
    standfirst: str | None
    section: Section
    language: str
    published_at: datetime
    photo: Photo | None = None
    kicker: str | None = None
    kind: str = "news"


@dataclass(frozen=True)
class SocialCard:
    """A drawn sharing card; the first of a page is the one that messengers show."""

    path: str
    width: int
    height: int
    bytes: int
    alt: str


@dataclass(frozen=True)
class Correction:
    """An entry of the append-only list: correction, clarification, update or retraction."""

    kind: str
    text: str
    at: datetime


@dataclass(frozen=True)
class ArticleView:
    """An article page, also an item of a feed.

    ``photos`` maps asset ids to files and default words; the words of each use come from ``content``.
    ``latest``: articles of ``related_news`` that are no relation but the newest; the page says so.
    ``translations``: (language tag, URL) of the other editions, the original first unless it is this one.
    ``original``: the URL of the edition that this one translates, while that is live.
    ``kicker_expired`` is the clock's verdict on ``kicker_until``; ``author_pages``: slugs that may be linked.
    ``topics``: (slug, keyword) of those that have a page.
    ``site_cards``: the site's own, for when the article has none.
    """

    article_id: str
    content: Content
    path: str
    short_path: str
    published_at: datetime
    modified_at: datetime
    photos: Mapping[str, Photo] = field(default_factory=dict)
    cards: tuple[SocialCard, ...] = ()
    site_cards: tuple[SocialCard, ...] = ()
    see_also: tuple[Teaser, ...] = ()
    related_news: tuple[Teaser, ...] = ()
    latest: frozenset[str] = frozenset()
    corrections: tuple[Correction, ...] = ()
    translations: tuple[tuple[str, str], ...] = ()
    original: str | None = None
    kicker_expired: bool = False
    author_pages: frozenset[str] = frozenset()
    topics: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ArchiveMonth:
    """A link to one month of an archive; only year and month of ``month`` count."""

    month: date
    path: str


@dataclass(frozen=True)
class Banner:
    """The editor's line above a front."""

    text: str
    url: str | None = None


@dataclass(frozen=True)
class Profile:
    """Who an author page is about; ``links`` are (URL, label or nothing)."""

    name: str
    bio: str | None = None
    photo: Photo | None = None
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class FootLink:
    """A page such as About, which every page of the site names at its foot."""

    path: str
    label: str
    language: str


@dataclass(frozen=True)
class ListingView:
    """A front (``home``, ``section``), an archive month, or the list of an author or a topic.

    ``title`` may stay empty for home, section and archive: the site, the section or the month names them.
    ``site_cards``: the site's own, for when no story has a photo. ``number``: of a numbered page of an author
    or a topic; the first page has none, and ``profile`` is on an author's.
    """

    path: str
    kind: Literal["home", "section", "archive", "author", "topic"]
    teasers: tuple[Teaser, ...]
    title: str = ""
    section: Section | None = None
    month: date | None = None
    older: str | None = None
    newer: str | None = None
    archive: tuple[ArchiveMonth, ...] = ()
    banner: Banner | None = None
    description: str | None = None
    site_cards: tuple[SocialCard, ...] = ()
    number: int | None = None
    profile: Profile | None = None


@dataclass(frozen=True)
class FeedView:
    """A feed of the site or of one section, newest first; ``updated`` is that of its newest change."""

    path: str
    format: Literal["rss", "atom", "json"]
    items: tuple[ArticleView, ...]
    updated: datetime
    section: Section | None = None


@dataclass(frozen=True)
class SitemapEntry:
    """One address of a sitemap; ``images`` are asset paths.

    ``alternates``: (language tag or x-default, URL) of every edition, this one among them; empty for most.

    A sitemap says where photos lie without using them: a thousand articles name three thousand files.
    """

    path: str
    modified_at: datetime
    published_at: datetime
    title: str = ""
    language: str = ""
    images: tuple[str, ...] = ()
    alternates: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class SitemapView:
    """``/sitemaps/articles-YYYY-MM.xml``, or with ``news`` the sitemap of the last two days."""

    path: str
    entries: tuple[SitemapEntry, ...]
    news: bool = False


@dataclass(frozen=True)
class SitemapIndexView:
    """``/sitemap.xml``: (site path, time of the last change) of each sitemap."""

    path: str
    sitemaps: tuple[tuple[str, datetime], ...]


@dataclass(frozen=True)
class TombstoneView:
    """A page that is not there: 404 (also ``/404.html`` itself), 410 or 451 with the public notice."""

    path: str
    status: Literal[404, 410, 451]
    notice: str | None = None


@dataclass(frozen=True)
class RedirectView:
    """A permanent redirect straight to the final, absolute URL."""

    path: str
    location: str


@dataclass(frozen=True)
class RobotsView:
    """``/robots.txt``; ``sitemaps`` are site paths."""

    path: str = "/robots.txt"
    sitemaps: tuple[str, ...] = ("/sitemap.xml", "/sitemaps/news.xml")


@dataclass(frozen=True)
class ManifestView:
    """``/manifest.webmanifest``."""

    path: str = "/manifest.webmanifest"


@dataclass(frozen=True)
class FaviconView:
    """``/favicon.ico``, drawn from the theme's colour."""

    path: str = "/favicon.ico"


@dataclass(frozen=True)
class IndexKeyView:
    """``/indexnow.txt`` with the key of the site's IndexNow submissions."""

    path: str
    key: str


View: TypeAlias = (
    ArticleView
    | ListingView
    | FeedView
    | SitemapView
    | SitemapIndexView
    | TombstoneView
    | RedirectView
    | RobotsView
    | ManifestView
    | FaviconView
    | IndexKeyView
)


def photos_of(view: View) -> Mapping[str, int]:
    """The photos that a page shows, by asset, with the state in which each was read."""
    return {photo.asset: photo.shown for photo in _photos(view)}


def _photos(view: View) -> Iterator[Photo]:
    match view:
        case ArticleView():
            yield from view.photos.values()
            yield from (one.photo for one in (*view.see_also, *view.related_news) if one.photo)
        case ListingView():
            yield from (one.photo for one in view.teasers if one.photo)
            if view.profile and view.profile.photo:
                yield view.profile.photo
        case FeedView():
            for item in view.items:
                yield from _photos(item)
