"""Previews: signed links to a revision. What they show is rendered and served by delivery."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from nashr.domain.article import content
from nashr.domain.errors import Refused
from nashr.store import articles, previews, publishable, sites
from nashr.store.articles import Article
from nashr.store.database import statement
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from nashr_ingest import commands, present, schemas
from nashr_ingest.context import Caller, Process, Writer
from nashr_ingest.problems import responses
from nashr_ingest.writes import Reply, Request_, cursor, read_cursor, warned, write

router = APIRouter(prefix="/v1/articles", tags=["articles"])
ACCESS = ("unauthenticated", "forbidden", "unavailable")
Id = Annotated[str, Path(max_length=64)]


@router.post(
    "/{article}/previews", status_code=201, operation_id="createPreview", response_model=schemas.Preview,
    responses=responses(*ACCESS, "not_found", "invalid", "removed"),
)  # fmt: skip
def create(
    who: Writer, process: Process, what: Request_, article: Id, wanted: schemas.PreviewIn
) -> JSONResponse:
    """A link that shows a revision as it would be published, to anyone who has it, until it expires.

    Also of a draft that cannot be published yet: ``warnings`` say why, and so does the page.
    """

    def change(conn: Connection) -> Reply:
        found = _find(conn, who, article)
        site = sites.get(conn, found.site)
        stored = commands.named_revision(conn, found, wanted.revision)
        doc = content(stored.doc, site.site)
        made = previews.create(conn, found, stored.number, seconds=wanted.expires_in, actor=who.actor)
        previews.ask_for_links(conn, found, doc, stored.number)
        faults = publishable.faults(conn, site.site, doc)
        body = {**present.preview(site, made), "warnings": warned(faults)}
        return Reply(body, 201, {"Location": f"/v1/articles/{found.id}/previews/{made.id}"}, found.site)

    return write(process, who, what, change)


@router.get(
    "/{article}/previews", operation_id="listPreviews", response_model=schemas.Page[schemas.Preview],
    responses=responses(*ACCESS, "not_found", "invalid"),
)  # fmt: skip
def find_many(
    who: Writer,
    process: Process,
    article: Id,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor_: Annotated[str | None, Query(alias="cursor", max_length=500)] = None,
) -> JSONResponse:
    """The links that open now, newest first."""
    place = read_cursor(cursor_, parts=1)
    with statement(process.engine) as conn:
        found = _find(conn, who, article)
        site = sites.get(conn, found.site)
        opened = previews.standing(conn, found.id, before=place[0] if place else None, limit=limit + 1)
    shown = opened[:limit]
    more = cursor([shown[-1].id]) if len(opened) > limit else None
    return present.reply(present.page([present.preview(site, item) for item in shown], more))


@router.delete(
    "/{article}/previews/{preview}", status_code=204, operation_id="revokePreview",
    responses=responses(*ACCESS, "not_found"),
)  # fmt: skip
def revoke(who: Writer, process: Process, what: Request_, article: Id, preview: Id) -> Response:
    """Takes a link back: it opens for nobody from now on. Doing it again changes nothing."""

    def change(conn: Connection) -> Reply:
        found = previews.find(conn, preview, article=_find(conn, who, article).id)
        if found is None:
            raise Refused("not_found", f"the article has no preview {preview}")
        previews.revoke(conn, found, actor=who.actor)
        return Reply(None, 204)

    write(process, who, what, change)
    return Response(status_code=204)


def _find(conn: Connection, who: Caller, article: str) -> Article:
    """The article, absent for another site's token."""
    found = articles.find(conn, article, site=who.token.site)
    if found is None:
        raise Refused("not_found", f"there is no article {article}")
    return found
