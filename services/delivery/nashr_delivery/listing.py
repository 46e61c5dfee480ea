"""Fronts, archive months and lists of authors and topics: cards, rows, the links between numbered pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from nashr.domain.locales import month_name

from nashr_delivery import head, jsonld
from nashr_delivery.chrome import Chrome
from nashr_delivery.markup import Draft, html
from nashr_delivery.pictures import CARD, LEAD, PORTRAIT, ROW, Image, image
from nashr_delivery.views import ListingView, Teaser

HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Card:
    """A teaser with its photo ready and the attributes its language needs; ``label`` names its kind."""

    teaser: Teaser
    image: Image | None
    attributes: Mapping[str, str]
    label: str | None = None


def cards(teasers: Iterable[Teaser], chrome: Chrome, *, sizes: str = CARD) -> list[Card]:
    return [_card(teaser, chrome, sizes=sizes) for teaser in teasers]


def _card(teaser: Teaser, chrome: Chrome, *, sizes: str, first: bool = False) -> Card:
    photo = image(teaser.photo, chrome.links, sizes=sizes, first=first) if teaser.photo else None
    attributes = chrome.lang(teaser.language, chrome.site.locale)
    return Card(teaser, photo, attributes, chrome.words.kinds.get(teaser.kind))


def draft(view: ListingView, chrome: Chrome) -> Draft:
    title = heading(view, chrome)
    front = view.kind in {"home", "section"} and not view.newer
    lead = [_card(one, chrome, sizes=LEAD, first=True) for one in view.teasers[:1]] if front else []
    portrait = view.profile.photo if view.profile else None
    body = html(
        "listing.html",
        chrome,
        head=head.of_listing(view, title, chrome),
        structured=jsonld.of_listing(view, title, chrome),
        language=chrome.site.locale,
        current=view.section.slug if view.section else "" if view.kind == "home" else None,
        view=view,
        title=title,
        portrait=image(portrait, chrome.links, sizes=PORTRAIT, first=True) if portrait else None,
        elsewhere=_elsewhere(view),
        lead=lead,
        cards=cards(view.teasers[len(lead) :], chrome, sizes=CARD if front else ROW),
        front=front,
        months=[(month_name(one.month, chrome.site.date_locale), one.path) for one in view.archive],
    )
    return Draft(body, HTML)


def _elsewhere(view: ListingView) -> list[tuple[str, str]]:
    """(URL, label) of an author's links; one without a label goes by its host."""
    links = view.profile.links if view.profile else ()
    return [(url, label or urlsplit(url).hostname or url) for url, label in links]


def heading(view: ListingView, chrome: Chrome) -> str:
    """What the list is called: its own title, or the month, the section, the site."""
    name = view.title or (view.section.label if view.section else chrome.site.name)
    if view.number is not None:
        return chrome.words.numbered.format(name, view.number)
    if view.kind != "archive" or view.month is None:
        return name
    return f"{name}: {chrome.words.archive_of.format(month_name(view.month, chrome.site.date_locale))}"
