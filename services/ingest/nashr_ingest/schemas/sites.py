"""Sites, fronts and authors on the wire. A site's own rules are nashr.domain.site's, TOML and JSON alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from nashr.domain.errors import Fault, Refused
from nashr.domain.site import Site, parse_site
from nashr.domain.theme import is_bundle_key
from nashr.pages import FRONT_LENGTH
from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from nashr_ingest.schemas.fields import ArticleId, AssetId, Line, Out, Time, Warned, WebUrl, Wire

SITE_EXAMPLE: dict[str, Any] = {
    "id": "khabar",
    "name": "خبر",
    "locale": "ar-LB",
    "base_url": "https://khabar.example/",
    "time_zone": "Asia/Beirut",
    "sections": [
        {"slug": "politics", "label": "سياسة"},
        {"slug": "latest", "label": "آخر الأخبار", "all": True},
    ],
}


class SectionOut(Out):
    """One entry of the navigation."""

    slug: str
    label: str
    all: bool
    half_life_days: float | None


class RecipeOut(Out):
    """Which renditions are made of every photo."""

    widths: list[int]
    crops: list[str]
    crop_width: int
    quality: str
    avif: bool


class SiteOut(Out):
    """A site's TOML as JSON."""

    model_config = ConfigDict(json_schema_extra={"examples": [SITE_EXAMPLE]})

    id: str
    name: str
    locale: str
    base_url: str
    time_zone: str
    logo: str | None
    share: list[str]
    article_path: str
    bucket: str | None
    prefix: str
    feeds: str
    topic_threshold: int
    static: str | None
    digits: str | None
    websub_hub: str | None
    indexnow: bool
    theme: dict[str, str | dict[str, str]]
    images: RecipeOut
    sections: list[SectionOut]


SiteIn = Annotated[
    dict[str, Any],
    WithJsonSchema({"type": "object", "title": "Site", "examples": [SITE_EXAMPLE]}),
]
"""Read with ``read_site``, which names each fault by pointer."""


def read_site(data: Mapping[str, Any]) -> Site:
    """The site that a PUT sent. Raises Refused("invalid") with one fault per wrong field.

    Null means absent, as everywhere on the wire.
    """
    site = parse_site({name: value for name, value in data.items() if value is not None})
    folder = site.theme.get("folder")
    if folder is not None and not is_bundle_key(site.id, folder):
        detail = "a folder comes with nashr site apply: leave this as GET gives it, or leave it out"
        raise Refused("invalid", detail, faults=(Fault("/theme/folder", "invalid", detail),))
    return site


FRONT_EXAMPLE: dict[str, Any] = {
    "pins": [{"article": "ar_0198f2", "slot": 1, "until": "2030-11-28T18:00:00Z"}],
    "banner": {"text": "تغطية مباشرة للانتخابات", "url": "https://khabar.example/politics/live/"},
}


class Pin(Wire):
    """An article that an editor holds at a place of a front, from 1 on."""

    article: ArticleId
    slot: int = Field(ge=1, le=FRONT_LENGTH)
    until: Time | None = None


class Banner(Wire):
    """A line above the front."""

    text: Line = Field(max_length=300, examples=["تغطية مباشرة للانتخابات"])
    url: WebUrl | None = None
    until: Time | None = None


class Front(Wire):
    """What an editor decides about a front; the rest is newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [FRONT_EXAMPLE]})

    pins: list[Pin] = Field(default_factory=list, max_length=FRONT_LENGTH)
    banner: Banner | None = None


class FrontOut(Front):
    """A front as its editors left it; pins and banner that have run out are gone."""

    model_config = ConfigDict(extra="ignore")

    warnings: list[Warned] = Field(default_factory=list, description="Only in the answer to a write")


def _as_link(value: Any) -> Any:
    return {"url": value} if isinstance(value, str) else value


class Link(Wire):
    """An author's page elsewhere; a bare URL is read as one."""

    url: WebUrl
    label: str | None = Field(default=None, max_length=100)


AUTHOR_EXAMPLE: dict[str, Any] = {
    "name": "ليلى حداد",
    "bio": "مراسلة برلمانية منذ 2011.",
    "links": [{"url": "https://social.example/@layla", "label": "ماستودون"}],
}

AUTHOR_OUT_EXAMPLE: dict[str, Any] = {
    **AUTHOR_EXAMPLE,
    "slug": "layla-haddad",
    "url": "https://khabar.example/authors/layla-haddad/",
}


class Author(Wire):
    """The page of an author."""

    model_config = ConfigDict(json_schema_extra={"examples": [AUTHOR_EXAMPLE]})

    name: Line = Field(max_length=200)
    bio: str | None = Field(default=None, max_length=5_000)
    photo: AssetId | None = None
    links: list[Annotated[Link, BeforeValidator(_as_link)]] = Field(default_factory=list, max_length=20)


class AuthorOut(Author):
    """An author as returned."""

    model_config = ConfigDict(extra="ignore", json_schema_extra={"examples": [AUTHOR_OUT_EXAMPLE]})

    slug: str
    url: str
    warnings: list[Warned] = Field(default_factory=list, description="Only in the answer to a write")
