"""Publications: how far one is, and taking back a scheduled one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from nashr.domain.errors import Refused
from nashr.store import publishing, sites
from nashr.store.database import snapshot
from sqlalchemy import Connection
from starlette.responses import JSONResponse

from nashr_ingest import present, schemas
from nashr_ingest.context import Caller, Editor, Process, Writer
from nashr_ingest.problems import responses
from nashr_ingest.writes import Reply, Request_, write

router = APIRouter(prefix="/v1/publications", tags=["publications"])
ACCESS = ("unauthenticated", "forbidden", "unavailable")
Id = Annotated[str, Path(max_length=64)]


@router.get(
    "/{publication}", operation_id="getPublication", response_model=schemas.Publication,
    responses=responses(*ACCESS, "not_found"),
)  # fmt: skip
def get(who: Writer, process: Process, publication: Id) -> JSONResponse:
    """State, steps and receipt of one publication."""
    with snapshot(process.engine) as conn:
        found = find(conn, who, publication)
        return present.reply(present.publication(conn, sites.get(conn, found.site).site, found))


@router.post(
    "/{publication}/cancel", operation_id="cancelPublication", response_model=schemas.Publication,
    responses=responses(*ACCESS, "not_found", "not_cancellable"),
)  # fmt: skip
def cancel(who: Editor, process: Process, what: Request_, publication: Id) -> JSONResponse:
    """Takes back a scheduled publication."""

    def change(conn: Connection) -> Reply:
        found = publishing.cancel(conn, find(conn, who, publication), actor=who.actor)
        site = sites.get(conn, found.site).site
        return Reply(present.publication(conn, site, found), site=site.id)

    return write(process, who, what, change)


def find(conn: Connection, who: Caller, publication: str) -> publishing.Publication:
    """The publication, absent for another site's token."""
    found = publishing.find(conn, publication, site=who.token.site)
    if found is None:
        raise Refused("not_found", f"there is no publication {publication}")
    return found
