"""schema.org data of a page as one graph: the article, its breadcrumb, the newsroom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from markupsafe import Markup
from nashr.domain.article import Content, Credit
from nashr.domain.locales import stamp

from nashr_delivery.chrome import Chrome
from nashr_delivery.head import canonical, description
from nashr_delivery.markup import json_script
from nashr_delivery.pictures import crops, largest
from nashr_delivery.views import ArticleView, Correction, ListingView, Profile

TYPES: Final = {
    "news": "NewsArticle",
    "analysis": "AnalysisNewsArticle",
    "opinion": "OpinionNewsArticle",
    "explainer": "BackgroundNewsArticle",
    "interview": "ReportageNewsArticle",
    "sponsored": "AdvertiserContentArticle",
    "page": "WebPage",
}
_POLICIES: Final = {
    "publishing_principles": "publishingPrinciples",
    "corrections_policy": "correctionsPolicy",
    "ethics_policy": "ethicsPolicy",
    "masthead": "masthead",
}
_PROPERTIES: Final = {"translator": "translator", "editor": "editor", "photographer": "contributor"}


def of_article(view: ArticleView, chrome: Chrome) -> Markup:
    content = view.content
    trail = [(chrome.words.home, chrome.links.url("/"))]
    if content.kind != "page":
        section = chrome.section(content.section)
        trail.append((section.label, chrome.links.url(f"/{section.slug}/")))
    trail.append((content.headline, chrome.links.url(view.path)))
    publisher = _publisher(chrome)
    return _graph(_article(view, publisher, chrome), _breadcrumb(trail), publisher)


def of_listing(view: ListingView, title: str, chrome: Chrome) -> Markup:
    url = chrome.links.url(view.path)
    page: dict[str, Any] = {"@type": "CollectionPage", "@id": url, "url": url, "name": title}
    page |= {"inLanguage": chrome.site.locale, "publisher": {"@id": _publisher_id(chrome)}}
    if view.kind == "home":
        return _graph({**page, "@type": "WebSite"}, _publisher(chrome))
    trail = [(chrome.words.home, chrome.links.url("/"))]
    if view.profile:
        page |= {"@type": "ProfilePage", "mainEntity": _subject(view.profile, url, chrome)}
    if view.section and view.kind != "section":
        trail.append((view.section.label, chrome.links.url(f"/{view.section.slug}/")))
    return _graph(page, _breadcrumb([*trail, (title, url)]), _publisher(chrome))


def _subject(profile: Profile, url: str, chrome: Chrome) -> dict[str, Any]:
    """The author whom a profile page is about."""
    person: dict[str, Any] = {"@type": "Person", "@id": f"{url}#person", "name": profile.name, "url": url}
    person["worksFor"] = {"@id": _publisher_id(chrome)}
    if profile.bio:
        person["description"] = " ".join(profile.bio.split())
    if profile.photo and (file := largest(profile.photo)):
        person["image"] = chrome.links.asset_url(file.path)
    if profile.links:
        person["sameAs"] = [address for address, _ in profile.links]
    return person


def _graph(*nodes: dict[str, Any]) -> Markup:
    return json_script({"@context": "https://schema.org", "@graph": list(nodes)})


def _article(view: ArticleView, publisher: dict[str, Any], chrome: Chrome) -> dict[str, Any]:
    content, zone = view.content, chrome.site.time_zone
    url = chrome.links.url(view.path)
    about = {
        "@type": TYPES[content.kind],
        "@id": f"{url}#article",
        "url": url,
        "mainEntityOfPage": canonical(view, chrome),
        "headline": content.headline,
        "description": description(content),
        "inLanguage": content.language,
        "datePublished": stamp(view.published_at, zone),
        "dateModified": stamp(view.modified_at, zone),
        "publisher": _signature(publisher),
        "isAccessibleForFree": True,
        **_images(view, chrome),
        **_people(view, chrome),
        **dict(_relatives(view, chrome)),
    }
    if content.kind == "page":
        return about
    about["articleSection"] = chrome.section(content.section).label
    about["articleBody"] = content.text()
    about["wordCount"] = len(about["articleBody"].split())
    about["speakable"] = {"@type": "SpeakableSpecification", "cssSelector": [".headline", ".standfirst"]}
    return about | dict(_extras(content))


def _relatives(view: ArticleView, chrome: Chrome) -> Iterator[tuple[str, Any]]:
    """What was said about the article since, what it is made from, and its other editions."""
    content, kind = view.content, TYPES[view.content.kind]
    if view.corrections:
        yield "correction", [_correction(one, chrome) for one in view.corrections]
    if content.source and content.source.get("url"):
        yield "isBasedOn", content.source["url"]
    editions = [{"@type": kind, "url": url, "inLanguage": tag} for tag, url in view.translations]
    if view.original:
        yield "translationOfWork", next(one for one in editions if one["url"] == view.original)
    elif editions and not content.translation_of:
        yield "workTranslation", editions


def _correction(one: Correction, chrome: Chrome) -> dict[str, str]:
    kind = chrome.words.correction_kinds.get(one.kind, one.kind)
    at = stamp(one.at, chrome.site.time_zone)
    return {"@type": "CorrectionComment", "name": kind, "text": one.text, "datePublished": at}


def _extras(content: Content) -> Iterator[tuple[str, Any]]:
    if content.keywords:
        yield "keywords", list(content.keywords)
    if content.dateline:
        yield "dateline", content.dateline
    if content.kind == "sponsored" and content.source and content.source.get("name"):
        yield "sponsor", {"@type": "Organization", "name": content.source["name"]}


def _images(view: ArticleView, chrome: Chrome) -> dict[str, Any]:
    """Every shape of the hero that there is, else the cards: search engines pick the shape they need."""
    hero = view.content.hero
    photo = view.photos.get(hero.asset) if hero else None
    found = [
        {
            "@type": "ImageObject",
            "url": chrome.links.asset_url(file.path),
            "width": file.width,
            "height": file.height,
            **({"caption": hero.caption} if hero and hero.caption else {}),
            **({"creditText": credit} if hero and photo and (credit := hero.credit or photo.credit) else {}),
        }
        for file in (crops(photo) if photo else ())
    ]
    if not found:
        found = [
            {
                "@type": "ImageObject",
                "url": chrome.links.asset_url(card.path),
                "width": card.width,
                "height": card.height,
            }
            for card in view.cards
        ]
    return {"image": found, "thumbnailUrl": found[0]["url"]} if found else {}


def _people(view: ArticleView, chrome: Chrome) -> dict[str, Any]:
    """Authors and the other roles; an article without a byline is the newsroom's."""
    people: dict[str, list[dict[str, str]]] = {}
    for who in view.content.byline:
        people.setdefault(_PROPERTIES.get(who.role, "author"), []).append(_person(who, view, chrome))
    people.setdefault(
        "author", [{"@type": "NewsMediaOrganization", "@id": _publisher_id(chrome), "name": chrome.site.name}]
    )
    return people


def _person(who: Credit, view: ArticleView, chrome: Chrome) -> dict[str, str]:
    person = {"@type": "Organization" if who.role == "agency" else "Person", "name": who.name}
    if who.author in view.author_pages:
        person["url"] = chrome.links.url(f"/authors/{who.author}/")
    return person


def _breadcrumb(trail: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": place, "name": name, "item": url}
            for place, (name, url) in enumerate(trail, start=1)
        ],
    }


def _publisher_id(chrome: Chrome) -> str:
    return chrome.links.url("/") + "#publisher"


def _signature(publisher: dict[str, Any]) -> dict[str, Any]:
    """Name and logo for programs that read one node and follow no @id; the newsroom's own has the rest."""
    return {key: publisher[key] for key in ("@type", "@id", "name", "logo")}


def _publisher(chrome: Chrome) -> dict[str, Any]:
    logo = chrome.logo or ""
    if not logo:
        logo = chrome.links.asset_url(chrome.assets.touch_icon)
    elif "://" not in logo:
        logo = chrome.site.origin + logo
    found = {
        "@type": "NewsMediaOrganization",
        "@id": _publisher_id(chrome),
        "name": chrome.site.name,
        "url": chrome.links.url("/"),
        "logo": {"@type": "ImageObject", "url": logo},
    }
    theme = chrome.site.theme
    policies = {name: theme[key] for key, name in _POLICIES.items() if theme.get(key)}
    return found | {name: _absolute(path, chrome) for name, path in policies.items()}


def _absolute(path: str, chrome: Chrome) -> str:
    return path if "://" in path else chrome.links.url(path)
