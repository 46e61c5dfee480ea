"""A small newsroom in memory: two sites, their assets, stories with photos of a single colour."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from nashr.domain.article import content
from nashr.domain.site import Section, Site
from nashr_delivery.assets import site_assets
from nashr_delivery.chrome import Chrome, Links, SiteAssets
from nashr_delivery.views import ArticleView, Photo, Rendition, SocialCard, Teaser

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
PLACEHOLDER = "data:image/webp;base64,UklGRh4AAABXRUJQVlA4TBEAAAAvAAAAAAfQ//73v/+BiOh/AAA="
WIDTHS = (320, 640, 960, 1280)
KINDS = {"avif": "image/avif", "webp": "image/webp", "jpg": "image/jpeg"}


def photo_of(name: str, *, alt: str = "ميناء بيروت عند الفجر", width: int = 1280, height: int = 853) -> Photo:
    """A photo with every width and type, and the three crops in JPEG."""
    whole = [
        Rendition(f"/media/{name}{size}.{suffix}", size, round(size * height / width), kind, size * 90)
        for size in WIDTHS
        for suffix, kind in KINDS.items()
    ]
    crops = [
        Rendition(f"/media/{name}c{w}x{h}.jpg", w, h, "image/jpeg", w * 80, crop)
        for crop, w, h in (("16:9", 1200, 675), ("4:3", 1200, 900), ("1:1", 1200, 1200))
    ]
    return Photo(
        alt, "الميناء بعد إعادة تشغيله", "نشر", False, width, height, PLACEHOLDER, (*whole, *crops), 0.4, 0.3
    )


def teaser_of(number: int, *, language: str = "ar") -> Teaser:
    english = language == "en"
    return Teaser(
        article_id=f"t{number}",
        path=f"/politics/story-{number}/",
        headline=f"Story number {number}" if english else f"خبر رقم {number} عن الميناء والمدينة",
        standfirst="What the port means." if english else "ما الذي يعنيه الميناء لأهل المدينة اليوم.",
        section=Section("politics", "Politics" if english else "سياسة"),
        language=language,
        published_at=NOON - timedelta(hours=number),
        photo=photo_of(f"t{number}") if number % 5 else None,
    )


def paragraphs(count: int) -> list[dict[str, Any]]:
    return [{"type": "paragraph", "id": f"p{n}", "html": f"الفقرة <b>{n}</b> من النص."} for n in range(count)]


@pytest.fixture(scope="session")
def site() -> Site:
    return Site(
        id="khabar",
        name="خبر",
        locale="ar-LB",
        base_url="https://khabar.example/",
        time_zone="Asia/Beirut",
        prefix="khabar/",
        sections=(Section("politics", "سياسة"), Section("economy", "اقتصاد"), Section("culture", "ثقافة")),
    )


@pytest.fixture(scope="session")
def english_site() -> Site:
    """An edition below a path of the same host."""
    return Site(
        id="khabar-en",
        name="Khabar",
        locale="en-GB",
        base_url="https://khabar.example/en/",
        time_zone="Asia/Beirut",
        prefix="en/",
        sections=(Section("politics", "Politics"), Section("economy", "Economy")),
    )


def short_name(body: bytes) -> str:
    return hashlib.sha256(b"test" + body).hexdigest()[:20]


@pytest.fixture(scope="session")
def assets(site: Site) -> SiteAssets:
    return site_assets(site, name=short_name)


@pytest.fixture
def chrome(site: Site, assets: SiteAssets) -> Chrome:
    return Chrome(site, assets, Links(site))


@pytest.fixture(scope="session")
def teaser() -> Callable[..., Teaser]:
    return teaser_of


@pytest.fixture(scope="session")
def document() -> Callable[..., dict[str, Any]]:
    """A stored draft; keywords replace its fields."""

    def build(**changes: Any) -> dict[str, Any]:
        return {
            "headline": "الميناء يعود إلى العمل",
            "standfirst": "بعد ست سنوات من التوقف ترسو أول سفينة.",
            "section": "politics",
            "kicker": "عاجل",
            "dateline": "بيروت",
            "byline": [{"name": "ليلى حسن", "author": "layla", "role": "reporter"}],
            "keywords": ["ميناء", "بيروت"],
            "hero": {"asset": "hero", "alt": "رافعة فوق الماء", "caption": "الرصيف الأول", "credit": "نشر"},
            "body": [
                *paragraphs(3),
                {"type": "heading", "level": 2, "text": "ماذا تغيّر"},
                {"type": "image", "asset": "inline", "alt": "عمال على الرصيف"},
                *paragraphs(6),
                {"type": "quote", "html": "عدنا.", "cite": "عامل"},
                {"type": "list", "ordered": True, "items": ["أولاً", "ثانياً"]},
                {"type": "embed", "url": "https://video.example/1", "title": "تسجيل"},
            ],
            **changes,
        }

    return build


@pytest.fixture(scope="session")
def story(site: Site, document: Callable[..., dict[str, Any]]) -> Callable[..., ArticleView]:
    """An article page; ``doc`` replaces fields of the draft, keywords those of the view."""

    def build(doc: dict[str, Any] | None = None, **changes: Any) -> ArticleView:
        view = ArticleView(
            article_id="a1",
            content=content(document(**(doc or {})), site),
            path="/politics/الميناء-يعود/",
            short_path="/a/xyz1",
            published_at=NOON,
            modified_at=NOON,
            photos={"hero": photo_of("hero"), "inline": photo_of("inline", width=900, height=1200)},
            cards=(SocialCard("/cards/c1.jpg", 1200, 630, 90_000, "بطاقة الخبر"),),
            see_also=tuple(teaser_of(n) for n in (11, 12)),
            related_news=tuple(teaser_of(n) for n in range(1, 6)),
        )
        return replace(view, **changes)

    return build
