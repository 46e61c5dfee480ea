"""Articles on the wire: the draft an editor sends, the article as it is returned."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from nashr_ingest.schemas.body import AnyBlock
from nashr_ingest.schemas.fields import (
    Alias,
    ArticleId,
    AssetId,
    Count,
    Extensions,
    Language,
    Line,
    Out,
    SectionSlug,
    SiteId,
    Slug,
    Time,
    Warned,
    WebUrl,
    Wire,
    once_each,
    wrong,
)

Kind = Literal["news", "analysis", "opinion", "explainer", "interview", "sponsored", "page"]
Role = Literal["reporter", "photographer", "translator", "editor", "agency"]
Status = Literal["draft", "live", "unpublished", "killed", "taken_down"]
Keyword = Annotated[Line, StringConstraints(max_length=100)]
Subject = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,31}:[A-Za-z0-9._-]{1,64}$")]


class Titles(Wire):
    """Other headlines for other places; each falls back to the headline."""

    seo: str | None = Field(default=None, max_length=300)
    social: str | None = Field(default=None, max_length=300)
    short: str | None = Field(default=None, max_length=120)


class Byline(Wire):
    """One name under the headline; ``author`` links it to an author page."""

    name: Line = Field(max_length=200, examples=["ليلى حداد"])
    author: Slug | None = Field(default=None, examples=["layla-haddad"])
    role: Role = "reporter"


class Hero(Wire):
    """The photo above the text. ``alt``, or ``decorative: true``, before it can be published."""

    asset: AssetId
    alt: str | None = Field(default=None, max_length=1_000)
    caption: str | None = Field(default=None, max_length=2_000)
    credit: str | None = Field(default=None, max_length=300)
    decorative: bool = False


class SocialImage(Wire):
    """The photo on social cards where it is not the hero."""

    asset: AssetId
    alt: str | None = Field(default=None, max_length=1_000)
    decorative: bool = False


class Source(Wire):
    """Where the text comes from; ``canonical`` points search engines there."""

    name: Line = Field(max_length=200)
    url: WebUrl | None = None
    canonical: bool = False

    @model_validator(mode="after")
    def _canonical_needs_url(self) -> Self:
        if self.canonical and not self.url:
            raise wrong("missing", "canonical points to url: give url, or leave canonical out")
        return self


class Translation(Wire):
    """Shown on the page."""

    language: Language = Field(alias="from", examples=["en"])
    method: Literal["human", "machine", "machine_reviewed"] = "human"
    credit: str | None = Field(default=None, max_length=300)


class Ai(Wire):
    """What part a language model had in the text; shown when not ``none``."""

    text: Literal["none", "assisted", "generated"] = "none"
    note: str | None = Field(default=None, max_length=500)


class Related(Wire):
    """Stories that must, or must not, stand under this one."""

    pin: list[ArticleId] = Field(default_factory=list, max_length=50)
    ban: list[ArticleId] = Field(default_factory=list, max_length=50)


class Distribution(Wire):
    """Where the article may appear."""

    front: bool = True
    feeds: bool = True
    sitemap: bool = True
    related: bool = True
    index: bool = True


class Fields(Wire):
    """Everything an editor can say about an article."""

    site: SiteId | None = Field(default=None, description="May be left out where only one site exists")
    external_id: str | None = Field(
        default=None, max_length=200, description="The CMS's own id, unique per site"
    )
    kind: Kind = "news"
    slug: Slug | None = Field(default=None, description="Else from the headline; frozen at first publication")
    language: Language | None = Field(default=None, description="Else the site's; direction follows it")
    section: SectionSlug
    kicker: str | None = Field(default=None, max_length=100)
    kicker_until: Time | None = None
    headline: Line = Field(max_length=500)
    standfirst: str | None = Field(default=None, max_length=2_000)
    dateline: str | None = Field(default=None, max_length=200)
    titles: Titles = Field(default_factory=Titles)
    description: str | None = Field(default=None, max_length=1_000)
    byline: list[Byline] = Field(default_factory=list, max_length=50)
    keywords: list[Keyword] = Field(default_factory=list, max_length=50)
    subjects: list[Subject] = Field(default_factory=list, max_length=50)
    hero: Hero | None = None
    social_image: SocialImage | None = None
    body: list[AnyBlock] = Field(
        default_factory=list, min_length=1, max_length=2_000, validate_default=True, description="Required"
    )
    source: Source | None = None
    translation: Translation | None = None
    ai: Ai = Field(default_factory=Ai)
    translation_of: ArticleId | None = Field(
        default=None, description="The article of another edition (hreflang)"
    )
    related: Related = Field(default_factory=Related)
    distribution: Distribution = Field(default_factory=Distribution)
    published_at: Time | None = Field(
        default=None, description="Default: the first time it goes live. Not ahead of that: see publish_at"
    )
    embargo_until: Time | None = Field(default=None, description="Publishing before it is refused with 409")
    aliases: Annotated[list[Alias], AfterValidator(once_each)] = Field(default_factory=list, max_length=50)
    extensions: Extensions = Field(
        default_factory=dict, description="The CMS's own, up to 16 kB; never rendered"
    )
    note: str | None = Field(default=None, max_length=2_000, description="Why this revision")


DRAFT_EXAMPLE: Final[dict[str, Any]] = {
    "external_id": "cms-4711",
    "section": "politics",
    "kicker": "عاجل",
    "headline": "البرلمان يقرّ موازنة العام المقبل بعد جلسة طويلة",
    "standfirst": "صوّت النواب لمصلحة المشروع مع تعديلين على بند الصحة.",
    "dateline": "بيروت",
    "byline": [{"name": "ليلى حداد", "author": "layla-haddad", "role": "reporter"}],
    "keywords": ["البرلمان", "الموازنة"],
    "subjects": ["medtop:11000000"],
    "body": [
        {"type": "paragraph", "id": "p1", "html": "أقرّ المجلس <b>الموازنة</b> مساء الثلاثاء."},
        {"type": "heading", "level": 2, "text": "ماذا بعد؟"},
        {"type": "quote", "html": "«هذه خطوة أولى فقط»", "cite": "رئيسة لجنة المال"},
        {"type": "list", "ordered": False, "items": ["الصحة", "التعليم"]},
    ],
    "note": "المسودة الأولى",
}


class Draft(Fields):
    """A draft as an editor sends it. It may be half done; publishing asks for the rest."""

    model_config = ConfigDict(json_schema_extra={"examples": [DRAFT_EXAMPLE]})


class Pending(Out):
    """The next publication that waits for its time."""

    publication: str
    kind: str
    due_at: Time


class Correction(Out):
    """One entry of the append-only list that stands on the page."""

    kind: str
    text: str
    at: Time


class SocialCard(Out):
    """A rendered card for a messenger or a network."""

    format: str
    url: str
    width: int
    height: int
    bytes: int
    alt: str


class Article(Fields):
    """An article as returned."""

    model_config = ConfigDict(extra="ignore")

    id: str
    revision: Count
    status: Status
    live_revision: Count | None
    pending: Pending | None
    url: str | None
    short_url: str | None
    modified_at: Time | None = Field(description="What readers see as updated")
    created_at: Time
    updated_at: Time
    created_by: str
    corrections: list[Correction]
    social_cards: list[SocialCard]
    warnings: list[Warned] = Field(default_factory=list, description="Only in the answer to a write")


class Revision(Out):
    """One line of an article's history."""

    revision: Count
    created_at: Time
    created_by: str
    actor: str | None
    note: str | None
    headline: str


class WholeRevision(Revision):
    """One revision with what it says."""

    content: dict[str, Any]


class RelatedStory(Out):
    """A story that a page links to, and why.

    ``reason``: ``similar`` to the article, ``pinned`` by its editor, or one of the ``latest`` of the section
    where nothing more is related. ``score`` is 0 to 1, likeness times freshness of now; ``shared_terms`` are
    words that both have, those that weigh most first.
    """

    article: str
    headline: str
    url: str
    section: str
    score: float
    reason: str
    shared_terms: list[str]


class RelatedStories(Out):
    """What stands between the paragraphs and under the text, as readers see it at this moment."""

    see_also: list[RelatedStory]
    related_news: list[RelatedStory]
