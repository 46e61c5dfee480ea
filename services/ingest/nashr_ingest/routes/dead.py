"""Work that failed for good: listed, tried again, or closed. For admins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query
from nashr.store import dead
from nashr.store.database import statement
from nashr.store.dead import Dead
from sqlalchemy import Connection
from starlette.responses import JSONResponse

from nashr_ingest import present, schemas
from nashr_ingest.context import Admin, Caller, Process, visible_site
from nashr_ingest.problems import responses
from nashr_ingest.writes import Asked, Reply, Request_, cursor, read_number, write

router = APIRouter(prefix="/v1/admin/dead", tags=["operations"])
ACCESS = ("unauthenticated", "forbidden", "unavailable")
Id = Annotated[int, Path(ge=1, lt=2**63)]


@router.get(
    "", operation_id="listDeadWork", response_model=schemas.Page[schemas.DeadWork],
    responses=responses(*ACCESS, "not_found", "invalid"),
)  # fmt: skip
def find_many(
    who: Admin,
    process: Process,
    site: str | None = None,
    kind: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor_: Annotated[str | None, Query(alias="cursor", max_length=500)] = None,
) -> JSONResponse:
    """Steps that are not tried again by themselves, youngest first, with the publications they hold up."""
    before = read_number(cursor_)
    with statement(process.engine) as conn:
        found = dead.every(
            conn, site=visible_site(who, site), kinds=[kind] if kind else [],
            before=before, limit=limit + 1,
        )  # fmt: skip
    more = cursor([str(found[limit - 1].id)]) if len(found) > limit else None
    return present.reply(present.page([_shown(item) for item in found[:limit]], more))


@router.post(
    "/{step}/replay", operation_id="replayDeadWork", response_model=schemas.DeadWork,
    responses=responses(*ACCESS, "not_found"),
)  # fmt: skip
def replay(who: Admin, process: Process, what: Request_, step: Id) -> JSONResponse:
    """Has it tried again now, as if for the first time."""

    def act(conn: Connection, found: Dead) -> None:
        dead.replay(conn, found, actor=who.actor)

    return _end(process, who, what, step, act, state="replayed")


@router.post(
    "/{step}/skip", operation_id="skipDeadWork", response_model=schemas.DeadWork,
    responses=responses(*ACCESS, "not_found", "invalid"),
)  # fmt: skip
def skip(
    who: Admin,
    process: Process,
    what: Request_,
    step: Id,
    wanted: Annotated[schemas.Skip, Body(default_factory=schemas.Skip)],
) -> JSONResponse:
    """Closes it: pages go out without, and what cannot be live without has failed."""

    def act(conn: Connection, found: Dead) -> None:
        dead.skip(conn, found, actor=who.actor, reason=wanted.reason)

    return _end(process, who, what, step, act, state="skipped")


def _end(
    process: Process,
    who: Caller,
    what: Asked,
    step: int,
    act: Callable[[Connection, Dead], None],
    *,
    state: str,
) -> JSONResponse:
    def change(conn: Connection) -> Reply:
        found = dead.find(conn, step, site=who.token.site)
        act(conn, found)
        return Reply({**_shown(found), "state": state}, site=found.site)

    return write(process, who, what, change)


def _shown(found: Dead) -> dict[str, Any]:
    plain = ("site", "kind", "subject", "queue", "attempts", "error", "since")
    blocks = [vars(blocked) for blocked in found.blocks]
    return {
        "id": str(found.id), "state": "dead", "blocks": blocks,
        **{name: getattr(found, name) for name in plain},
    }  # fmt: skip
