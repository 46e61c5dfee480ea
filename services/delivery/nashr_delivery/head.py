"""The head of a page: title, canonical, robots, Open Graph and X, feeds, translations. Values; no markup."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from nashr.domain.article import Content
from nashr.domain.locales import alternates, edition_tag, og_locale, stamp
from nashr.domain.text import plain

from nashr_delivery.chrome import Chrome
from nashr_delivery.pictures import largest
from nashr_delivery.theme import palette
from nashr_delivery.views import ArticleView, ListingView, Photo, SocialCard

INDEX: Final = "index,follow,max-image-preview:large,max-snippet:-1,max-video-preview:-1"
NOINDEX: Final = "noindex,follow"
_DESCRIPTION: Final = 200


@dataclass(frozen=True)
class Head:
    """What the head says: ``properties`` are Open Graph, ``names`` are X and the like."""

    title: str
    description: str
    canonical: str | None
    robots: str
    colours: tuple[str, str]
    properties: tuple[tuple[str, str], ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    alternates: tuple[tuple[str, str], ...] = ()
    feeds: tuple[tuple[str, str, str], ...] = ()
    older: str | None = None
    newer: str | None = None
    short: str | None = None


def of_article(view: ArticleView, chrome: Chrome) -> Head:
    content = view.content
    url = canonical(view, chrome)
    title = told(content.titles.get("seo") or content.headline, view, chrome)
    social = told(content.titles.get("social") or content.headline, view, chrome)
    words = description(content)
    shown = (*_open_graph(social, words, url, chrome), *_article_tags(view, chrome))
    pictures = tuple(_pictures(view, chrome))
    return Head(
        title=f"{title} – {chrome.site.name}",
        description=words,
        canonical=url,
        robots=INDEX if content.distribution.get("index", True) else NOINDEX,
        colours=_colours(chrome),
        properties=(("og:type", "article"), *shown, *pictures),
        names=tuple(_x_card(social, words, pictures, chrome)),
        alternates=_alternates(view, chrome),
        feeds=feeds(chrome, content.section),
        short=chrome.links.url(view.short_path),
    )


def told(title: str, view: ArticleView, chrome: Chrome) -> str:
    """The title, with the word before it where the story was taken back: results and shares show no more."""
    if all(one.kind != "retraction" for one in view.corrections):
        return title
    return f"{chrome.words.correction_kinds['retraction']}: {title}"


def of_listing(view: ListingView, title: str, chrome: Chrome) -> Head:
    url = chrome.links.url(view.path)
    home = view.kind == "home" and not view.title
    locale = og_locale(chrome.site.locale, chrome.site.locale)
    words = _about(view, chrome) or chrome.site.theme.get("tagline") or chrome.site.name
    portrait = view.profile.photo if view.profile else None
    lead = portrait or next((teaser.photo for teaser in view.teasers if teaser.photo), None)
    pictures = tuple(_photo_tags(lead, chrome) if lead else _all_card_tags(view.site_cards, chrome))
    return Head(
        title=title if home else f"{title} – {chrome.site.name}",
        description=words,
        canonical=url,
        robots=INDEX,
        colours=_colours(chrome),
        properties=(
            ("og:type", "profile" if view.profile else "website"),
            ("og:locale", locale),
            *_open_graph(title, words, url, chrome),
            *pictures,
        ),
        names=tuple(_x_card(title, words, pictures, chrome)),
        feeds=feeds(chrome, view.section.slug if view.section else None),
        older=chrome.links.href(view.older) if view.older else None,
        newer=chrome.links.href(view.newer) if view.newer else None,
    )


def _about(view: ListingView, chrome: Chrome) -> str | None:
    """What a list says of itself: an author's own words, else whose or which stories these are."""
    bio = view.profile.bio if view.profile else None
    if bio:
        return _cut(" ".join(bio.split()))
    forms = {"author": chrome.words.by_author, "topic": chrome.words.about_topic}
    if view.kind in forms:
        return forms[view.kind].format(view.title)
    return view.description


def of_notice(title: str, words: str, chrome: Chrome, *, canonical: str | None = None) -> Head:
    return Head(
        title=f"{title} – {chrome.site.name}",
        description=words,
        canonical=canonical,
        robots="noindex",
        colours=_colours(chrome),
        feeds=feeds(chrome, None),
    )


def canonical(view: ArticleView, chrome: Chrome) -> str:
    """The page's own URL, or the source's where the newsroom only republishes."""
    source = view.content.source or {}
    return (
        str(source["url"]) if source.get("canonical") and source.get("url") else chrome.links.url(view.path)
    )


def description(content: Content) -> str:
    """The editor's description, else the standfirst, else the first paragraph cut at a word."""
    given = content.description or content.standfirst
    if given:
        return given
    text = next((plain(block["html"]) for block in content.body if block["type"] == "paragraph"), "")
    return _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= _DESCRIPTION else text[:_DESCRIPTION].rsplit(" ", 1)[0] + "…"


def feeds(chrome: Chrome, section: str | None) -> tuple[tuple[str, str, str], ...]:
    """(type, title, link) of the feeds that a reader's program should find."""
    name, href = chrome.site.name, chrome.links.href
    found = [
        ("application/rss+xml", name, href("/feeds/rss.xml")),
        ("application/atom+xml", name, href("/feeds/atom.xml")),
        ("application/feed+json", name, href("/feeds/feed.json")),
    ]
    known = chrome.site.section(section) if section else None
    if known:
        title = f"{name} – {known.label}"
        found.append(("application/rss+xml", title, href(f"/{known.slug}/rss.xml")))
    return tuple(found)


def _colours(chrome: Chrome) -> tuple[str, str]:
    colours = palette(chrome.site.theme)
    return colours.light["paper"], colours.dark["paper"]


def _open_graph(title: str, words: str, url: str, chrome: Chrome) -> Iterator[tuple[str, str]]:
    yield "og:title", title
    yield "og:description", words
    yield "og:url", url
    yield "og:site_name", chrome.site.name


def _article_tags(view: ArticleView, chrome: Chrome) -> Iterator[tuple[str, str]]:
    content, zone = view.content, chrome.site.time_zone
    yield "og:locale", og_locale(content.language, chrome.site.locale)
    for locale, _ in view.translations:
        yield "og:locale:alternate", og_locale(locale, locale)
    yield "article:published_time", stamp(view.published_at, zone)
    yield "article:modified_time", stamp(view.modified_at, zone)
    if content.kind != "page":
        yield "article:section", chrome.section(content.section).label
    for who in content.byline:
        yield "article:author", who.name
    for keyword in content.keywords:
        yield "article:tag", keyword


def _pictures(view: ArticleView, chrome: Chrome) -> Iterator[tuple[str, str]]:
    """The social cards, the widest use first; where there is none the site's own, else a photo."""
    if found := view.cards or view.site_cards:
        yield from _all_card_tags(found, chrome)
        return
    for use in filter(None, (view.content.social_image, view.content.hero)):
        if photo := view.photos.get(use.asset):
            yield from _photo_tags(photo, chrome, alt=use.alt or photo.alt)
            return


def _all_card_tags(found: tuple[SocialCard, ...], chrome: Chrome) -> Iterator[tuple[str, str]]:
    for card in found:
        yield from _card_tags(card, chrome)


def _card_tags(card: SocialCard, chrome: Chrome) -> Iterator[tuple[str, str]]:
    kind = {"png": "image/png", "webp": "image/webp"}.get(card.path.rsplit(".", 1)[-1], "image/jpeg")
    return _image_tags(chrome.links.asset_url(card.path), kind, (card.width, card.height), card.alt)


def _photo_tags(photo: Photo, chrome: Chrome, *, alt: str | None = None) -> Iterator[tuple[str, str]]:
    file = largest(photo)
    if file:
        size = (file.width, file.height)
        yield from _image_tags(chrome.links.asset_url(file.path), file.content_type, size, alt or photo.alt)


def _image_tags(url: str, kind: str, size: tuple[int, int], alt: str) -> Iterator[tuple[str, str]]:
    yield "og:image", url
    yield "og:image:type", kind
    yield "og:image:width", str(size[0])
    yield "og:image:height", str(size[1])
    if alt:
        yield "og:image:alt", alt


def _x_card(
    title: str, words: str, pictures: tuple[tuple[str, str], ...], chrome: Chrome
) -> Iterator[tuple[str, str]]:
    """X's tags. It reads at most 420 characters of an alt text."""
    found = dict(reversed(pictures))  # the first of each name
    yield "twitter:card", "summary_large_image" if found else "summary"
    yield "twitter:title", title
    yield "twitter:description", words
    if handle := chrome.site.theme.get("x_handle"):
        yield "twitter:site", "@" + handle.lstrip("@")
    if found:
        yield "twitter:image", found["og:image"]
    if "og:image:alt" in found:
        yield "twitter:image:alt", found["og:image:alt"][:420]


def _alternates(view: ArticleView, chrome: Chrome) -> tuple[tuple[str, str], ...]:
    """hreflang of each edition, this one among them; x-default is the original."""
    url = chrome.links.url(view.path)
    own = edition_tag(view.content.language, chrome.site.locale), url
    default = view.original if view.content.translation_of else url
    return alternates(own, view.translations, default=default)
