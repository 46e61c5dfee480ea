"""Views of every kind of page with invented content: what a theme is tried and previewed with.

The stories are nashr's own, in each language that has a catalogue; a site's sections lend them their labels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

from nashr.domain.article import content
from nashr.domain.site import Section, Site
from nashr.pages import archive_path

from nashr_delivery.locales import LANGUAGES
from nashr_delivery.views import (
    ArchiveMonth,
    ArticleView,
    Banner,
    Correction,
    ListingView,
    Photo,
    Rendition,
    SocialCard,
    Teaser,
    TombstoneView,
    View,
)

NOON: Final = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_MONTH: Final = date(2026, 11, 1)
_KINDS: Final = {"webp": "image/webp", "jpg": "image/jpeg"}
_WIDTHS: Final = (320, 640, 960, 1280)


@dataclass(frozen=True)
class Sample:
    """One page to look at, by a name such as ``article`` or ``article without a photo``."""

    name: str
    view: View


def samples(site: Site, *, mark: str = "") -> Sequence[Sample]:
    """Every kind of page in the site's language, or in English where there are no words in it.

    ``mark`` stands at the end of whatever a newsroom types as plain text.
    """
    return _Newsroom(site, _words(site.language if site.language in LANGUAGES else "en"), mark).every()


@cache
def _words(language: str) -> Mapping[str, Any]:
    file = files("nashr_delivery").joinpath(f"themes/samples/{language}.json")
    return dict(json.loads(file.read_text("utf-8")))


@dataclass(frozen=True)
class _Newsroom:
    site: Site
    words: Mapping[str, Any]
    mark: str

    def every(self) -> Sequence[Sample]:
        slug = self.section.slug
        return (
            Sample("home", self.front("/", "home")),
            Sample("home without stories", ListingView("/empty/", "home", ())),
            Sample("section", self.front(f"/{slug}/", "section")),
            Sample("archive", self.archive()),
            Sample("author", self.people("/authors/sample/", "author", "reporter", "bio")),
            Sample("topic", self.people("/topics/sample/", "topic", "topic", "")),
            Sample("article", self.article()),
            Sample("article without a photo", self.bare()),
            Sample("sponsored article", self.sponsored()),
            Sample("page", self.page()),
            *(Sample(str(status), self.notice(status)) for status in (404, 410, 451)),
        )

    def say(self, name: str) -> str:
        return f"{self.words[name]}{self.mark}"

    @property
    def section(self) -> Section:
        found = self.site.sections[0]
        return replace(found, label=found.label + self.mark)

    def photo(self, name: str, *, width: int = 1280, height: int = 853) -> Photo:
        whole = tuple(
            Rendition(f"/media/sample-{name}-{size}x{round(size * height / width)}.{suffix}", size,
                      round(size * height / width), kind, size * 90)
            for size in _WIDTHS for suffix, kind in _KINDS.items()
        )  # fmt: skip
        crops = tuple(
            Rendition(f"/media/sample-{name}-{w}x{h}.jpg", w, h, "image/jpeg", w * 80, crop)
            for crop, w, h in (("16:9", 1200, 675), ("4:3", 1200, 900), ("1:1", 1200, 1200))
        )
        alt, caption, credit = (self.say(each) for each in ("alt", "caption", "credit"))
        return Photo(alt, caption, credit, False, width, height, "", (*whole, *crops), 0.5, 0.4, name)

    def teaser(self, number: int) -> Teaser:
        headline, standfirst = self.words["teasers"][number % len(self.words["teasers"])]
        sections = self.site.sections
        section = sections[number % len(sections)]
        return Teaser(
            article_id=f"sample-{number}",
            path=f"/{section.slug}/sample-{number}/",
            headline=headline + self.mark,
            standfirst=standfirst + self.mark,
            section=replace(section, label=section.label + self.mark),
            language=self.site.locale,
            published_at=NOON - timedelta(hours=3 * number + 1),
            photo=None if number % 5 == 4 else self.photo(f"t{number}"),
            kicker=self.say("kicker") if number == 2 else None,
        )

    def teasers(self, count: int) -> tuple[Teaser, ...]:
        return tuple(self.teaser(number) for number in range(count))

    def front(self, path: str, kind: str) -> ListingView:
        slug = self.section.slug
        months = tuple(
            ArchiveMonth(date(2026, n, 1), archive_path(slug, f"2026-{n:02}", 1)) for n in (11, 10)
        )
        view = ListingView(path, "home", self.teasers(13), archive=months)
        if kind == "home":
            return replace(view, banner=Banner(self.say("banner"), self.site.url(f"/{slug}/")))
        return replace(view, kind="section", section=self.section)

    def archive(self) -> ListingView:
        slug = self.section.slug
        path, older, newer = (archive_path(slug, "2026-11", number) for number in (2, 1, 3))
        return ListingView(
            path, "archive", self.teasers(9), section=self.section, month=_MONTH, older=older, newer=newer
        )

    def people(self, path: str, kind: Any, title: str, about: str) -> ListingView:
        words = self.say(about) if about else None
        return ListingView(path, kind, self.teasers(6), title=self.say(title), description=words)

    def document(self) -> dict[str, Any]:
        words = self.words
        foreign = {"type": "paragraph", "id": "p9", **words["foreign"]}
        quote, items = words["quote"], words["items"]
        texts = (words["lead"], *words["paragraphs"])
        first, second, third, *rest = ({"type": "paragraph", "id": f"p{n}", "html": text}
                                       for n, text in enumerate(texts))  # fmt: skip
        return {
            **{name: self.say(name) for name in ("headline", "standfirst", "kicker", "dateline")},
            "section": self.section.slug,
            "byline": [
                {"name": self.say("reporter"), "author": "sample", "role": "reporter"},
                {"name": self.say("photographer"), "role": "photographer"},
                {"name": self.say("translator"), "role": "translator"},
            ],
            "keywords": [self.say("topic")],
            "hero": {"asset": "hero", "alt": self.say("alt"), "caption": self.say("caption")},
            "body": [
                first, second, third,
                {"type": "heading", "level": 2, "text": self.say("heading")},
                *rest[:2],
                {"type": "image", "asset": "inline", "alt": self.say("alt")},
                *rest[2:],
                {"type": "quote", "html": quote, "cite": self.say("cite")},
                {"type": "list", "ordered": False, "items": items},
                {"type": "list", "ordered": True, "items": items},
                foreign,
                {"type": "embed", "url": "https://video.example/1", "title": self.say("embed")},
            ],
            "source": {"name": self.say("source"), "url": "https://example.org/"},
            "translation": {"from": "fr", "method": "machine_reviewed", "credit": self.say("translator")},
            "ai": {"text": "assisted", "note": self.say("ai")},
        }  # fmt: skip

    def view(self, name: str, document: Mapping[str, Any], **changes: Any) -> ArticleView:
        view = ArticleView(
            article_id=name,
            content=content(document, self.site),
            path=f"/{document['section']}/{name}/",
            short_path=f"/a/{name}",
            published_at=NOON,
            modified_at=NOON + timedelta(hours=2),
        )
        return replace(view, **changes)

    def article(self) -> ArticleView:
        more = self.teasers(8)
        return self.view(
            "sample",
            self.document(),
            photos={"hero": self.photo("hero"), "inline": self.photo("inline", width=900, height=1200)},
            cards=(SocialCard("/cards/sample.jpg", 1200, 630, 90_000, self.say("alt")),),
            see_also=more[:2],
            related_news=more[2:6],
            latest=frozenset({more[5].article_id}),
            corrections=(Correction("correction", self.say("correction"), NOON + timedelta(hours=2)),),
            author_pages=frozenset({"sample"}),
        )

    def bare(self) -> ArticleView:
        """Only what an article must have."""
        whole = self.document()
        kept = {name: whole[name] for name in ("headline", "section")}
        return self.view("bare", {**kept, "body": whole["body"][:2]}, modified_at=NOON)

    def sponsored(self) -> ArticleView:
        whole = self.document()
        kept = {name: whole[name] for name in ("headline", "standfirst", "section", "hero")}
        view = self.view("sponsored", {**kept, "kind": "sponsored", "body": whole["body"][:3]})
        return replace(view, photos={"hero": self.photo("hero")}, related_news=self.teasers(4))

    def page(self) -> ArticleView:
        whole = self.document()
        kept = {name: whole[name] for name in ("headline", "section")}
        return replace(self.view("page", {**kept, "kind": "page", "body": whole["body"][:5]}), path="/page/")

    def notice(self, status: Any) -> TombstoneView:
        path = "/404.html" if status == 404 else f"/{status}/"
        return TombstoneView(path, status, None if status == 404 else self.say("notice"))
