"""A draft to spoil, and a small application with nothing behind it but the parts under test."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request
from nashr.domain.errors import Refused
from nashr_ingest import problems
from nashr_ingest.clean import clean, clean_draft
from nashr_ingest.connections import PatientProtocol
from nashr_ingest.imagefile import inspect
from nashr_ingest.limits import Limits, Pace
from nashr_ingest.schemas import AssetPatch, Draft, Publish, SiteIn, read_site
from nashr_ingest.uploads import read_upload
from starlette.types import ASGIApp

MAX_BODY = 1024 * 1024
MAX_ASSET = 300_000
TOKEN = {"authorization": "Bearer nk_00000000_x"}
"""Nobody checks it here; without one a body is not even read."""

Send = Callable[..., httpx.Response]


@contextmanager
def serving(app: ASGIApp) -> Iterator[uvicorn.Server]:
    """``app`` behind our protocol, on a socket of its own."""
    config = uvicorn.Config(
        app, port=0, http=PatientProtocol, lifespan="off", log_level="warning", timeout_keep_alive=30
    )
    made = uvicorn.Server(config)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    while not made.started:
        time.sleep(0.01)
    yield made
    made.should_exit = True
    thread.join(10)


@pytest.fixture
def draft() -> dict[str, Any]:
    """A small, valid draft."""
    return {
        "section": "politics",
        "headline": "البرلمان يقرّ الموازنة",
        "body": [
            {"type": "paragraph", "html": "أقرّ المجلس <b>الموازنة</b> مساء الثلاثاء."},
            {"type": "image", "asset": "a1", "alt": "نواب يصوّتون"},
            {"type": "list", "items": ["الصحة", "التعليم"]},
        ],
    }


@cache
def _app(pace: Pace | None) -> FastAPI:
    app = FastAPI()
    problems.install(app)
    app.add_middleware(Limits, max_body_bytes=MAX_BODY, max_asset_bytes=MAX_ASSET, pace=pace)

    @app.post("/v1/articles", status_code=201)
    async def save(draft: Draft) -> dict[str, Any]:
        cleaned = clean_draft(draft)
        return {"doc": cleaned.doc, "warnings": [vars(fault) for fault in cleaned.warnings]}

    @app.post("/v1/articles/{article}/publish")
    async def publish(article: str, order: Publish) -> dict[str, Any]:
        return order.model_dump()

    @app.patch("/v1/assets/{asset}")
    async def change(asset: str, patch: AssetPatch) -> dict[str, Any]:
        return clean(patch).doc

    @app.put("/v1/sites/{site}")
    async def site(site: str, data: SiteIn) -> dict[str, Any]:
        return read_site(data).to_json()

    @app.post("/v1/assets", status_code=201)
    async def upload(request: Request) -> dict[str, Any]:
        with await read_upload(request, max_bytes=MAX_ASSET) as photo:
            info = inspect(photo.file, max_pixels=60_000_000, sha256=photo.sha256, filename=photo.filename)
            said = {name: value for name, value in vars(photo).items() if name != "file"}
        return {**vars(info), **said, "warnings": [vars(fault) for fault in photo.warnings]}

    @app.get("/v1/articles")
    async def listed(limit: int = 20, q: str = "") -> dict[str, Any]:
        return {"limit": limit, "q": q}

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("the database password is hunter2")

    @app.get("/refused/{code}")
    async def refused(code: str) -> None:
        raise Refused(code, "a reason with its cure")

    @app.get("/taken")
    async def taken() -> None:
        raise problems.RefusedWith(
            "slug_taken", "taken: try x-2", members={"suggestion": "x-2"}, retry_after=7
        )

    return app


@pytest.fixture
def send() -> Send:
    """Sends one request to the application and returns its answer."""

    def sent(method: str, url: str, *, pace: Pace | None = None, **kwargs: Any) -> httpx.Response:
        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(_app(pace), raise_app_exceptions=False)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://nashr.test", headers=TOKEN
            ) as client:
                return await client.request(method, url, **kwargs)

        return asyncio.run(go())

    return sent
