"""What every request works with: who calls, and the process's connections."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final, cast

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from nashr.bootstrap import Runtime
from nashr.domain.errors import Fault, Refused
from nashr.domain.site import Site
from nashr.domain.text import UNPRINTABLE
from nashr.store import sites, tokens
from nashr.store.audit import Trail
from nashr.store.database import row, rows, statement
from nashr.store.tokens import Token
from sqlalchemy import Connection

from nashr_ingest.limits import HURRY
from nashr_ingest.origin import address_of

_TOKEN: Final = re.compile(r"(?i:bearer) +nk_([0-9a-f]{8})_")


def runtime(request: Request) -> Runtime:
    """The process's connections, built once at start-up."""
    return cast("Runtime", request.app.state.runtime)


Process = Annotated[Runtime, Depends(runtime)]


@dataclass(frozen=True)
class Caller:
    """A proven token, the name of whoever acts behind it (``Nashr-Actor``), and where the request is from."""

    token: Token
    actor: str
    trail: Trail


_BEARER = HTTPBearer(
    scheme_name="token", description="A token of `nashr token create`", bearerFormat="nk_…", auto_error=False
)


def caller(
    request: Request,
    process: Process,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
) -> Caller:
    """Raises Refused("unauthenticated"): absent, unknown, expired and revoked tokens look alike."""
    if given is not None and given.credentials:
        with statement(process.engine) as conn:
            token = tokens.check(conn, given.credentials.strip())
        if token is not None:
            behind = UNPRINTABLE.sub("", _utf8(request.headers.get("nashr-actor", ""))).strip()[:200]
            found = Caller(token, behind or token.name, trail_of(request, token))
            request.state.caller = found
            if hurry := getattr(request.state, HURRY, None):
                hurry()
            return found
    raise Refused("unauthenticated", "send Authorization: Bearer and a token of nashr token create")


def trail_of(request: Request, token: Token | None) -> Trail:
    """What the audit trail says of where this request is from."""
    proxies = runtime(request).settings.proxies
    return Trail(
        token=token.id if token else None,
        token_name=token.name if token else None,
        operation=getattr(request.scope.get("route"), "operation_id", None),
        address=address_of(request.scope, proxies),
        request=getattr(request.state, "request_id", None),
    )


def claimed_id(request: Request) -> str | None:
    """The id part of a token that was sent, which is no secret; None where it has another shape."""
    found = _TOKEN.match(request.headers.get("authorization", ""))
    return found[1] if found else None


def _utf8(header: str) -> str:
    """Header bytes arrive as Latin-1; names of people are sent as UTF-8."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header


async def anyone() -> None:
    """Takes no token: for health checks, and for nothing that shows or changes content."""


def writer(who: Annotated[Caller, Depends(caller)]) -> Caller:
    return _with_role(who, "writer")


def editor(who: Annotated[Caller, Depends(caller)]) -> Caller:
    return _with_role(who, "editor")


def admin(who: Annotated[Caller, Depends(caller)]) -> Caller:
    return _with_role(who, "admin")


Anyone = Annotated[None, Depends(anyone)]
Writer = Annotated[Caller, Depends(writer)]
Editor = Annotated[Caller, Depends(editor)]
Admin = Annotated[Caller, Depends(admin)]


def _with_role(who: Caller, role: str) -> Caller:
    if not who.token.may(role):
        raise Refused(
            "forbidden", f"this takes the role {role}: the token {who.token.id} is {who.token.role}"
        )
    return who


def site_of(conn: Connection, who: Caller, name: str | None) -> Site:
    """The site a request is about; it may be left unsaid where the token sees only one."""
    chosen = name or who.token.site or _only_site(conn)
    found = sites.find(conn, chosen) if who.token.site in {None, chosen} else None
    if found is None:
        detail = f"there is no site {chosen}: apply it first (nashr site apply FILE)"
        raise Refused("not_found", detail, faults=(Fault("/site", "not_found", detail),))
    return found.site


def site_named(conn: Connection, who: Caller, name: str) -> Site:
    """The site in a request's address; another token's looks absent."""
    found = sites.find(conn, name) if who.token.site in {None, name} else None
    if found is None:
        raise Refused("not_found", f"there is no site {name}")
    return found.site


def _only_site(conn: Connection) -> str:
    found = rows(conn, "SELECT id FROM site ORDER BY id LIMIT 2")
    if len(found) == 1:
        return str(found[0]["id"])
    detail = "name the site: there are several" if found else "there is no site yet: nashr site apply FILE"
    raise Refused("invalid", detail, faults=(Fault("/site", "missing", detail),))


def visible_site(who: Caller, name: str | None) -> str | None:
    """The site a list is narrowed to: the token's own, or the one asked for."""
    if who.token.site is not None and name not in {None, who.token.site}:
        raise Refused("not_found", f"there is no site {name}")
    return name or who.token.site


def exists(conn: Connection, table: str, thing: str, *, site: str | None = None) -> bool:
    """Whether a row of ``article`` or ``asset`` is there (on the site)."""
    assert table in {"article", "asset"}
    found = row(
        conn,
        f"SELECT 1 AS one FROM {table} WHERE id = :id AND (CAST(:site AS text) IS NULL OR site = :site)",
        id=thing, site=site,
    )  # fmt: skip
    return found is not None
