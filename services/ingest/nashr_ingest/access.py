"""Which role each route asks for: declared once, in its signature, and shown in the OpenAPI document.

A route that declares none, or two, keeps the API from starting: nothing is open by oversight.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from nashr_ingest.context import admin, anyone, editor, writer

SHOWN: Final = "x-nashr-role"
"""The member of an operation in the OpenAPI document that names its role; "anyone" takes no token."""

OPEN_PAGES: Final = frozenset({"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"})
"""FastAPI's own pages, which are no operations: the document, and two ways to read it."""

_ROLES: Final[dict[Any, str]] = {anyone: "anyone", writer: "writer", editor: "editor", admin: "admin"}


class Unclassified(Exception):
    """A route of which nobody has said who may call it."""


def declare(router: APIRouter) -> None:
    """Writes each route's role into its part of the OpenAPI document. Raises Unclassified."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            route.openapi_extra = {**(route.openapi_extra or {}), SHOWN: _role(route)}


def check(app: FastAPI) -> None:
    """Raises Unclassified unless every route of the whole application has a role or is one of OPEN_PAGES."""
    for found in iter_route_contexts(app.routes):
        route = found.original_route
        shown = isinstance(route, APIRoute) and SHOWN in (route.openapi_extra or {})
        if not shown and found.path not in OPEN_PAGES:
            raise Unclassified(f"{found.path} is no route of a router that access.declare() has seen")


def _role(route: APIRoute) -> str:
    found = {_ROLES[call] for call in _calls(route.dependant) if call in _ROLES}
    if len(found) == 1:
        return found.pop()
    verbs = "/".join(sorted(route.methods or ()))
    said = f"declares {' and '.join(sorted(found))}" if found else "declares no role"
    raise Unclassified(
        f"{verbs} {route.path} {said}: give {route.name} one parameter of the type "
        "Writer, Editor, Admin or Anyone"
    )


def _calls(dependant: Dependant) -> Iterator[Any]:
    """The functions that a route directly asks for. Roles count only here: none is inherited by accident."""
    for needed in dependant.dependencies:
        yield needed.call
