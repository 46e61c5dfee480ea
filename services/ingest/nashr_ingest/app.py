"""The API's wiring: routes, errors, limits, and the process's connections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

from anyio import to_thread
from fastapi import FastAPI, Request, Response
from nashr.bootstrap import Runtime
from nashr.domain.errors import Retryable
from nashr.runtime.reporting import Reporter
from nashr.settings import Settings
from starlette.middleware import Middleware

from nashr_ingest import access, openapi
from nashr_ingest.backlog import Backlog
from nashr_ingest.limits import Limits
from nashr_ingest.overload import Allowance
from nashr_ingest.problems import RefusedWith, install, render, request_id_of
from nashr_ingest.refusals import Refusals
from nashr_ingest.routes import (
    articles,
    assets,
    audit,
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
    tokens,
    webhooks,
)
from nashr_ingest.timing import Timed

CONNECTIONS = 20
"""To the database, and as many again under load: one for each thread that works (overload.py)."""


def create_app(runtime: Runtime) -> FastAPI:
    """The API over these connections. Raises access.Unclassified where a route declares no role."""

    allowance = _allowance(runtime.settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = allowance.threads
        reporter = Reporter(runtime.engine)
        reporter.start()
        app.state.bell.start()
        app.state.refusals.start()
        yield
        app.state.bell.stopping = True
        app.state.bell.ring()
        app.state.refusals.stop()
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
                allowance=allowance,
            ),
        ],
    )
    app.state.runtime = runtime
    app.state.bell = events.Bell(runtime.settings.database_url)
    app.state.refusals = Refusals(runtime.engine)
    app.state.backlog = Backlog(patience=runtime.settings.bulk_patience_seconds)
    install(app, tell=app.state.refusals.tell_of)
    app.add_exception_handler(Retryable, _unavailable)
    for module in (
        articles, cards, previews, assets, publications, sites, tokens, fronts, authors, events, webhooks,
        dead, audit,
        health, measures,
    ):  # fmt: skip
        access.declare(module.router)
        app.include_router(module.router)
    access.check(app)
    app.openapi = partial(openapi.document, app)  # type: ignore[method-assign]
    return app


def _allowance(settings: Settings) -> Allowance:
    return Allowance(
        requests=settings.max_requests,
        breaking=settings.breaking_requests,
        uploads=settings.max_uploads,
        streams=settings.max_streams,
        rate=settings.token_rate,
        burst=settings.token_burst,
    )


async def _unavailable(request: Request, error: Exception) -> Response:
    """The database or the store is away: whether a write took effect is unknown, the key tells."""
    refused = RefusedWith("unavailable", f"{error}: try again with the same Idempotency-Key", retry_after=2)
    return render(refused, request_id=request_id_of(request))
