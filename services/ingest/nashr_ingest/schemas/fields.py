"""The field types that all wire models share: texts, slugs, times, addresses, each with its cure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic, LiteralString, TypeVar

from nashr.domain.site import is_language
from nashr.domain.slugs import RESERVED, derive_slug, is_lookalike, is_slug
from nashr.domain.urls import is_reserved_path, is_web_url, site_path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from nashr_ingest.pointers import CUSTOM

MAX_HTML_BYTES: Final = 20_000
MAX_EXTENSIONS_BYTES: Final = 16_384
MAX_NUMBER: Final = 2**31 - 1
_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


Item = TypeVar("Item")


class Wire(BaseModel):
    """What a client sends: unknown fields are refused, null or an empty optional text means absent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, serialize_by_alias=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return {name: value for name, value in data.items() if not cls._is_absent(name, value)}

    @classmethod
    def _is_absent(cls, name: str, value: Any) -> bool:
        if value is None:
            return True
        return value == "" and name in cls.model_fields and not cls.model_fields[name].is_required()


class Patch(BaseModel):
    """A partial change: a field that is left out stays, null clears it (``model_fields_set`` tells)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Out(BaseModel):
    """What the API answers. Documents the answer; stored documents are never validated again."""

    model_config = ConfigDict(extra="ignore")


class Warned(Out):
    """Something that was changed in what was sent."""

    pointer: str
    code: str
    detail: str


class Page(Out, Generic[Item]):
    """One page of a list; ``next_cursor`` is null on the last."""

    items: list[Item]
    next_cursor: str | None


def wrong(
    code: LiteralString, cure: LiteralString, context: dict[str, Any] | None = None
) -> PydanticCustomError:
    """The error of a validator: a wire code and its cure, a template that ``context`` fills."""
    return PydanticCustomError(f"{CUSTOM}{code}", cure, context)


def once_each(values: list[str]) -> list[str]:
    """The values in their order, each once."""
    return list(dict.fromkeys(values))


def _time(value: Any) -> datetime:
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(UTC)
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise wrong("bad_time", "give RFC 3339 with a zone, such as 2026-03-01T09:30:00Z")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise wrong("bad_time", "no clock shows this time: correct the date or hour") from None


def rfc3339(time: datetime) -> str:
    """A time as the API writes it: UTC with ``Z``."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _slug(value: str) -> str:
    if not is_slug(value) or is_lookalike(value):
        raise wrong(
            "bad_slug",
            "lower-case letters and digits with single hyphens, each word in one script, at most 120 bytes; "
            "for instance {better}",
            {"better": derive_slug(value, fallback="article")},
        )
    if value in RESERVED:
        raise wrong("reserved", "{slug} is a path of the site itself: choose another", {"slug": value})
    return value


def _section(value: str) -> str:
    if not is_slug(value):
        raise wrong("unknown_section", "give the slug of one of the site's sections")
    return value


def _language(value: str) -> str:
    if len(value) > 35 or not is_language(value):
        raise wrong("bad_language", "give a BCP 47 tag such as ar, ar-LB or en")
    return value


def _web_url(value: str) -> str:
    if not is_web_url(value):
        raise wrong("bad_url", "give an absolute http(s) URL without user name or spaces")
    return value


def _https_url(value: str) -> str:
    if not is_web_url(value, schemes=("https",)):
        raise wrong("bad_url", "give an absolute https:// URL without user name or spaces")
    return value


def _alias(value: str) -> str:
    try:
        path = site_path(value)
    except ValueError as error:
        raise wrong("bad_url", "{why}", {"why": str(error)}) from None
    if is_reserved_path(path):
        raise wrong("reserved", "{path} is a path of the site itself: leave it out", {"path": path})
    return path


def _short_html(value: str) -> str:
    size = len(value.encode("utf-8", "replace"))
    if size > MAX_HTML_BYTES:
        raise wrong(
            "too_long",
            "at most {limit} bytes of HTML, this has {size}: split the block",
            {"limit": MAX_HTML_BYTES, "size": size},
        )
    return value


def _small_object(value: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace"))
    except ValueError:
        raise wrong("invalid", "NaN and infinity are not JSON: remove them") from None
    if size > MAX_EXTENSIONS_BYTES:
        raise wrong(
            "too_long",
            "at most {limit} bytes as JSON, this has {size}: keep it in the CMS and send its id",
            {"limit": MAX_EXTENSIONS_BYTES, "size": size},
        )
    return value


def _asset_id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise wrong("unknown_asset", "give the id that POST /v1/assets returned")
    return value


def _article_id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise wrong("unknown_article", "give the id that POST /v1/articles returned")
    return value


_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""A text of one line, trimmed, not empty; its greatest length stands with the field."""

Html = Annotated[str, AfterValidator(_short_html)]
Time = Annotated[
    datetime,
    BeforeValidator(_time),
    PlainSerializer(rfc3339, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Slug = Annotated[str, AfterValidator(_slug)]
SectionSlug = Annotated[str, AfterValidator(_section)]
Language = Annotated[str, AfterValidator(_language)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
HttpsUrl = Annotated[str, AfterValidator(_https_url)]
Alias = Annotated[str, AfterValidator(_alias)]
Extensions = Annotated[dict[str, Any], AfterValidator(_small_object)]
AssetId = Annotated[str, AfterValidator(_asset_id)]
ArticleId = Annotated[str, AfterValidator(_article_id)]
SiteId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$")]
Count = Annotated[int, Field(ge=1, le=MAX_NUMBER)]
"""A revision's number."""
