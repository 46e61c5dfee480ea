"""An article's content as a revision stores it, read into frozen values, and its rules at publish.

The wire's validation is ingest's; this module trusts the shape of a stored document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from nashr.domain.errors import Fault
from nashr.domain.site import Site
from nashr.domain.text import plain

KINDS: Final = ("news", "analysis", "opinion", "explainer", "interview", "sponsored", "page")


@dataclass(frozen=True)
class Picture:
    """A use of an asset on a page: whose alt and caption belong to this use."""

    asset: str
    alt: str | None = None
    caption: str | None = None
    credit: str | None = None
    decorative: bool = False


@dataclass(frozen=True)
class Credit:
    """One name of the byline."""

    name: str
    author: str | None = None
    role: str = "reporter"


@dataclass(frozen=True)
class Content:
    """What one revision says. ``body`` holds the contract's blocks as plain mappings."""

    headline: str
    language: str
    section: str
    kind: str = "news"
    standfirst: str | None = None
    kicker: str | None = None
    kicker_until: datetime | None = None
    dateline: str | None = None
    titles: Mapping[str, str | None] = field(default_factory=dict)
    description: str | None = None
    byline: tuple[Credit, ...] = ()
    keywords: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    hero: Picture | None = None
    social_image: Picture | None = None
    body: tuple[Mapping[str, Any], ...] = ()
    source: Mapping[str, Any] | None = None
    translation: Mapping[str, Any] | None = None
    ai: Mapping[str, Any] | None = None
    translation_of: str | None = None
    related: Mapping[str, Any] = field(default_factory=dict)
    distribution: Mapping[str, bool] = field(default_factory=dict)
    published_at: datetime | None = None
    embargo_until: datetime | None = None
    aliases: tuple[str, ...] = ()

    def listed(self, where: str) -> bool:
        """Whether the editor lets the article appear in ``front``, ``feeds``, ``sitemap``, ``related``."""
        return bool(self.distribution.get(where, True)) and self.kind != "page"

    @property
    def paragraphs(self) -> int:
        return sum(1 for block in self.body if block["type"] == "paragraph")

    def text(self) -> str:
        """The body as plain text, one line per block: what related stories are found by."""
        return "\n".join(line for block in self.body for line in _lines(block))

    def pictures(self) -> Iterator[tuple[str, Picture]]:
        """Every use of an asset with its JSON pointer."""
        if self.hero:
            yield "/hero", self.hero
        if self.social_image:
            yield "/social_image", self.social_image
        for index, block in enumerate(self.body):
            if block["type"] == "image":
                yield f"/body/{index}", picture(block)

    @property
    def assets(self) -> tuple[str, ...]:
        """Every asset named, once each, in order of use."""
        return tuple(dict.fromkeys(use.asset for _, use in self.pictures()))


def _lines(block: Mapping[str, Any]) -> Iterator[str]:
    if "html" in block:
        yield plain(block["html"])
    elif block["type"] == "heading":
        yield block["text"]
    elif block["type"] == "list":
        yield from (plain(item) for item in block["items"])


def picture(data: Mapping[str, Any]) -> Picture:
    """Reads a hero, a social image or an image block."""
    return Picture(
        asset=data["asset"],
        alt=data.get("alt"),
        caption=data.get("caption"),
        credit=data.get("credit"),
        decorative=bool(data.get("decorative")),
    )


def content(doc: Mapping[str, Any], site: Site) -> Content:
    """Reads a stored document. Fields that are absent or null take the site's or the model's default."""
    values: dict[str, Any] = {name: doc[name] for name in _AS_THEY_ARE if doc.get(name) is not None}
    return Content(
        **values,
        headline=doc["headline"],
        language=doc.get("language") or site.locale,
        section=doc["section"],
        byline=tuple(_credit(item) for item in doc.get("byline") or ()),
        keywords=tuple(doc.get("keywords") or ()),
        subjects=tuple(doc.get("subjects") or ()),
        hero=picture(doc["hero"]) if doc.get("hero") else None,
        social_image=picture(doc["social_image"]) if doc.get("social_image") else None,
        body=tuple(doc.get("body") or ()),
        aliases=tuple(doc.get("aliases") or ()),
        kicker_until=_time(doc.get("kicker_until")),
        published_at=_time(doc.get("published_at")),
        embargo_until=_time(doc.get("embargo_until")),
    )


_AS_THEY_ARE: Final = (
    "kind", "standfirst", "kicker", "dateline", "titles", "description", "source", "translation", "ai",
    "translation_of", "related", "distribution",
)  # fmt: skip


def _credit(data: Mapping[str, Any]) -> Credit:
    return Credit(data["name"], data.get("author"), data.get("role") or "reporter")


def _time(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def publish_faults(doc: Content) -> tuple[Fault, ...]:
    """What keeps a draft from being published: a draft may be half done, a publication may not."""
    faults = [
        Fault(f"{pointer}/alt", "missing_alt", 'describe the picture, or say "decorative": true')
        for pointer, use in doc.pictures()
        if not use.decorative and not (use.alt or "").strip()
    ]
    if not doc.body:
        faults.append(Fault("/body", "empty", "give the article at least one block"))
    return tuple(faults)
