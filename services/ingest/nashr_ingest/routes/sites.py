"""Sites and tokens: what admins set up."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from nashr.domain.errors import Fault, Refused
from nashr.domain.site import Site
from nashr.store import sites, tokens
from nashr.store.database import row, statement
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from nashr_ingest import present, schemas
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


@router.post(
    "/tokens", status_code=201, operation_id="createToken", response_model=schemas.NewToken,
    responses=responses(*ACCESS, "invalid", "not_found"),
)  # fmt: skip
def create_token(who: Admin, process: Process, what: Request_, wanted: schemas.TokenIn) -> JSONResponse:
    """Makes a token and shows its secret this one time."""
    site = wanted.site or who.token.site
    if site is not None:
        _check_own(who, site)

    def change(conn: Connection) -> Reply:
        text = tokens.create(
            conn, name=wanted.name, role=wanted.role, site=site, expires_at=wanted.expires, actor=who.actor
        )
        made = tokens.check(conn, text)
        if made is None:
            detail = "that time has passed: give a later one, or leave expires out"
            raise Refused("invalid", detail, faults=(Fault("/expires", "past_due", detail),))
        return Reply({**present.token(made), "token": text}, 201, site=site)

    if what.key is not None:
        raise Refused("invalid", "a token is shown once and never stored: send no Idempotency-Key here")
    return write(process, who, what, change)


@router.get(
    "/tokens", operation_id="listTokens", response_model=schemas.Page[schemas.Token],
    responses=responses(*ACCESS),
)  # fmt: skip
def list_tokens(who: Admin, process: Process) -> JSONResponse:
    """Every token this one may see, without secrets."""
    with statement(process.engine) as conn:
        found = tokens.every(conn)
    shown = [present.token(item) for item in found if who.token.site in {None, item.site}]
    return present.reply(present.page(shown, None))


@router.delete(
    "/tokens/{token}", status_code=204, operation_id="revokeToken",
    responses=responses(*ACCESS, "not_found"),
)  # fmt: skip
def revoke_token(who: Admin, process: Process, what: Request_, token: Id) -> Response:
    """Revokes a token; its next request is refused."""

    def change(conn: Connection) -> Reply:
        found = row(conn, "SELECT site FROM token WHERE id = :token", token=token)
        if found is None or who.token.site not in {None, found["site"]}:
            raise Refused("not_found", f"there is no token {token}")
        tokens.revoke(conn, token, actor=who.actor)
        return Reply(None, 204)

    write(process, who, what, change)
    return Response(status_code=204)
