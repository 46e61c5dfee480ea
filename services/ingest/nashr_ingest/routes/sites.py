"""Sites: what admins set up."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from nashr.domain.errors import Fault, Refused
from nashr.domain.site import Site
from nashr.store import sites
from nashr.store.database import statement
from sqlalchemy import Connection
from starlette.responses import JSONResponse

from nashr_ingest import schemas
from nashr_ingest.context import Admin, Caller, Process, Writer
from nashr_ingest.problems import responses
from nashr_ingest.writes import Reply, Request_, check_precondition, etag, write

router = APIRouter(prefix="/v1", tags=["sites"])
ACCESS = ("unauthenticated", "forbidden", "unavailable")
Id = Annotated[str, Path(max_length=64)]
_PLACES = ("base_url", "prefix", "bucket", "static")


@router.get(
    "/sites/{site}", operation_id="getSite", response_model=schemas.SiteOut,
    responses=responses(*ACCESS, "not_found"),
)  # fmt: skip
def get(who: Writer, process: Process, site: Id) -> JSONResponse:
    """The site's TOML as JSON."""
    _check_own(who, site)
    with statement(process.engine) as conn:
        found = sites.get(conn, site)
    return JSONResponse(found.site.to_json(), headers={"ETag": etag(found.version)})


@router.put(
    "/sites/{site}", operation_id="putSite", response_model=schemas.SiteOut,
    responses=responses(*ACCESS, "not_found", "invalid", "precondition_required", "precondition_failed"),
)  # fmt: skip
def put(who: Admin, process: Process, what: Request_, site: Id, wanted: schemas.SiteIn) -> JSONResponse:
    """Creates a site, or updates it (then with If-Match). Every page of its chrome is delivered anew."""
    _check_own(who, site)
    parsed = schemas.read_site({"id": site, **wanted})
    if parsed.id != site:
        detail = f"the address says {site}: leave id out, or make it the same"
        raise Refused("invalid", detail, faults=(Fault("/id", "invalid", detail),))

    def change(conn: Connection) -> Reply:
        before = sites.find(conn, site)
        if before is not None:
            check_precondition(what, before.version)
            _check_moves(who, before.site, parsed)
        elif who.token.site is not None:
            raise Refused("not_found", f"there is no site {site}")
        version = sites.apply(conn, parsed, actor=who.actor, version=before.version if before else None)
        status = 200 if before else 201
        return Reply(parsed.to_json(), status, {"ETag": etag(version)}, site)

    return write(process, who, what, change)


def _check_moves(who: Caller, before: Site, wanted: Site) -> None:
    """A site's place in the bucket and on the net may be another site's: its own admin cannot move it."""
    moved = [name for name in _PLACES if getattr(before, name) != getattr(wanted, name)]
    if who.token.site is not None and moved:
        detail = "moving a site takes an admin's token for all sites: leave this as it is"
        faults = tuple(Fault(f"/{name}", "forbidden", detail) for name in moved)
        raise Refused("forbidden", detail, faults=faults)


def _check_own(who: Caller, site: str) -> None:
    if who.token.site not in {None, site}:
        raise Refused("not_found", f"there is no site {site}")
