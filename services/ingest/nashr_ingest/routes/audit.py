"""The audit trail, for admins: who did what to which thing, when, from where, and what was refused."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from nashr.store import audit
from nashr.store.database import statement
from starlette.responses import JSONResponse

from nashr_ingest import present, schemas
from nashr_ingest.context import Admin, Process, visible_site
from nashr_ingest.problems import responses
from nashr_ingest.writes import cursor, read_number

router = APIRouter(prefix="/v1/admin/audit", tags=["operations"])
Word = Annotated[str | None, Query(max_length=200)]


@router.get(
    "", operation_id="listAudit", response_model=schemas.Page[schemas.AuditEntry],
    responses=responses("unauthenticated", "forbidden", "unavailable", "not_found", "invalid"),
)  # fmt: skip
def find_many(  # noqa: PLR0913, PLR0917 - query parameters, each named
    who: Admin,
    process: Process,
    site: str | None = None,
    actor: Word = None,
    token: Word = None,
    action: Word = None,
    subject: Word = None,
    outcome: Literal["accepted", "refused"] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor_: Annotated[str | None, Query(alias="cursor", max_length=500)] = None,
) -> JSONResponse:
    """Every change, and what somebody was not allowed to do, newest first. Nobody changes or deletes it.

    A token of one site sees what was done to that site.
    """
    before = read_number(cursor_)
    where = audit.Filter(
        site=visible_site(who, site), actor=actor, token=token, action=action, subject=subject,
        outcome=outcome, since=since, until=until,
    )  # fmt: skip
    with statement(process.engine) as conn:
        found = audit.entries(conn, where, before=before, limit=limit + 1)
    more = cursor([str(found[limit - 1].id)]) if len(found) > limit else None
    return present.reply(present.page([present.audit_entry(item) for item in found[:limit]], more))
