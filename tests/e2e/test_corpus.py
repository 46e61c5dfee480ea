"""Real newspaper articles and real photos through the whole pipeline. Neither is part of this repository."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import unicodedata
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Stack
    from tests.e2e.conftest import Page, Reader

pytestmark = pytest.mark.timeout(900)

ARTICLES = 20
BROKEN = {"sharp_corrupt-header.jpg", "sharp_truncated.jpg"}


@dataclass(frozen=True)
class Published:
    """An article of the corpus and what the API says of it."""

    source: dict[str, Any]
    article: dict[str, Any]


@pytest.fixture(scope="module")
def shared(pytestconfig: pytest.Config) -> Path:
    """Where corpora and photos lie: beside the checkout, or where ``NASHR_TEST_SHARED`` says."""
    folder = Path(os.environ.get("NASHR_TEST_SHARED", pytestconfig.rootpath.parent / "shared"))
    for part in ("corpora/ar_saudinews.jsonl.gz", "photos"):
        if not (folder / part).exists():
            pytest.skip(f"{folder / part} is not there: the corpus is research material, not part of nashr")
    return folder


def read(folder: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(folder / "corpora/ar_saudinews.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from (json.loads(line) for line in itertools.islice(lines, ARTICLES))


def paragraphs(source: dict[str, Any]) -> list[str]:
    """In NFC, as nashr stores texts."""
    body = unicodedata.normalize("NFC", source["body"])
    return [" ".join(text.split()) for text in body.split("\n\n") if text.strip()]


@pytest.fixture(scope="module")
def published(stack: Stack, shared: Path) -> list[Published]:
    """All articles live, each with a photo: large ones, turned ones, CMYK, wide gamut, alpha, animated."""
    files = sorted(file for file in (shared / "photos").rglob("*.*") if file.name not in BROKEN)
    photos = [stack.upload(file.read_bytes())["id"] for file in files]
    accepted = []
    for source, photo in zip(read(shared), itertools.cycle(photos), strict=False):
        draft = {
            "section": "politics",
            "headline": source["title"],
            "hero": {"asset": photo, "alt": f"صورة: {source['title']}"},
            "byline": [{"name": source["source"], "role": "agency"}],
            "body": [{"type": "paragraph", "html": escape(text)} for text in paragraphs(source)],
        }
        made = stack.editor.post("/v1/articles", json=draft)
        assert made.status_code == 201, made.text
        accepted.append((source, made.json()["id"], stack.publish(made.json()["id"])["id"]))
    for _, _, publication in accepted:
        stack.wait_proven(publication, seconds=600)
    return [Published(source, stack.article(article)) for source, article, _ in accepted]


def test_every_page_shows_its_article(stack: Stack, published: list[Published], reader: Reader) -> None:
    """Headline, photo, card and every paragraph of each article stand on its page, as written.

    A page waits 30 s for a photo's renditions, then goes out without; on a busy machine some come later.
    """

    def complete(url: str) -> Page | None:
        page = reader.page(url)
        return page if page.all("figure.hero img") and page.all("meta[property='og:image']") else None

    for one in published:
        url = one.article["url"]
        page = stack.until(partial(complete, url), what=f"the photo and card of {url}", seconds=300)
        assert page.words("h1.headline") == " ".join(one.source["title"].split())
        assert page.one("figure.hero img").get("alt") == f"صورة: {one.source['title']}"
        shown = [" ".join(text.text_content().split()) for text in page.all("div.article-body p")]
        assert shown == paragraphs(one.source)
        assert page.meta("og:image").endswith(".jpg")
        assert "Loading" not in page.text


def test_every_address_on_every_page_answers(published: list[Published], reader: Reader) -> None:
    """Whatever the pages name is there: renditions, cards, styles, related stories, fronts, feeds."""
    links = {link for one in published for link in reader.page(one.article["url"]).links()}
    for front in ("/", "/politics/", "/akhbar/", "/sport/"):
        links |= reader.page(front).links()
    assert len(links) > 10 * ARTICLES
    assert reader.complaints(links) == []


def test_related_stories_stand_once(published: list[Published], reader: Reader) -> None:
    """On no page is a story linked twice, and none links to itself."""
    linked = 0
    for one in published:
        page = reader.page(one.article["url"])
        links = [str(a.get("href")) for a in page.all("aside.see-also a, section.related h3 a")]
        linked += bool(links)
        assert len(set(links)) == len(links)
        assert not any(one.article["url"].endswith(link) for link in links)
    assert linked >= ARTICLES // 2
