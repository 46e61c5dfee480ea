"""Tokens: made, replaced by a successor, revoked. An admin of one site sees and makes its tokens only."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Body, Path
from nashr.domain.errors import Fault, Refused
from nashr.store import tokens
from nashr.store.database import row, statement
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from nashr_ingest import present, schemas
from nashr_ingest.context import Admin, Caller, Process
from nashr_ingest.problems import responses
from nashr_ingest.writes import Asked, Reply, Request_, write

router = APIRouter(prefix="/v1/tokens", tags=["tokens"])
ACCESS = ("unauthenticated", "forbidden", "unavailable")
Id = Annotated[str, Path(max_length=64)]


@router.post(
    "", status_code=201, operation_id="createToken", response_model=schemas.NewToken,
    responses=responses(*ACCESS, "invalid", "not_found"),
)  # fmt: skip
def create(who: Admin, process: Process, what: Request_, wanted: schemas.TokenIn) -> JSONResponse:
    """Makes a token and shows its secret this one time."""
    _check_no_key(what)
    site = wanted.site or who.token.site
    if who.token.site not in {None, site}:
        raise Refused("not_found", f"there is no site {site}")

    def change(conn: Connection) -> Reply:
        text = tokens.create(
            conn, name=wanted.name, role=wanted.role, site=site, expires_at=wanted.expires, actor=who.actor
        )
        made = tokens.check(conn, text)
        if made is None:
            detail = "that time has passed: give a later one, or leave expires out"
            raise Refused("invalid", detail, faults=(Fault("/expires", "past_due", detail),))
        return Reply({**present.token(made), "token": text}, 201, site=site)

    return write(process, who, what, change)


@router.get(
    "", operation_id="listTokens", response_model=schemas.Page[schemas.Token],
    responses=responses(*ACCESS),
)  # fmt: skip
def find_many(who: Admin, process: Process) -> JSONResponse:
    """Every token this one may see, without secrets."""
    with statement(process.engine) as conn:
        found = tokens.every(conn)
    shown = [present.token(item) for item in found if who.token.site in {None, item.site}]
    return present.reply(present.page(shown, None))


@router.post(
    "/{token}/rotate", status_code=201, operation_id="rotateToken", response_model=schemas.NewToken,
    responses=responses(*ACCESS, "not_found", "conflict", "invalid"),
)  # fmt: skip
def rotate(
    who: Admin,
    process: Process,
    what: Request_,
    token: Id,
    wanted: Annotated[schemas.Rotation, Body(default_factory=schemas.Rotation)],
) -> JSONResponse:
    """Makes a successor of the same name, role and site. Both are good until the grace period is over."""
    _check_no_key(what)

    def change(conn: Connection) -> Reply:
        site = _own(conn, who, token)
        text = tokens.rotate(conn, token, grace=timedelta(seconds=wanted.grace_seconds), actor=who.actor)
        made = tokens.check(conn, text)
        assert made is not None
        return Reply({**present.token(made), "token": text}, 201, site=site)

    return write(process, who, what, change)


@router.delete(
    "/{token}", status_code=204, operation_id="revokeToken", responses=responses(*ACCESS, "not_found")
)
def revoke(who: Admin, process: Process, what: Request_, token: Id) -> Response:
    """Revokes a token: its next request is refused, and streams of events that it opened end."""

    def change(conn: Connection) -> Reply:
        site = _own(conn, who, token)
        tokens.revoke(conn, token, actor=who.actor)
        return Reply(None, 204, site=site)

    write(process, who, what, change)
    return Response(status_code=204)


def _check_no_key(what: Asked) -> None:
    if what.key is not None:
        raise Refused("invalid", "a token is shown once and never stored: send no Idempotency-Key here")


def _own(conn: Connection, who: Caller, token: str) -> str | None:
    """The token's site; another site's token looks absent."""
    found = row(conn, "SELECT site FROM token WHERE id = :token", token=token)
    if found is None or who.token.site not in {None, found["site"]}:
        raise Refused("not_found", f"there is no token {token}")
    site: str | None = found["site"]
    return site
