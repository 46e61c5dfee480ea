"""The API's wiring: routes, errors, limits, and the process's connections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI, Request, Response
from nashr.bootstrap import Runtime
from nashr.domain.errors import Retryable
from nashr.runtime.reporting import Reporter
from starlette.middleware import Middleware

from nashr_ingest.limits import Limits
from nashr_ingest.problems import RefusedWith, install, render, request_id_of
from nashr_ingest.routes import (
    articles,
    assets,
    authors,
    cards,
    dead,
    events,
    fronts,
    health,
    measures,
    previews,
    publications,
    sites,
    webhooks,
)
from nashr_ingest.timing import Timed

THREADS = 16


def create_app(runtime: Runtime) -> FastAPI:
    """The API over these connections."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        reporter = Reporter(runtime.engine)
        reporter.start()
        app.state.bell.start()
        yield
        app.state.bell.stopping = True
        app.state.bell.ring()
        reporter.stop()

    app = FastAPI(
        title="nashr",
        version=version("nashr"),
        summary="News publishing: drafts in, finished pages out.",
        lifespan=lifespan,
        redirect_slashes=False,
        middleware=[
            Middleware(Timed),
            Middleware(
                Limits,
                max_body_bytes=runtime.settings.max_body_bytes,
                max_asset_bytes=runtime.settings.max_asset_bytes,
            ),
        ],
    )
    app.state.runtime = runtime
    app.state.bell = events.Bell(runtime.settings.database_url)
    install(app)
    app.add_exception_handler(Retryable, _unavailable)
    for module in (
        articles, cards, previews, assets, publications, sites, fronts, authors, events, webhooks, dead,
        health, measures,
    ):  # fmt: skip
        app.include_router(module.router)
    return app


async def _unavailable(request: Request, error: Exception) -> Response:
    """The database or the store is away: whether a write took effect is unknown, the key tells."""
    refused = RefusedWith("unavailable", f"{error}: try again with the same Idempotency-Key", retry_after=2)
    return render(refused, request_id=request_id_of(request))
