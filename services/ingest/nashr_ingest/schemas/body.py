"""The blocks of an article's body: a union told apart by ``type``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from nashr_ingest.schemas.fields import AssetId, Html, HttpsUrl, Language, Line, Wire

BlockId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]


class Block(Wire):
    """What every block may carry. ``language`` only where it differs from the article's."""

    id: BlockId | None = Field(default=None, description="Stable across revisions; unique in the body")
    language: Language | None = None


class Paragraph(Block):
    """``html`` is inline: b strong i em u sub sup br bdi span[lang dir] a[href rel hreflang]."""

    type: Literal["paragraph"]
    html: Html = Field(examples=["أقرّ المجلس <b>الموازنة</b> بعد ثلاثة أيام من النقاش."])


class Heading(Block):
    """A subheading; the headline is the page's only level 1."""

    type: Literal["heading"]
    level: int = Field(default=2, ge=2, le=6)
    text: Line = Field(max_length=300, examples=["ماذا بعد؟"])


class Image(Block):
    """A figure. ``alt``, or ``decorative: true``, before it can be published."""

    type: Literal["image"]
    asset: AssetId
    alt: str | None = Field(default=None, max_length=1_000, examples=["نواب يصوّتون برفع الأيدي"])
    caption: str | None = Field(default=None, max_length=2_000)
    credit: str | None = Field(default=None, max_length=300)
    decorative: bool = False


class Quote(Block):
    """A block quotation; ``html`` is inline as in a paragraph."""

    type: Literal["quote"]
    html: Html
    cite: str | None = Field(default=None, max_length=300)


class List(Block):
    """Items of inline HTML."""

    type: Literal["list"]
    ordered: bool = False
    items: list[Html] = Field(min_length=1, max_length=500)


class Embed(Block):
    """A link card: the reader's browser meets no third party before a click."""

    type: Literal["embed"]
    url: HttpsUrl
    title: str | None = Field(default=None, max_length=300)


AnyBlock = Annotated[Paragraph | Heading | Image | Quote | List | Embed, Field(discriminator="type")]
