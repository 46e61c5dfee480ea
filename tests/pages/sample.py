"""A long story out of the demo newsroom's texts with photos, links and cards, as the database would give it.

Names of files and placeholders are as long and as incompressible as real ones: both decide a page's weight.
"""

from __future__ import annotations

import base64
import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from nashr.domain.article import content
from nashr.domain.recipe import RECIPE
from nashr.domain.site import Section, Site, parse_site
from nashr_delivery.assets import site_assets
from nashr_delivery.chrome import SiteAssets
from nashr_delivery.views import ArticleView, Photo, Rendition, SocialCard, Teaser

DEMO: Final = Path(__file__).parents[2] / "infra" / "demo"
NOON: Final = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
WIDE: Final = (2400, 1600)
PLACEHOLDER_BYTES: Final = 280
_TYPES: Final = {"jpg": "image/jpeg", "webp": "image/webp", "avif": "image/avif"}


def edition(language: str = "ar", **changes: Any) -> Site:
    """A site of the demo; keywords replace what its TOML says."""
    file = DEMO / ("khabar.toml" if language == "ar" else f"khabar-{language}.toml")
    text = tomllib.loads(file.read_text("utf-8"))
    return parse_site({**text, "base_url": "https://khabar.example/", **changes})


def name_of(data: bytes) -> str:
    """32 hex digits, as a keyed hash has them."""
    return hashlib.sha256(b"sample" + data).hexdigest()[:32]


def look(site: Site) -> SiteAssets:
    return site_assets(site, name=name_of)


def long_story(site: Site, *, words: int = 900, **changes: Any) -> ArticleView:
    """An article of at least ``words`` words with a hero and a photo inside, four see-also and four cards."""
    drafts = stories(site.language)
    body = list(_blocks(drafts, words))
    body[5:5] = [{"type": "image", "asset": "inside", "alt": drafts[1]["hero"]["alt"], "credit": "خبر"}]
    doc = {**drafts[0], "body": body, "hero": {**drafts[0]["hero"], "asset": "hero"}, **changes}
    others = [teaser(site, draft, number) for number, draft in enumerate(drafts[1:9])]
    return ArticleView(
        article_id="a1",
        content=content(doc, site),
        path=address(doc),
        short_path="/a/7k2m9q",
        published_at=NOON,
        modified_at=NOON + timedelta(hours=2),
        photos={name: photo(name) for name in ("hero", "inside")},
        cards=tuple(
            _card(name, size, drafts[0]) for name, size in (("wide", (1200, 630)), ("sq", (1080, 1080)))
        ),
        see_also=tuple(others[:4]),
        related_news=tuple(others[4:]),
    )


@cache
def stories(language: str) -> Sequence[Mapping[str, Any]]:
    """The demo's drafts in one language, as their files have them."""
    files = sorted((DEMO / "articles" / language).glob("*.json"))
    return [json.loads(file.read_text("utf-8")) for file in files]


def _blocks(drafts: Sequence[Mapping[str, Any]], words: int) -> Iterator[Mapping[str, Any]]:
    """Text blocks of one story after another until there are enough words."""
    count = 0
    for block in (block for draft in drafts for block in draft["body"] if block["type"] != "image"):
        if count >= words:
            return
        count += len(str(block.get("html", "")).split())
        yield block


def teaser(site: Site, draft: Mapping[str, Any], number: int) -> Teaser:
    return Teaser(
        article_id=f"t{number}",
        path=address(draft),
        headline=draft["headline"],
        standfirst=draft.get("standfirst"),
        section=site.section(draft["section"]) or Section(draft["section"], draft["section"]),
        language=draft["language"],
        published_at=NOON - timedelta(hours=number),
        photo=photo(draft["headline"], alt=draft["hero"]["alt"]),
    )


def address(draft: Mapping[str, Any]) -> str:
    return f"/{draft['section']}/{draft.get('slug') or draft['external_id']}/"


def photo(name: str, *, alt: str = "", size: tuple[int, int] = WIDE) -> Photo:
    """A ready photo with everything that the usual recipe makes of it."""
    whole = [one for one in RECIPE.sizes_for(*size) if one.crop is None]
    crops = [one for one in RECIPE.sizes_for(*size) if one.crop is not None]
    files = [
        Rendition(
            f"/media/{name_of(f'{name}{one}{suffix}'.encode())}.{suffix}",
            one.width, one.height, kind, one.width * 90, one.crop,
        )
        for group, suffixes in ((whole, _TYPES), (crops, ("jpg", "webp")))
        for one in group
        for suffix, kind in ((suffix, _TYPES[suffix]) for suffix in suffixes)
    ]  # fmt: skip
    return Photo(
        alt=alt, caption=None, credit="خبر", decorative=False, width=size[0], height=size[1],
        placeholder=placeholder(name), renditions=tuple(files), focal_x=0.42, focal_y=0.36,
    )  # fmt: skip


def placeholder(name: str) -> str:
    """Bytes that no compression makes fewer, as a picture's are."""
    noise = b"".join(
        hashlib.sha256(f"{name}{n}".encode()).digest() for n in range(PLACEHOLDER_BYTES // 32 + 1)
    )
    return "data:image/webp;base64," + base64.b64encode(noise[:PLACEHOLDER_BYTES]).decode()


def _card(name: str, size: tuple[int, int], draft: Mapping[str, Any]) -> SocialCard:
    return SocialCard(f"/cards/{name_of(name.encode())}.jpg", *size, 90_000, f"خبر: {draft['headline']}")
