"""An article page: the contract's order of elements, blocks with their photos, see-also links in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from nashr.domain.article import Credit, Picture, picture
from nashr.domain.locales import language_name
from nashr.domain.seealso import CARDS, places
from nashr.domain.site import Site

from nashr_delivery import head, jsonld
from nashr_delivery.chrome import Chrome
from nashr_delivery.listing import cards
from nashr_delivery.markup import Draft, html
from nashr_delivery.pictures import HERO, INLINE, Image, image
from nashr_delivery.views import ArticleView, Correction, Photo, Teaser

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Figure:
    """A photo with the words of one use."""

    image: Image
    caption: str | None
    credit: str | None


class Block(NamedTuple):
    """One block of the body as the template shows it; ``see_also`` follows it; ``level`` is 2 to 4."""

    data: Mapping[str, Any]
    attributes: Mapping[str, str]
    figure: Figure | None = None
    host: str = ""
    level: int = 2
    see_also: Teaser | None = None


@dataclass(frozen=True)
class Note:
    """What a reader has to know first; ``kind`` is its class."""

    kind: str
    text: str
    href: str | None = None


def draft(view: ArticleView, chrome: Chrome) -> Draft:
    content = view.content
    shown = list(blocks(view, chrome))
    beneath = related(view, shown)
    only_latest = all(teaser.article_id in view.latest for teaser in beneath)
    body = html(
        "article.html",
        chrome,
        head=head.of_article(view, chrome),
        structured=jsonld.of_article(view, chrome),
        language=content.language,
        current=None if content.kind == "page" else content.section,
        view=view,
        content=content,
        kicker=_kicker(view),
        kind=chrome.words.kinds.get(content.kind),
        retraction=retraction(view),
        editions=[(tag, url, language_name(tag, tag)) for tag, url in view.translations],
        hero=_hero(view, chrome),
        section=chrome.section(content.section),
        byline=_byline(view, chrome),
        credits=_credits(view, chrome),
        updated=view.modified_at if view.modified_at > view.published_at else None,
        notes=_notes(view, chrome),
        shares=shares(content.headline, chrome.links.url(view.short_path), chrome),
        blocks=shown,
        topics=[(word, chrome.links.href(f"/topics/{slug}/")) for slug, word in view.topics],
        related=cards(beneath, chrome),
        related_label=chrome.words.latest if only_latest else chrome.words.related,
        latest=frozenset() if only_latest else view.latest,
    )
    return Draft(body, HTML)


def used_photo(view: ArticleView, use: Picture | None) -> Photo | None:
    """The photo of one use with this use's words; an asset that is gone gives None."""
    photo = view.photos.get(use.asset) if use else None
    if photo is None or use is None:
        return None
    return replace(
        photo,
        alt=photo.alt if use.alt is None else use.alt,
        caption=use.caption or photo.caption,
        credit=use.credit or photo.credit,
        decorative=use.decorative,
    )


def blocks(view: ArticleView, chrome: Chrome) -> Iterator[Block]:
    """The body's blocks in order; an image whose asset is gone is left out before links are placed."""
    shown = [block for data in view.content.body if (block := _block(data, view, chrome))]
    where = places([block.data["type"] for block in shown], len(view.see_also))
    beside = dict(zip(where, view.see_also, strict=False))
    for index, block in enumerate(shown):
        yield block._replace(see_also=beside[index]) if index in beside else block


def _block(data: Mapping[str, Any], view: ArticleView, chrome: Chrome) -> Block | None:
    within = view.content.language
    language = data.get("language")
    attributes = chrome.lang(language, within) if language else {}
    match data["type"]:
        case "image":
            figure = _figure(used_photo(view, picture(data)), chrome, sizes=INLINE)
            return Block(data, attributes, figure=figure) if figure else None
        case "embed":
            return Block(data, attributes, host=urlsplit(data["url"]).hostname or "")
        case "heading":
            return Block(data, attributes, level=min(max(data.get("level") or 2, 2), 4))
        case _:
            return Block(data, attributes)


def _hero(view: ArticleView, chrome: Chrome) -> Figure | None:
    return _figure(used_photo(view, view.content.hero), chrome, sizes=HERO, first=True)


def _figure(photo: Photo | None, chrome: Chrome, *, sizes: str, first: bool = False) -> Figure | None:
    shown = image(photo, chrome.links, sizes=sizes, first=first) if photo else None
    return Figure(shown, photo.caption, photo.credit) if photo and shown else None


def _kicker(view: ArticleView) -> str | None:
    return None if view.kicker_expired else view.content.kicker


def related(view: ArticleView, shown: Iterable[Block]) -> list[Teaser]:
    """Four stories, each once, none of them this article or a see-also that found a place."""
    taken = {view.article_id, *(block.see_also.article_id for block in shown if block.see_also)}
    fresh = {teaser.article_id: teaser for teaser in view.related_news if teaser.article_id not in taken}
    return list(fresh.values())[:CARDS]


def _byline(view: ArticleView, chrome: Chrome) -> list[tuple[str, str | None]]:
    """(name, link) of those who wrote it."""
    named = [who for who in view.content.byline if who.role not in chrome.words.roles]
    return [(who.name, _author_link(who, view, chrome)) for who in named]


def _author_link(who: Credit, view: ArticleView, chrome: Chrome) -> str | None:
    return chrome.links.href(f"/authors/{who.author}/") if who.author in view.author_pages else None


def _credits(view: ArticleView, chrome: Chrome) -> list[str]:
    """Those who took part without writing, one line per role."""
    roles = chrome.words.roles
    lines = {role: [who.name for who in view.content.byline if who.role == role] for role in roles}
    return [roles[role].format(chrome.words.separator.join(names)) for role, names in lines.items() if names]


def retraction(view: ArticleView) -> Correction | None:
    """The newest correction that takes the story back, if there is one."""
    return next((one for one in reversed(view.corrections) if one.kind == "retraction"), None)


def _notes(view: ArticleView, chrome: Chrome) -> list[Note]:
    """Translated, made with AI, corrected since."""
    content, words = view.content, chrome.words
    notes = []
    if content.translation:
        notes.append(Note("translation", _translation(content.translation, chrome)))
    made = (content.ai or {}).get("text", "none")
    if content.ai and made != "none":
        text = words.ai_generated if made == "generated" else words.ai_assisted
        notes.append(Note("ai", _with(text, content.ai.get("note"))))
    if any(one.kind in {"correction", "clarification"} for one in view.corrections):
        notes.append(Note("corrected", words.corrected, "#corrections"))
    return notes


def _translation(translation: Mapping[str, Any], chrome: Chrome) -> str:
    words = chrome.words
    forms = {"machine": words.translated_machine, "machine_reviewed": words.translated_reviewed}
    name = language_name(translation["from"], words.language)
    text = forms.get(translation.get("method", "human"), words.translated)
    return _with(text.format(name), translation.get("credit"))


def _with(text: str, more: str | None) -> str:
    return f"{text} – {more}" if more else text


@dataclass(frozen=True)
class Share:
    """A plain link that shares the page."""

    name: str
    label: str
    href: str


def shares(headline: str, url: str, chrome: Chrome) -> list[Share]:
    """The site's share links, to the permalink: the address may move, ``/a/...`` stays.

    Spaces are %20: mail programs show a plus as a plus.
    """
    words, site = chrome.words, chrome.site
    title, link = quote(headline, safe=""), quote(url, safe="")
    known = {
        "facebook": ("Facebook", f"https://www.facebook.com/sharer/sharer.php?u={link}"),
        "x": ("X", f"https://x.com/intent/post?url={link}&text={title}"),
        "linkedin": ("LinkedIn", f"https://www.linkedin.com/sharing/share-offsite/?url={link}"),
        "whatsapp": ("WhatsApp", f"https://wa.me/?text={title}%0A{link}"),
        "email": (words.share_email, f"mailto:?subject={title}&body={title}%0A{link}"),
    }
    return [Share(name, words.share_on.format(known[name][0]), known[name][1]) for name in _chosen(site)]


def _chosen(site: Site) -> tuple[str, ...]:
    return tuple(dict.fromkeys(site.share))
