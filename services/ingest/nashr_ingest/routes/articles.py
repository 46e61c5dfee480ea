"""Articles: drafts in, drafts and their state out; publish, unpublish, correct."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query
from nashr.domain.errors import Fault, Refused
from nashr.domain.site import Site
from nashr.store import articles, sites
from nashr.store.articles import Article, Filter
from nashr.store.database import snapshot, statement
from nashr.store.publishing import Publication
from sqlalchemy import Connection
from starlette.responses import JSONResponse

from nashr_ingest import addresses, commands, pins, present, schemas
from nashr_ingest.backlog import BacklogOf
from nashr_ingest.clean import Cleaned, clean, clean_draft
from nashr_ingest.context import Caller, Editor, Process, Writer, site_of, visible_site
from nashr_ingest.problems import responses
from nashr_ingest.schemas.fields import Time
from nashr_ingest.writes import (
    Reply,
    Request_,
    check_precondition,
    cursor,
    etag,
    foreign_cursor,
    read_cursor,
    read_number,
    warned,
    write,
)

router = APIRouter(prefix="/v1/articles", tags=["articles"])
ACCESS = ("unauthenticated", "forbidden", "unavailable")
Id = Annotated[str, Path(max_length=64)]


@router.post(
    "", status_code=201, operation_id="createArticle", response_model=schemas.Article,
    responses=responses(*ACCESS, "invalid", "slug_taken", "external_id_taken", "idempotency_mismatch"),
)  # fmt: skip
def create(who: Writer, process: Process, what: Request_, draft: schemas.Draft) -> JSONResponse:
    """Stores a draft. Nothing is published."""
    cleaned = clean_draft(draft)

    def change(conn: Connection) -> Reply:
        site = site_of(conn, who, draft.site)
        commands.check_references(conn, site, cleaned.doc)
        made = articles.create(conn, site, _doc(cleaned, site), actor=who.actor)
        return _reply(conn, site, made, cleaned, status=201)

    return write(process, who, what, change)


@router.put(
    "/{article}", operation_id="updateArticle", response_model=schemas.Article,
    responses=responses(
        *ACCESS, "not_found", "invalid", "slug_taken", "precondition_required", "precondition_failed"
    ),
)  # fmt: skip
def update(who: Writer, process: Process, what: Request_, article: Id, draft: schemas.Draft) -> JSONResponse:
    """Stores the whole draft as the next revision."""
    cleaned = clean_draft(draft)

    def change(conn: Connection) -> Reply:
        found = _find(conn, who, article, lock=True)
        check_precondition(what, found.latest_revision)
        return _update(conn, who, found, cleaned)

    return write(process, who, what, change)


@router.put(
    "/by-external-id/{external_id:path}", operation_id="putArticleByExternalId",
    response_model=schemas.Article,
    responses={
        **responses(*ACCESS, "invalid", "slug_taken", "precondition_required", "precondition_failed"),
        201: {"model": schemas.Article, "description": "The article is new"},
    },
)  # fmt: skip
def put_by_external_id(
    who: Writer,
    process: Process,
    what: Request_,
    external_id: Annotated[str, Path(min_length=1, max_length=200)],
    draft: schemas.Draft,
    site: str | None = None,
) -> JSONResponse:
    """Creates the article with the CMS's own id, or updates it (then with If-Match)."""
    cleaned = clean_draft(draft.model_copy(update={"external_id": external_id}))

    def change(conn: Connection) -> Reply:
        home = site_of(conn, who, site or draft.site)
        found = articles.by_external_id(conn, home.id, external_id, lock=True)
        if found is not None:
            check_precondition(what, found.latest_revision)
            return _update(conn, who, found, cleaned)
        if what.if_match is not None:
            raise Refused(
                "precondition_failed", "there is no such article yet: send no If-Match to create it"
            )
        commands.check_references(conn, home, cleaned.doc)
        made = articles.create(conn, home, _doc(cleaned, home), actor=who.actor)
        return _reply(conn, home, made, cleaned, status=201)

    return write(process, who, what, change)


@router.get(
    "", operation_id="listArticles", response_model=schemas.Page[schemas.Article],
    responses=responses(*ACCESS, "not_found", "invalid"),
)  # fmt: skip
def find_many(  # noqa: PLR0913, PLR0917 - query parameters, each named
    who: Writer,
    process: Process,
    site: str | None = None,
    status: schemas.ArticleStatus | None = None,
    section: str | None = None,
    author: str | None = None,
    external_id: str | None = None,
    updated_since: Time | None = None,
    q: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor_: Annotated[str | None, Query(alias="cursor", max_length=500)] = None,
) -> JSONResponse:
    """Articles, newest change first."""
    place = read_cursor(cursor_, parts=2)
    after = (_time(place[0]), place[1]) if place else None
    where = Filter(visible_site(who, site), status, section, author, external_id, updated_since, q)
    with snapshot(process.engine) as conn:
        found = articles.search(conn, where, after=after, limit=limit + 1)
        shown = found[:limit]
        homes = {name: sites.get(conn, name).site for name in {item.site for item in shown}}
        items = [present.article(conn, homes[item.site], item) for item in shown]
    last = shown[-1] if len(found) > limit else None
    more = cursor([last.updated_at.isoformat(), last.id]) if last else None
    return present.reply(present.page(items, more))


@router.get(
    "/{article}", operation_id="getArticle", response_model=schemas.Article,
    responses=responses(*ACCESS, "not_found"),
)  # fmt: skip
def get(who: Writer, process: Process, article: Id) -> JSONResponse:
    """The latest revision and the article's state. Send its ETag as If-Match with an update."""
    with snapshot(process.engine) as conn:
        found = _find(conn, who, article)
        site = sites.get(conn, found.site).site
        return present.reply(present.article(conn, site, found), ETag=etag(found.latest_revision))


@router.get(
    "/{article}/related", operation_id="getRelated", response_model=schemas.RelatedStories,
    responses=responses(*ACCESS, "not_found"),
)  # fmt: skip
def related(who: Writer, process: Process, article: Id) -> JSONResponse:
    """The stories that the article's page links to, and why.

    They follow a publication within seconds, and change as others go live or leave. ``related.pin`` and
    ``related.ban`` of a draft decide over them, ``distribution.related`` over links to it.
    """
    with snapshot(process.engine) as conn:
        found = _find(conn, who, article)
        return present.reply(present.related(conn, sites.get(conn, found.site).site, found))


@router.get(
    "/{article}/revisions", operation_id="listRevisions", response_model=schemas.Page[schemas.Revision],
    responses=responses(*ACCESS, "not_found"),
)  # fmt: skip
def revisions(
    who: Writer,
    process: Process,
    article: Id,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor_: Annotated[str | None, Query(alias="cursor", max_length=500)] = None,
) -> JSONResponse:
    """An article's history, newest first."""
    before = read_number(cursor_)
    with statement(process.engine) as conn:
        found = _find(conn, who, article)
        stored = articles.revisions(conn, found.id, before=before, limit=limit + 1)
    shown = stored[:limit]
    more = cursor([str(shown[-1].number)]) if len(stored) > limit else None
    return present.reply(present.page([present.revision(item) for item in shown], more))


@router.get(
    "/{article}/revisions/{number}", operation_id="getRevision", response_model=schemas.WholeRevision,
    responses=responses(*ACCESS, "not_found"),
)  # fmt: skip
def revision(
    who: Writer, process: Process, article: Id, number: Annotated[int, Path(ge=1, lt=2**31)]
) -> JSONResponse:
    """One revision with its content."""
    with statement(process.engine) as conn:
        stored = articles.revision(conn, _find(conn, who, article).id, number)
    if stored is None:
        raise Refused("not_found", f"the article has no revision {number}")
    return present.reply(present.revision(stored, whole=True))


@router.post(
    "/{article}/publish", status_code=202, operation_id="publishArticle", response_model=schemas.Publication,
    responses=responses(*ACCESS, "not_found", "invalid", "embargoed", "withdrawn", "removed"),
)  # fmt: skip
def publish(
    who: Editor,
    process: Process,
    what: Request_,
    backlog: BacklogOf,
    article: Id,
    wanted: Annotated[schemas.Publish, Body(default_factory=schemas.Publish)],
) -> JSONResponse:
    """Publishes a revision, now or at ``publish_at``; a 202 is never lost."""

    def change(conn: Connection) -> Reply:
        if wanted.priority == "bulk" and wanted.publish_at is None:
            backlog.check(conn)
        found = _find(conn, who, article, lock=True)
        site = sites.get(conn, found.site).site
        publication, warnings = commands.publish(conn, site, found, wanted, actor=who.actor)
        return _accepted(conn, site, publication, warnings)

    return write(process, who, what, change)


@router.post(
    "/{article}/rollback", status_code=202, operation_id="rollbackArticle",
    response_model=schemas.Publication,
    responses=responses(
        *ACCESS, "not_found", "invalid", "embargoed", "withdrawn", "removed", "slug_taken",
        "precondition_required", "precondition_failed",
    ),
)  # fmt: skip
def rollback(
    who: Editor, process: Process, what: Request_, article: Id, wanted: schemas.Rollback
) -> JSONResponse:
    """Goes back: a new revision with the content of an older one, published at once.

    Its address comes back too, if that was another one; the later one redirects. The answer's
    ``revision`` is the new one, which the next ``If-Match`` names.
    """

    def change(conn: Connection) -> Reply:
        found = _find(conn, who, article, lock=True)
        check_precondition(what, found.latest_revision)
        site = sites.get(conn, found.site).site
        publication, warnings = commands.rollback(conn, site, found, wanted.revision, actor=who.actor)
        return _accepted(conn, site, publication, warnings)

    return write(process, who, what, change)


@router.post(
    "/{article}/unpublish", status_code=202, operation_id="unpublishArticle",
    response_model=schemas.Publication, responses=responses(*ACCESS, "not_found", "invalid", "not_live"),
)  # fmt: skip
def unpublish(
    who: Editor, process: Process, what: Request_, article: Id, wanted: schemas.Unpublish
) -> JSONResponse:
    """Takes the article off the site."""
    wanted = wanted.model_copy(update=clean(wanted).doc)

    def change(conn: Connection) -> Reply:
        found = _find(conn, who, article, lock=True)
        site = sites.get(conn, found.site).site
        return _accepted(conn, site, commands.unpublish(conn, found, wanted, actor=who.actor))

    return write(process, who, what, change)


@router.post(
    "/{article}/corrections", status_code=202, operation_id="correctArticle",
    response_model=schemas.Correction, responses=responses(*ACCESS, "not_found", "invalid"),
)  # fmt: skip
def correct(
    who: Editor, process: Process, what: Request_, article: Id, wanted: schemas.CorrectionIn
) -> JSONResponse:
    """Appends a correction, which readers see on the page."""
    cleaned = clean(wanted)
    wanted = wanted.model_copy(update=cleaned.doc)

    def change(conn: Connection) -> Reply:
        found = _find(conn, who, article, lock=True)
        site = sites.get(conn, found.site).site
        made = commands.correct(conn, site, found, wanted, actor=who.actor)
        return Reply({**made, "warnings": warned(cleaned.warnings)}, 202, site=site.id)

    return write(process, who, what, change)


def _find(conn: Connection, who: Caller, article: str, *, lock: bool = False) -> Article:
    found = articles.find(conn, article, site=who.token.site, lock=lock)
    if found is None:
        raise Refused("not_found", f"there is no article {article}")
    return found


def _doc(cleaned: Cleaned, site: Site) -> dict[str, Any]:
    return {**cleaned.doc, "site": site.id}


def _update(conn: Connection, who: Caller, found: Article, cleaned: Cleaned) -> Reply:
    site = sites.get(conn, found.site).site
    if cleaned.doc.get("site") not in {None, site.id}:
        detail = f"the article belongs to {site.id}: an article does not change its site"
        raise Refused("conflict", detail, faults=(Fault("/site", "conflict", detail),))
    commands.check_references(conn, site, cleaned.doc, own=found.id)
    made = articles.update(conn, site, found, _doc(cleaned, site), actor=who.actor)
    return _reply(conn, site, made, cleaned, status=200)


def _reply(conn: Connection, site: Site, made: Article, cleaned: Cleaned, *, status: int) -> Reply:
    headers = {"ETag": etag(made.latest_revision), "Location": f"/v1/articles/{made.id}"}
    stored = articles.revision(conn, made.id, made.latest_revision)
    assert stored is not None
    warnings = [
        *cleaned.warnings, *addresses.warnings(conn, site, made, stored), *pins.warnings(conn, site, stored)
    ]  # fmt: skip
    body = {**present.article(conn, site, made), "warnings": warned(warnings)}
    return Reply(body, status, headers, site.id)


def _accepted(conn: Connection, site: Site, found: Publication, warnings: Sequence[Fault] = ()) -> Reply:
    headers = {"Location": f"/v1/publications/{found.id}"}
    body = {**present.publication(conn, site, found), "warnings": warned(warnings)}
    return Reply(body, 202, headers, site.id)


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise foreign_cursor() from None
