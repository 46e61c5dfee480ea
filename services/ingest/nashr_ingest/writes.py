"""Every write: one transaction, with the stored answer of its Idempotency-Key in the same one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from fastapi.encoders import jsonable_encoder
from nashr import failpoints
from nashr.bootstrap import Runtime
from nashr.domain.errors import Fault, Refused
from nashr.store import audit, idempotency
from nashr.store.database import transaction
from nashr.store.idempotency import Answer
from sqlalchemy import Connection
from starlette.responses import JSONResponse

from nashr_ingest.characters import character_faults
from nashr_ingest.context import Caller

MAX_KEY = 255


@dataclass(frozen=True)
class Asked:
    """What identifies a request: route, key, fingerprint; and its precondition."""

    route: str
    fingerprint: str
    key: str | None = None
    if_match: str | None = None


async def asked(
    request: Request,
    idempotency_key: Annotated[
        str | None, Header(description="The same key and request again give the stored answer (72 h)")
    ] = None,
    if_match: Annotated[str | None, Header(description="The ETag that the change is based on")] = None,
) -> Asked:
    """Reads the request's identity; the body is fingerprinted as sent."""
    if idempotency_key is not None and not 1 <= len(idempotency_key) <= MAX_KEY:
        raise Refused("invalid", f"the Idempotency-Key has 1 to {MAX_KEY} characters")
    multipart = request.headers.get("content-type", "").startswith("multipart/")
    body = b"" if multipart else await request.body()
    return Asked(
        route=f"{request.method} {request.url.path}",
        fingerprint=digest(request.method, str(request.url), if_match or "", body),
        key=idempotency_key,
        if_match=if_match,
    )


Request_ = Annotated[Asked, Depends(asked)]


def digest(*parts: str | bytes) -> str:
    """One hash over the parts of a request."""
    made = hashlib.sha256()
    for part in parts:
        made.update(part.encode() if isinstance(part, str) else part)
        made.update(b"\0")
    return made.hexdigest()


@dataclass(frozen=True)
class Reply:
    """What a write answers."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    site: str | None = None


def write(process: Runtime, who: Caller, what: Asked, change: Callable[[Connection], Reply]) -> JSONResponse:
    """Runs ``change`` and answers only after the commit; a repeated key gets the first answer again.

    Who asked stands in the audit trail, in the same transaction.
    """
    with transaction(process.engine) as conn:
        audit.come_from(conn, who.trail)
        known = what.key and idempotency.begin(
            conn, token=who.token.id, route=what.route, key=what.key, fingerprint=what.fingerprint
        )
        if known:
            return JSONResponse(
                known.body, known.status, headers={**known.headers, "Idempotent-Replay": "true"}
            )
        reply = change(conn)
        audit.record_at_least(conn, what.route, site=reply.site, actor=who.actor)
        body = jsonable_encoder(reply.body)
        if what.key:
            idempotency.keep(
                conn, Answer(reply.status, reply.headers, body), token=who.token.id, route=what.route,
                key=what.key, fingerprint=what.fingerprint, site=reply.site,
            )  # fmt: skip
    failpoints.reached("ingest.after_commit")
    return JSONResponse(body, reply.status, headers=dict(reply.headers))


def etag(version: int) -> str:
    return f'"{version}"'


def check_precondition(what: Asked, version: int) -> None:
    """428 without If-Match, 412 when it is not the current version."""
    if what.if_match is None:
        raise Refused(
            "precondition_required", f"send If-Match with the ETag you read; it is {etag(version)} now"
        )
    given = [item.strip().removeprefix("W/") for item in what.if_match.split(",")]
    if etag(version) not in given and given != ["*"]:
        raise Refused(
            "precondition_failed", f"it changed since {what.if_match}: read {etag(version)} and redo"
        )


def warned(faults: Sequence[Fault]) -> list[dict[str, str]]:
    """Warnings as they go over the wire."""
    return [{"pointer": item.pointer, "code": item.code, "detail": item.detail} for item in faults]


def cursor(values: Sequence[str]) -> str:
    """An opaque place in a list."""
    return json.dumps(list(values), separators=(",", ":")).encode().hex()


def read_cursor(text: str | None, *, parts: int) -> list[str] | None:
    """The values behind a cursor. Raises Refused("invalid") for one that we did not make."""
    if text is None:
        return None
    try:
        values = json.loads(bytes.fromhex(text))
    except ValueError:
        values = None
    if not isinstance(values, list) or len(values) != parts or character_faults(values):
        raise foreign_cursor()
    return [str(value) for value in values]


def read_number(text: str | None) -> int | None:
    """The one number behind a cursor. Raises Refused("invalid") for one that we did not make."""
    place = read_cursor(text, parts=1)
    if place is None:
        return None
    if not (place[0].isascii() and place[0].isdigit() and len(place[0]) <= 18):
        raise foreign_cursor()
    return int(place[0])


def foreign_cursor() -> Refused:
    return Refused("invalid", "the cursor is not one of ours: use next_cursor as it came")
