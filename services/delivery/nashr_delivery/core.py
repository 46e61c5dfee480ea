"""A view and a site in, the bytes of a page and its headers out. Pure: no clock, no network, no database.

Same inputs give the same bytes; two versions of a page differ only in the stamp that this module sets.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from nashr.domain.purging import LONG_CACHE, page_tag
from nashr.domain.site import Site

from nashr_delivery import article, feeds, listing, notices, policy, sitemaps, wellknown
from nashr_delivery.assets import site_assets
from nashr_delivery.chrome import Asset, Chrome, Links, SiteAssets
from nashr_delivery.markup import Draft
from nashr_delivery.views import (
    ArticleView,
    FaviconView,
    FeedView,
    FootLink,
    IndexKeyView,
    ListingView,
    ManifestView,
    RedirectView,
    RobotsView,
    SitemapIndexView,
    SitemapView,
    TombstoneView,
    View,
)

__all__ = [
    "ASSET_CACHE",
    "PAGE_CACHE",
    "Asset",
    "Page",
    "SiteAssets",
    "render",
    "site_assets",
    "surrogate_tags",
]

PAGE_CACHE: Final = LONG_CACHE
ASSET_CACHE: Final = "public, max-age=31536000, immutable"

_STAMPS: Final = {
    "text/html; charset=utf-8": ('<meta charset="utf-8">', '<meta name="nashr:version" content="{}">'),
    "text/plain; charset=utf-8": ("", "# nashr:version {}\n"),
    "application/manifest+json": ("{", '"nashr_version": {}, '),
    "application/feed+json": ("{", '"_nashr": {{"version": {}}}, '),
}
_STAMPED: Final = re.compile(
    rb"""nashr(?::version|_version":|": \{"version":)(?:" content="| )(\d+)"""
).search
_XML_STAMP: Final = ('<?xml version="1.0" encoding="utf-8"?>\n', "<!-- nashr:version {} -->\n")


@dataclass(frozen=True)
class Page:
    """An object for the site's bucket.

    ``metadata`` holds ``status`` and ``location`` of redirects and tombstones, ``csp`` of what browsers show
    and ``surrogate-key``; whoever stores the page adds its version there. ``asset_paths`` is every
    ``/media``, ``/cards`` and ``/assets`` path that the body names. ``body_without_stamp_hash`` covers body,
    headers and metadata.
    """

    path: str
    body: bytes
    content_type: str
    cache_control: str
    metadata: dict[str, str]
    tags: tuple[str, ...]
    asset_paths: frozenset[str]
    body_without_stamp_hash: str


def render(
    view: View,
    site: Site,
    assets: SiteAssets,
    *,
    version: int,
    cache: str = PAGE_CACHE,
    tag_metadata: str = "",
    foot: tuple[FootLink, ...] = (),
    assets_below: str = "",
) -> Page:
    """Renders one page of ``site``; ``version`` is the page row's, and becomes the stamp.

    ``cache`` is its Cache-Control; ``tag_metadata`` where its tags also stand, between commas. ``foot``: the
    pages that the site names at the foot of each. ``assets_below``: the site path that links to assets begin
    with, for a preview.
    """
    links = Links(site, assets_below)
    chrome = Chrome(site, assets, links, foot)
    draft = _draft(view, chrome)
    body = draft.body if isinstance(draft.body, bytes) else draft.body.encode()
    tags = surrogate_tags(view, site)
    metadata = {**draft.metadata, "surrogate-key": " ".join(tags)}
    if tag_metadata:
        metadata[tag_metadata] = ",".join(tags)
    if draft.content_type == article.HTML and "location" not in metadata:
        metadata["csp"] = policy.in_header(chrome)
    return Page(
        path=view.path,
        body=body if body is draft.body else _stamped(body, draft.content_type, version),
        content_type=draft.content_type,
        cache_control=cache,
        metadata=metadata,
        tags=tags,
        asset_paths=frozenset(links.used),
        body_without_stamp_hash=_digest(body, draft.content_type, metadata, cache),
    )


def surrogate_tags(view: View, site: Site) -> tuple[str, ...]:
    """The keys by which an edge drops the page: itself, its site, its kind, its article or section. ASCII."""
    tags = [page_tag(site.key(view.path)), f"site-{site.id}", f"kind-{_kind(view)}"]
    if isinstance(view, ArticleView):
        tags.append(f"article-{view.article_id}")
    if isinstance(view, ListingView | FeedView) and view.section:
        tags.append(f"section-{quote(view.section.slug)}")
    return tuple(tags)


def _kind(view: View) -> str:
    return type(view).__name__.removesuffix("View").lower()


def _draft(view: View, chrome: Chrome) -> Draft:
    """The renderer of each kind of view. ``match`` lets mypy prove that none is missing."""
    found: Draft
    match view:
        case ArticleView():
            found = article.draft(view, chrome)
        case ListingView():
            found = listing.draft(view, chrome)
        case FeedView():
            found = feeds.draft(view, chrome)
        case SitemapView():
            found = sitemaps.draft(view, chrome)
        case SitemapIndexView():
            found = sitemaps.index_draft(view, chrome)
        case TombstoneView():
            found = notices.tombstone(view, chrome)
        case RedirectView():
            found = notices.redirect(view, chrome)
        case RobotsView():
            found = wellknown.robots(view, chrome)
        case ManifestView():
            found = wellknown.manifest(chrome)
        case FaviconView():
            found = wellknown.favicon(chrome)
        case IndexKeyView():
            found = wellknown.index_key(view)
    return found


def _stamped(body: bytes, content_type: str, version: int) -> bytes:
    """The text with the version behind its first fixed words, which stand before any text of the newsroom."""
    before, stamp = _STAMPS.get(content_type, _XML_STAMP)
    begun, found, rest = body.partition(before.encode()) if before else (b"", b"", body)
    if found != before.encode():
        raise ValueError(f"a body of {content_type} must hold {before!r}")
    return b"".join((begun, found, stamp.format(version).encode(), rest))


def version_of(body: bytes) -> int | None:
    """The version in a body's stamp; None where it has none. No text of the newsroom stands before it."""
    found = _STAMPED(body)
    return int(found[1]) if found else None


def _digest(body: bytes, content_type: str, metadata: dict[str, str], cache: str) -> str:
    headers = repr((content_type, cache, sorted(metadata.items())))
    digest = hashlib.sha256(headers.encode() + b"\0")
    digest.update(body)
    return digest.hexdigest()
