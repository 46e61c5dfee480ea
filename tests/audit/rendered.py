"""Articles rendered without a stack, in Arabic and English: plain, and with all that may stand on one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from nashr.domain.site import Site
from nashr.domain.text import plain
from nashr_delivery.core import render
from nashr_delivery.views import ArticleView, Correction

from tests.pages import sample

BYLINE: Final = {"ar": "سلمى الراوي", "en": "Salma Rawi"}
SECOND: Final = {"ar": "كريم البيلساني", "en": "Karim Bilsani"}
NOTE: Final = {
    "ar": "الصحيح أن الجلسة عُقدت يوم الثلاثاء لا الأربعاء.",
    "en": "The session was on Tuesday, not on Wednesday.",
}
EMBED: Final = {"type": "embed", "url": "https://video.example/1", "title": "Video"}
CASES: Final = tuple((language, full) for language in ("ar", "en") for full in (False, True))


@dataclass(frozen=True)
class Rendered:
    """One article: what went in, and the page that came out."""

    name: str
    site: Site
    view: ArticleView
    html: bytes

    @property
    def url(self) -> str:
        return self.site.base_url.rstrip("/") + self.view.path

    @property
    def words(self) -> str:
        """The draft's own text, in its order: paragraphs, headings, quotes with their speaker, lists."""
        return "\n".join(text for block in self.view.content.body for text in _texts(block))

    @property
    def others(self) -> Sequence[str]:
        """Headlines of other stories that stand on the page."""
        return [one.headline for one in (*self.view.see_also, *self.view.related_news)]


def _texts(block: Any) -> Sequence[str]:
    if block["type"] == "list":
        return [plain(item) for item in block["items"]]
    found = [plain(block.get("html") or ""), block.get("text") or "", block.get("cite") or ""]
    return [text for text in found if text]


def article(language: str, *, full: bool) -> Rendered:
    """A story of 900 words, or a short one with kicker, embed, notes, correction, editions, author pages."""
    site = sample.edition(language)
    view = _full(site, language) if full else sample.long_story(site)
    page = render(view, site, sample.look(site), version=1)
    return Rendered(f"{language}-{'full' if full else 'plain'}", site, view, page.body)


def _full(site: Site, language: str) -> ArticleView:
    view = sample.long_story(
        site, words=300, kind="analysis", kicker=NOTE[language][:12], dateline="Beirut",
        byline=[
            {"name": BYLINE[language], "author": "salma", "role": "reporter"},
            {"name": SECOND[language], "author": "salma2", "role": "reporter"},
        ],
        source={"name": "Wire", "url": "https://wire.example/1", "canonical": False},
        translation={"from": "en", "method": "machine_reviewed", "credit": BYLINE[language]},
        ai={"text": "assisted", "note": NOTE[language]},
    )  # fmt: skip
    body = (*view.content.body[:4], EMBED, *view.content.body[4:])
    return replace(
        view,
        content=replace(view.content, body=body),
        corrections=(Correction("correction", NOTE[language], view.published_at + timedelta(hours=1)),),
        translations=(("fr", "https://khabar.example/fr/politics/story/"),),
        author_pages=frozenset({"salma", "salma2"}),
        topics=(("topic", NOTE[language][:9]),),
    )
