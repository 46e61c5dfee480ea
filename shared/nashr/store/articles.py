"""Articles and their revisions: created, updated, found. Publishing is publishing.py's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from nashr.domain.article import Content, content
from nashr.domain.errors import Fault, Refused
from nashr.domain.site import Site
from nashr.domain.slugs import derive_slug, numbered
from nashr.pages import PageKind
from nashr.store import events, pagerows
from nashr.store.database import row, rows, run
from nashr.store.ids import new_id, short_id


@dataclass(frozen=True)
class Article:
    """An article's state; what it says is in its revisions."""

    id: str
    number: int
    site: str
    external_id: str | None
    short_id: str
    slug: str
    slug_frozen: bool
    section: str
    kind: str
    language: str
    headline: str
    translation_of: str | None
    latest_revision: int
    live_revision: int | None
    status: str
    removal: Mapping[str, Any] | None
    page: int | None
    path: str | None
    created_by: str
    published_at: datetime | None
    modified_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Revision:
    """One immutable version of the content."""

    article: str
    number: int
    doc: Mapping[str, Any]
    note: str | None
    actor: str
    created_at: datetime


_COLUMNS = ", ".join(Article.__dataclass_fields__)
_REVISION = ", ".join(Revision.__dataclass_fields__)


def find(conn: Connection, article: str, *, site: str | None = None, lock: bool = False) -> Article | None:
    """The article; another site's looks absent when ``site`` is given."""
    found = row(
        conn,
        f"""SELECT {_COLUMNS} FROM article WHERE id = :article
            AND (CAST(:site AS text) IS NULL OR site = :site) {"FOR NO KEY UPDATE" if lock else ""}""",
        article=article, site=site,
    )  # fmt: skip
    return Article(**found) if found else None


def of_numbers(conn: Connection, numbers: Iterable[int]) -> Sequence[Article]:
    """The live articles among these."""
    found = rows(
        conn,
        f"SELECT {_COLUMNS} FROM article WHERE number = ANY(:numbers) AND live_revision IS NOT NULL",
        numbers=list(numbers),
    )
    return [Article(**item) for item in found]


def by_external_id(conn: Connection, site: str, external_id: str, *, lock: bool = False) -> Article | None:
    found = row(
        conn,
        f"""SELECT {_COLUMNS} FROM article WHERE site = :site AND external_id = :external_id
        {"FOR NO KEY UPDATE" if lock else ""}""",
        site=site, external_id=external_id,
    )  # fmt: skip
    return Article(**found) if found else None


def revision(conn: Connection, article: str, number: int) -> Revision | None:
    found = row(
        conn, f"SELECT {_REVISION} FROM revision WHERE article = :article AND number = :number",
        article=article, number=number,
    )  # fmt: skip
    return Revision(**found) if found else None


def revisions(
    conn: Connection, article: str, *, before: int | None = None, limit: int = 50
) -> Sequence[Revision]:
    """Newest first."""
    found = rows(
        conn,
        f"""SELECT {_REVISION} FROM revision WHERE article = :article
            AND (CAST(:before AS bigint) IS NULL OR number < :before) ORDER BY number DESC LIMIT :limit""",
        article=article, before=before, limit=limit,
    )  # fmt: skip
    return [Revision(**item) for item in found]


@dataclass(frozen=True)
class Filter:
    """What a list of articles is narrowed by; None does not narrow."""

    site: str | None = None
    status: str | None = None
    section: str | None = None
    author: str | None = None
    external_id: str | None = None
    updated_since: datetime | None = None
    q: str | None = None


def search(
    conn: Connection, where: Filter, *, after: tuple[datetime, str] | None, limit: int
) -> Sequence[Article]:
    """Articles newest change first, past the (updated_at, id) of ``after``."""
    columns = ", ".join(f"a.{name}" for name in Article.__dataclass_fields__)
    found = rows(
        conn,
        f"""SELECT {columns}
        FROM article a JOIN revision r ON r.article = a.id AND r.number = a.latest_revision
        WHERE (CAST(:site AS text) IS NULL OR a.site = :site)
            AND (CAST(:status AS text) IS NULL OR a.status = :status)
            AND (CAST(:section AS text) IS NULL OR a.section = :section)
            AND (CAST(:external_id AS text) IS NULL OR a.external_id = :external_id)
            AND (CAST(:updated_since AS timestamptz) IS NULL OR a.updated_at >= :updated_since)
            AND (CAST(:author AS text) IS NULL
                OR r.doc->'byline' @> jsonb_build_array(jsonb_build_object('author', CAST(:author AS text))))
            AND (CAST(:q AS text) IS NULL OR strpos(lower(a.headline), lower(:q)) > 0
                OR strpos(lower(COALESCE(r.doc->>'standfirst', '')), lower(:q)) > 0)
            AND (CAST(:at AS timestamptz) IS NULL OR (a.updated_at, a.id) < (:at, :id))
        ORDER BY a.updated_at DESC, a.id DESC LIMIT :limit""",
        **vars(where), at=after[0] if after else None, id=after[1] if after else "", limit=limit,
    )  # fmt: skip
    return [Article(**item) for item in found]


def create(conn: Connection, site: Site, doc: Mapping[str, Any], *, actor: str) -> Article:
    """Stores a draft as an article's first revision. ``doc`` is ingest's cleaned document.

    Raises Refused("external_id_taken") or Refused("slug_taken") with a suggestion.
    """
    article = new_id("ar")
    slug = doc.get("slug") or derive_slug(doc["headline"], fallback=article[-8:])
    slug = _free_slug(conn, site, doc, slug, article=article)
    _check_external_id(conn, site, doc.get("external_id"))
    run(
        conn,
        """INSERT INTO article (id, site, external_id, short_id, slug, section, kind, language, headline,
            translation_of, latest_revision, created_by)
        VALUES (:id, :site, :external_id, :short_id, :slug, :section, :kind, :language, :headline,
            :translation_of, 1, :actor)""",
        id=article, short_id=short_id(), slug=slug, actor=actor, **_columns(site, doc),
    )  # fmt: skip
    _add_revision(conn, article, 1, site, {**doc, "slug": slug}, actor)
    events.record(conn, "article.create", article, site=site.id, actor=actor)
    return _reread(conn, article)


def update(conn: Connection, site: Site, article: Article, doc: Mapping[str, Any], *, actor: str) -> Article:
    """Stores a whole draft as the next revision of a locked article.

    The slug stays unless the draft names another one.
    """
    slug = doc.get("slug") or article.slug
    if (slug, doc["section"]) != (article.slug, article.section):
        slug = _free_slug(conn, site, doc, slug, article=article.id)
    if doc.get("external_id") not in {None, article.external_id}:
        _check_external_id(conn, site, doc["external_id"])
    kept = {**doc, "external_id": doc.get("external_id") or article.external_id, "slug": slug}
    number = article.latest_revision + 1
    run(
        conn,
        """UPDATE article SET external_id = :external_id, slug = :slug, section = :section, kind = :kind,
            language = :language, headline = :headline, translation_of = :translation_of,
            latest_revision = :number, updated_at = clock_timestamp()
        WHERE id = :id""",
        id=article.id, slug=slug, number=number, **_columns(site, kept),
    )  # fmt: skip
    _add_revision(conn, article.id, number, site, kept, actor)
    events.record(conn, "article.update", article.id, site=site.id, actor=actor, revision=number)
    return _reread(conn, article.id)


def copy_revision(conn: Connection, site: Site, article: Article, number: int, *, actor: str) -> Article:
    """Makes a new latest revision with an older one's content: counters never go back."""
    old = revision(conn, article.id, number)
    assert old is not None
    doc = {**old.doc, "note": f"content of revision {number}"}
    return update(conn, site, article, doc, actor=actor)


def _columns(site: Site, doc: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "site": site.id,
        "external_id": doc.get("external_id"),
        "section": doc["section"],
        "kind": doc.get("kind") or "news",
        "language": doc.get("language") or site.locale,
        "headline": doc["headline"],
        "translation_of": doc.get("translation_of"),
    }


def _add_revision(
    conn: Connection, article: str, number: int, site: Site, doc: Mapping[str, Any], actor: str
) -> None:
    run(
        conn,
        """INSERT INTO revision (article, number, site, doc, note, actor)
        VALUES (:article, :number, :site, :doc, :note, :actor)""",
        article=article, number=number, site=site.id, doc=Jsonb(dict(doc)), note=doc.get("note"), actor=actor,
    )  # fmt: skip


def _reread(conn: Connection, article: str) -> Article:
    found = find(conn, article)
    assert found is not None
    return found


def _check_external_id(conn: Connection, site: Site, external_id: str | None) -> None:
    if external_id and by_external_id(conn, site.id, external_id):
        detail = f"another article of this site has {external_id}: update that one, or take another id"
        raise Refused(
            "external_id_taken", detail, faults=(Fault("/external_id", "external_id_taken", detail),)
        )


def _free_slug(conn: Connection, site: Site, doc: Mapping[str, Any], slug: str, *, article: str) -> str:
    """The slug if it is free in the section; else the next free one, or a refusal that suggests it."""
    scope = f"{site.id}/{doc['section']}"
    run(conn, "SELECT pg_advisory_xact_lock(hashtextextended(:scope, 1))", scope=scope)
    if not _taken(conn, site, doc, slug, article):
        return slug
    free = next(
        candidate
        for candidate in (numbered(slug, number) for number in range(2, 10_000))
        if not _taken(conn, site, doc, candidate, article)
    )
    if not doc.get("slug"):
        return free
    detail = f"{slug} is used in section {doc['section']}: {free} is free"
    raise Refused("slug_taken", detail, faults=(Fault("/slug", "slug_taken", detail),))


def _taken(conn: Connection, site: Site, doc: Mapping[str, Any], slug: str, article: str) -> bool:
    """Used by another draft, or by a path that shows something else (an alias gives way)."""
    section = doc["section"]
    drafted = row(
        conn,
        """SELECT 1 AS one FROM article WHERE site = :site AND section = :section AND slug = :slug
            AND id <> :article""",
        site=site.id, section=section, slug=slug, article=article,
    )  # fmt: skip
    if drafted:
        return True
    path = f"/{slug}/" if doc.get("kind") == "page" else f"/{section}/{slug}/"
    page = pagerows.at_path(conn, site.id, path)
    return page is not None and page.subject != article and page.kind != PageKind.redirect


def article_path(site: Site, article: Article, doc: Content, slug: str, published_at: datetime) -> str:
    """The path a revision is published at, by the site's ``article_path`` (or /{slug}/ for a page)."""
    if doc.kind == "page":
        return f"/{slug}/"
    local = published_at.astimezone(ZoneInfo(site.time_zone))
    return site.article_path.format(
        section=doc.section, slug=slug, yyyy=f"{local:%Y}", mm=f"{local:%m}", id=article.short_id
    )


def read_content(conn: Connection, site: Site, article: str, number: int) -> Content:
    """What a stored revision says."""
    found = revision(conn, article, number)
    assert found is not None
    return content(found.doc, site)


def corrections(conn: Connection, article: str) -> Sequence[Mapping[str, Any]]:
    """The corrections readers see, oldest first."""
    return rows(
        conn,
        "SELECT id, kind, text, at FROM correction WHERE article = :article ORDER BY id",
        article=article,
    )


def add_correction(conn: Connection, article: Article, kind: str, text: str, *, actor: str) -> int:
    """Appends a correction; it cannot be changed afterwards. Returns its id."""
    found = row(
        conn,
        """INSERT INTO correction (site, article, kind, text, actor)
        VALUES (:site, :article, :kind, :text, :actor) RETURNING id""",
        site=article.site, article=article.id, kind=kind, text=text, actor=actor,
    )  # fmt: skip
    assert found is not None
    events.record(conn, "article.correct", article.id, site=article.site, actor=actor, kind=kind)
    return int(found["id"])
