"""RSS 2.0, Atom and JSON Feed of the site and its sections: whole articles or summaries, as the site says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime
from typing import Any, Final

from nashr.domain.article import picture

from nashr_delivery.article import used_photo
from nashr_delivery.chrome import Chrome
from nashr_delivery.head import description, told
from nashr_delivery.markup import Draft, html, json_text, utc, xml
from nashr_delivery.pictures import largest
from nashr_delivery.views import ArticleView, FeedView, Rendition

_TYPES: Final = {"rss": "application/rss+xml; charset=utf-8", "atom": "application/atom+xml; charset=utf-8"}
_LOCAL: Final = re.compile(r'(\shref=["\'])/(?!/)')


@dataclass(frozen=True)
class Item:
    """One story of a feed, its HTML with absolute links."""

    story: ArticleView
    title: str
    url: str
    guid: str
    summary: str
    html: str | None
    image: Rendition | None
    image_url: str
    alt: str
    credit: str | None
    attributes: dict[str, str]


def draft(view: FeedView, chrome: Chrome) -> Draft:
    if view.format == "json":
        return Draft(_json(view, chrome), "application/feed+json")
    body = xml(
        f"{view.format}.xml",
        chrome,
        view=view,
        title=title(view, chrome),
        items=[item(story, chrome) for story in view.items],
        home=_home(view, chrome),
        rfc822=lambda at: format_datetime(at.astimezone(UTC)),
        utc=utc,
        description=chrome.site.theme.get("tagline") or title(view, chrome),
    )
    return Draft(body, _TYPES[view.format])


def title(view: FeedView, chrome: Chrome) -> str:
    return f"{chrome.site.name} – {view.section.label}" if view.section else chrome.site.name


def _home(view: FeedView, chrome: Chrome) -> str:
    return chrome.links.url(f"/{view.section.slug}/" if view.section else "/")


def item(story: ArticleView, chrome: Chrome) -> Item:
    photo = used_photo(story, story.content.hero)
    image = largest(photo) if photo else None
    return Item(
        story=story,
        title=_title(story, chrome),
        url=chrome.links.url(story.path),
        guid=chrome.links.url(story.short_path),
        summary=description(story.content),
        html=_html(story, chrome) if chrome.site.feeds == "full" else None,
        image=image,
        image_url=chrome.links.asset_url(image.path) if image else "",
        alt=photo.alt if photo and not photo.decorative else "",
        credit=photo.credit if photo else None,
        attributes=chrome.lang(story.content.language, chrome.site.locale),
    )


def _title(story: ArticleView, chrome: Chrome) -> str:
    """The headline; before it what a list of titles must not hide: that it was paid for, or taken back."""
    title = told(story.content.headline, story, chrome)
    paid = story.content.kind == "sponsored"
    return f"{chrome.words.kinds['sponsored']}: {title}" if paid else title


def _html(story: ArticleView, chrome: Chrome) -> str:
    """The body for readers elsewhere: absolute links, plain images, corrections below, no see-also."""
    parts = []
    for data in story.content.body:
        photo = used_photo(story, picture(data)) if data["type"] == "image" else None
        file = largest(photo) if photo else None
        if data["type"] != "image" or file:
            parts.append((data, photo, file))
    language, locale = story.content.language, chrome.site.locale
    text = html(
        "feed_body.html",
        chrome,
        parts=parts,
        whole=chrome.lang(language, locale),
        own=chrome.lang(locale, language),
        sponsored=story.content.kind == "sponsored",
        corrections=story.corrections,
    )
    return _LOCAL.sub(rf"\g<1>{chrome.site.origin}/", text)


def _json(view: FeedView, chrome: Chrome) -> str:
    data: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title(view, chrome),
        "home_page_url": _home(view, chrome),
        "feed_url": chrome.links.url(view.path),
        "language": chrome.site.locale,
        "icon": chrome.links.asset_url(chrome.assets.touch_icon),
    }
    if chrome.site.websub_hub:
        data["hubs"] = [{"type": "WebSub", "url": chrome.site.websub_hub}]
    data["items"] = [_json_item(item(story, chrome)) for story in view.items]
    return json_text(data)


def _json_item(one: Item) -> dict[str, Any]:
    content = one.story.content
    data: dict[str, Any] = {
        "id": one.guid,
        "url": one.url,
        "title": one.title,
        "summary": one.summary,
        "date_published": utc(one.story.published_at),
        "date_modified": utc(one.story.modified_at),
        "language": content.language,
        "authors": [{"name": who.name} for who in content.byline],
        "tags": list(content.keywords),
        **({"content_html": one.html} if one.html else {"content_text": one.summary}),
    }
    return data | ({"image": one.image_url} if one.image else {})
