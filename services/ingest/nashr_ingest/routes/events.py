"""Server-sent events: resumed by Last-Event-ID, complete because event ids grow in commit order."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated, Any, TypeVar, cast

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from nashr.bootstrap import Runtime
from nashr.domain.errors import Refused, Retryable
from nashr.store import events, tokens
from nashr.store.database import statement
from nashr.store.events import Event
from nashr.store.listen import Listener
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from nashr_ingest.context import Caller, Process, Writer, visible_site
from nashr_ingest.overload import STREAM_THREADS
from nashr_ingest.problems import responses
from nashr_ingest.routes.publications import find

router = APIRouter(prefix="/v1", tags=["events"])
T = TypeVar("T")
ACCESS = ("unauthenticated", "forbidden", "unavailable")
LOOK_SECONDS = 4.0
"""A stream looks at its token at least this often: whoever is revoked reads on for less than 5 seconds."""
LastId = Annotated[str | None, Header(alias="Last-Event-ID", description="Resume after this event")]
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Events as they are committed"}
}


class Bell:
    """Rings for every waiting stream when PostgreSQL says that an event was committed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Event] = set()
        self._looking = asyncio.Semaphore(STREAM_THREADS)
        self.stopping = False

    async def look(self, find: Callable[[], T]) -> T:
        """What ``find`` finds in the database. Two hundred streams that hear of an event take few threads."""
        async with self._looking:
            return await run_in_threadpool(find)

    def start(self) -> None:
        """Listens in a thread of its own until the process ends."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._listen, name="bell", daemon=True).start()

    def _listen(self) -> None:
        with Listener(self._url, events.CHANNEL) as listener:
            while not self.stopping:
                if listener.wait(1.0) and self._loop is not None:
                    self._loop.call_soon_threadsafe(self.ring)

    def ring(self) -> None:
        for waiting in self._waiting:
            waiting.set()

    async def wait(self, seconds: float) -> None:
        """Returns at the next ring, or after ``seconds``."""
        rung = asyncio.Event()
        self._waiting.add(rung)
        try:
            await asyncio.wait_for(rung.wait(), seconds)
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(rung)


def _bell(request: Request) -> Bell:
    return cast("Bell", request.app.state.bell)


RingsOf = Annotated[Bell, Depends(_bell)]


@router.get(
    "/events", operation_id="streamEvents", response_class=StreamingResponse,
    responses={**_STREAM, **responses(*ACCESS, "not_found")},
)  # fmt: skip
async def stream(
    who: Writer,
    process: Process,
    bell: RingsOf,
    site: str | None = None,
    last_event_id: LastId = None,
) -> StreamingResponse:
    """All events of the sites this token sees, from now or after Last-Event-ID."""
    start = await bell.look(partial(_start, process, last_event_id))
    return _respond(_lines(process, bell, who, start, site=visible_site(who, site)))


@router.get(
    "/publications/{publication}/events", operation_id="streamPublicationEvents",
    response_class=StreamingResponse, responses={**_STREAM, **responses(*ACCESS, "not_found")},
)  # fmt: skip
async def stream_publication(
    who: Writer,
    process: Process,
    bell: RingsOf,
    publication: Annotated[str, Path(max_length=64)],
    last_event_id: LastId = None,
    follow: Annotated[bool, Query(description="false: only what happened so far")] = True,
) -> StreamingResponse:
    """The events of one publication, from its beginning."""

    def check() -> str:
        with statement(process.engine) as conn:
            return find(conn, who, publication).site

    site = await bell.look(check)
    start = _number(last_event_id) if last_event_id else 0
    lines = _lines(process, bell, who, start, site=site, publication=publication, follow=follow)
    return _respond(lines)


def _respond(lines: AsyncIterator[str]) -> StreamingResponse:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(lines, media_type="text/event-stream", headers=headers)


def _start(process: Runtime, last_event_id: str | None) -> int:
    if last_event_id:
        return _number(last_event_id)
    with statement(process.engine) as conn:
        return events.last(conn)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Refused("invalid", "Last-Event-ID is not one of ours: send the id of the last event received")
    return int(text)


async def _lines(
    process: Runtime,
    bell: Bell,
    who: Caller,
    start: int,
    *,
    site: str | None,
    publication: str | None = None,
    follow: bool = True,
) -> AsyncIterator[str]:
    """Until the client leaves, the process stops, or the token is revoked or expires."""
    yield "retry: 1000\n\n"
    seen = start
    while not bell.stopping:
        try:
            found = await bell.look(partial(_after, process, who, seen, site, publication))
        except Retryable:
            found = []
        if found is None:
            return
        for event in found:
            seen = event.id
            data = json.dumps(events.envelope(event), ensure_ascii=False)
            yield f"id: {event.id}\nevent: {event.type}\ndata: {data}\n\n"
        if not found and not follow:
            return
        if not found:
            await bell.wait(LOOK_SECONDS)
            yield ": still here\n\n"


def _after(
    process: Runtime, who: Caller, seen: int, site: str | None, publication: str | None
) -> list[Event] | None:
    """The events past ``seen``; None for a token that holds no more."""
    with statement(process.engine) as conn:
        if not tokens.holds(conn, who.token.id):
            return None
        return list(events.after(conn, seen, site=site, publication=publication))
