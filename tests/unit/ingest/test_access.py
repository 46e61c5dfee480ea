"""Nothing is open by oversight: the API does not start with a route of which nobody said who may call it."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, FastAPI
from nashr.bootstrap import Runtime
from nashr.settings import Settings
from nashr.store import database
from nashr_ingest import access
from nashr_ingest.app import create_app
from nashr_ingest.context import Admin, Anyone, Writer
from starlette.responses import PlainTextResponse
from starlette.routing import Mount

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing"


def router(**routes: object) -> APIRouter:
    made = APIRouter()
    for name, endpoint in routes.items():
        made.add_api_route(f"/{name}", endpoint, methods=["GET"])  # type: ignore[arg-type]
    return made


def no_role() -> None: ...


def two_roles(_: Writer, __: Admin) -> None: ...


def for_writers(_: Writer) -> None: ...


def for_anyone(_: Anyone) -> None: ...


@pytest.mark.parametrize("endpoint", [no_role, two_roles])
def test_a_route_without_one_role_keeps_the_api_from_starting(endpoint: object) -> None:
    """No role is a mistake, and so are two: the message names the route and what to do."""
    with pytest.raises(access.Unclassified, match="GET /forgotten"):
        access.declare(router(forgotten=endpoint))


def test_the_document_shows_each_routes_role() -> None:
    """What is enforced is what the OpenAPI document says."""
    app, made = FastAPI(), router(mine=for_writers, health=for_anyone)
    access.declare(made)
    app.include_router(made)
    access.check(app)
    shown = {path: one["get"][access.SHOWN] for path, one in app.openapi()["paths"].items()}
    assert shown == {"/mine": "writer", "/health": "anyone"}


def test_what_is_no_route_of_ours_keeps_it_from_starting_too() -> None:
    """An application mounted beside the routes would be outside every check."""
    app = FastAPI()
    app.router.routes.append(Mount("/files", app=PlainTextResponse("all of them")))
    with pytest.raises(access.Unclassified, match="/files"):
        access.check(app)


def test_a_router_that_was_never_declared_is_found() -> None:
    """Including a router without access.declare() does not slip through."""
    app = FastAPI()
    app.include_router(router(mine=for_writers))
    with pytest.raises(access.Unclassified, match="/mine"):
        access.check(app)


def test_every_route_of_the_api_has_a_role() -> None:
    """The real application starts, and only health checks take no token."""
    app = create_app(Runtime(Settings(), database.connect(NOWHERE)))
    roles = {
        f"{verb} {path}": one[access.SHOWN]
        for path, item in app.openapi()["paths"].items()
        for verb, one in item.items()
    }
    assert {name for name, role in roles.items() if role == "anyone"} == {"get /livez", "get /readyz"}
    assert set(roles.values()) == {"anyone", "writer", "editor", "admin"}
