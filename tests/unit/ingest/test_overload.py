"""What is too much is refused before any work, with the time to come again; breaking news finds a place."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.security import HTTPAuthorizationCredentials
from nashr.domain.errors import Refused
from nashr.store import tokens
from nashr.store.tokens import Token
from nashr_ingest import context, overload
from nashr_ingest.limits import Limits
from nashr_ingest.overload import Allowance, Buckets, Held, Lanes, Room
from nashr_ingest.problems import RefusedWith
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

TOKEN = {"authorization": "Bearer nk_00000000_x"}


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_token_may_send_its_burst_then_its_rate() -> None:
    """After the burst a request is refused with the seconds until the next; others are not touched."""
    clock = Clock()
    buckets = Buckets(rate=0.5, burst=3, clock=clock)
    for _ in range(3):
        buckets.take(b"one")
    with pytest.raises(RefusedWith) as caught:
        buckets.take(b"one")
    assert (caught.value.code, caught.value.retry_after) == ("overloaded", 2)
    buckets.take(b"two")
    clock.now += 2
    buckets.take(b"one")


def test_refused_requests_do_not_cost_a_token_its_turn() -> None:
    """Whoever hammers on gets in again as soon as its rate allows it."""
    clock = Clock()
    buckets = Buckets(rate=1, burst=1, clock=clock)
    buckets.take(b"one")
    for _ in range(50):
        with pytest.raises(Refused):
            buckets.take(b"one")
    clock.now += 1
    buckets.take(b"one")


def test_credentials_are_remembered_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guessing a million tokens costs a million requests, not a million buckets."""
    monkeypatch.setattr(overload, "MOST_BUCKETS", 10)
    buckets = Buckets(rate=1, burst=1)
    for number in range(1000):
        buckets.take(str(number).encode())
    assert len(buckets._left) == 10


def test_some_places_are_kept() -> None:
    """Ordinary requests leave the kept places free; what goes first takes them, and gives them back."""
    room = Room("requests", places=3, kept=1)
    with room.place(), room.place():
        with pytest.raises(Refused), room.place():
            pass
        with room.place(first=True), pytest.raises(Refused), room.place(first=True):
            pass
    assert room.taken == 0


def test_bodies_share_bounded_memory() -> None:
    """What does not fit is refused and not counted; what is given back fits again."""
    held = Held(100)
    held.add(80)
    with pytest.raises(Refused):
        held.add(30)
    held.add(20)
    held.give_back(100)
    held.add(100)


class Slow:
    """An application whose requests stay until it is told to answer; it says what has reached it."""

    def __init__(self) -> None:
        self.reached: list[str] = []
        self.go = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        self.reached.append(scope["path"])
        await self.go.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def full(allowance: Allowance) -> tuple[list[httpx.Response], list[str]]:
    """Answers to a draft, a breaking and an ordinary publication, a photo, an event stream and a health
    check, while the place for one ordinary request is taken; and what reached the application meanwhile."""

    async def go() -> tuple[list[httpx.Response], list[str]]:
        app = Slow()
        guarded = Limits(app, max_body_bytes=1 << 20, max_asset_bytes=1 << 20, allowance=allowance)
        transport = httpx.ASGITransport(guarded)
        async with httpx.AsyncClient(transport=transport, base_url="http://nashr.test", headers=TOKEN) as api:
            first = asyncio.create_task(api.get("/v1/articles"))
            while not app.reached:
                await asyncio.sleep(0)
            asked = [
                asyncio.create_task(request)
                for request in (
                    api.post("/v1/articles", json={}),
                    api.post("/v1/articles/a/publish", json={"priority": "breaking"}),
                    api.post("/v1/articles/b/publish", json={"priority": "normal"}),
                    api.post("/v1/assets", content=b"x"),
                    api.get("/v1/events"),
                    api.get("/livez"),
                )
            ]
            while sum(task.done() for task in asked) + len(app.reached) < 1 + len(asked):
                await asyncio.sleep(0)
            reached = app.reached[1:]
            app.go.set()
            await first
            return await asyncio.gather(*asked), sorted(reached)

    return asyncio.run(go())


def test_a_full_api_takes_breaking_news_uploads_streams_and_health_checks() -> None:
    """One request holds the only ordinary place: others get 503 at once, and nothing of them runs."""
    answers, reached = full(Allowance(requests=2, breaking=1))

    assert [answer.status_code for answer in answers] == [503, 204, 503, 204, 204, 204]
    assert reached == ["/livez", "/v1/articles/a/publish", "/v1/assets", "/v1/events"]
    refused = answers[0]
    assert refused.json()["code"] == "unavailable"
    assert int(refused.headers["retry-after"]) >= 1


def test_uploads_and_streams_have_places_of_their_own() -> None:
    """Slow uploads and open streams are bounded too."""
    answers, _ = full(Allowance(requests=9, breaking=0, uploads=0, streams=0))

    assert [answer.status_code for answer in answers] == [204, 204, 204, 503, 503, 204]


def test_breaking_news_has_threads_of_its_own() -> None:
    """Ordinary requests keep every thread that they may have, and more of them wait: it is not held up."""
    go = threading.Event()
    app = FastAPI()

    @app.post("/v1/articles/{article}/publish")
    def publish(article: str) -> str:
        if article == "bulk":
            go.wait(20)
        return article

    guarded = Limits(app, max_body_bytes=1 << 20, max_asset_bytes=1 << 20, allowance=Allowance(patience=20))

    async def scenario() -> tuple[int, list[int]]:
        transport = httpx.ASGITransport(guarded)
        async with httpx.AsyncClient(transport=transport, base_url="http://nashr.test", headers=TOKEN) as api:
            ordered = [asyncio.create_task(api.post("/v1/articles/bulk/publish", json={})) for _ in range(56)]
            while guarded.taken < len(ordered):
                await asyncio.sleep(0)
            try:
                urgent = {"priority": "breaking"}
                first = await asyncio.wait_for(api.post("/v1/articles/now/publish", json=urgent), 5)
            finally:
                go.set()
            return first.status_code, [(await task).status_code for task in ordered]

    assert asyncio.run(scenario()) == (200, [200] * 56)


def test_others_begin_one_by_one_while_breaking_news_is_on_its_way() -> None:
    """Ordinary requests wait for their turns, 0.2 s apart and in order; the next urgent one does not."""

    async def scenario() -> tuple[list[tuple[str, float]], float]:
        lanes, begun = Lanes(ordinary=9, breaking=9, patience=60), []

        async def enter(name: str) -> None:
            async with lanes.turn(first=name == "urgent"):
                begun.append((name, time.monotonic()))

        start = time.monotonic()
        lanes.hurry()
        await asyncio.gather(*(enter(name) for name in ("one", "two", "urgent")))
        return begun, start

    begun, start = asyncio.run(scenario())
    assert [name for name, _ in begun] == ["urgent", "one", "two"]
    (_, first), (_, second) = begun[1:]
    assert first >= start + 0.2
    assert second >= first + 0.1  # the clock of turns does not wait for whoever is late


@pytest.mark.parametrize(("priority", "known", "hurried"), [
    ("breaking", True, True), ("breaking", False, False), ("bulk", True, False),
])  # fmt: skip
def test_only_who_is_known_has_the_right_of_way(
    priority: str, known: bool, hurried: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that says breaking is nothing without a token that is right."""
    token = Token("t", "test", "editor", None, datetime.now(UTC), None, None)
    monkeypatch.setattr(tokens, "check", lambda *_: token if known else None)
    monkeypatch.setattr(context, "statement", nullcontext)
    monkeypatch.setattr(context, "trail_of", lambda *_: None)
    called: list[bool] = []
    monkeypatch.setattr(Lanes, "hurry", lambda _: called.append(True))

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        given = HTTPAuthorizationCredentials(scheme="Bearer", credentials="nk_00000000_x")
        with suppress(Refused):
            context.caller(Request(scope, receive), SimpleNamespace(engine=None), given)  # type: ignore[arg-type]
        await Response(status_code=204)(scope, receive, send)

    guarded = Limits(app, max_body_bytes=1 << 20, max_asset_bytes=1 << 20)

    async def scenario() -> int:
        transport = httpx.ASGITransport(guarded)
        async with httpx.AsyncClient(transport=transport, base_url="http://nashr.test", headers=TOKEN) as api:
            answer = await api.post("/v1/articles/a/publish", json={"priority": priority})
            return answer.status_code

    assert asyncio.run(scenario()) == 204
    assert bool(called) is hurried


def test_a_request_whose_turn_does_not_come_is_told_so() -> None:
    """It waits as long as it may, then gets 503; whoever is at work goes on, and its turn is free then."""

    async def scenario() -> tuple[int, int, int]:
        app = Slow()
        guarded = Limits(
            app, max_body_bytes=9, max_asset_bytes=9, allowance=Allowance(at_work=1, patience=0.05)
        )
        transport = httpx.ASGITransport(guarded)
        async with httpx.AsyncClient(transport=transport, base_url="http://nashr.test", headers=TOKEN) as api:
            working = asyncio.create_task(api.get("/v1/articles"))
            while not app.reached:
                await asyncio.sleep(0)
            waited = await api.get("/v1/articles")
            app.go.set()
            return waited.status_code, (await working).status_code, (await api.get("/v1/x")).status_code

    assert asyncio.run(scenario()) == (503, 204, 204)


def send(method: str, url: str, *, allowance: Allowance | None = None, **kwargs: Any) -> httpx.Response:
    async def go() -> httpx.Response:
        app = Slow()
        app.go.set()
        guarded = Limits(
            app, max_body_bytes=1 << 20, max_asset_bytes=1 << 20, allowance=allowance or Allowance()
        )
        transport = httpx.ASGITransport(guarded)
        async with httpx.AsyncClient(transport=transport, base_url="http://nashr.test") as client:
            answer = await client.request(method, url, **kwargs)
            answer.extensions["reached"] = app.reached
            return answer

    return asyncio.run(go())


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, gzip"])
def test_compressed_bodies_are_refused_unread(encoding: str) -> None:
    """A few bytes may unfold into gigabytes: 415."""
    answer = send(
        "POST", "/v1/articles", content=b"\x1f\x8b", headers={**TOKEN, "content-encoding": encoding}
    )

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert answer.extensions["reached"] == []


def test_bodies_that_fill_the_memory_are_refused() -> None:
    """The memory for bodies is for all requests together: 503, and it is free again afterwards."""
    allowance = Allowance(body_bytes=1000)
    large = send("POST", "/v1/articles", json={"a": "x" * 70_000}, headers=TOKEN, allowance=allowance)
    small = send("POST", "/v1/articles", json={"a": "x"}, headers=TOKEN, allowance=allowance)

    assert (large.status_code, small.status_code) == (503, 204)


def test_small_bodies_are_taken_while_large_ones_fill_the_memory() -> None:
    """Whoever sends large bodies and stalls keeps nobody's short order out."""
    small = send(
        "POST", "/v1/articles/x/publish", json={"priority": "breaking", "x": "x" * 60_000}, headers=TOKEN,
        allowance=Allowance(body_bytes=0),
    )  # fmt: skip

    assert small.status_code == 204


def test_a_body_without_a_token_is_not_kept() -> None:
    """It is passed over, not parsed; a large one is not even received."""
    broken = send("POST", "/v1/articles", content=b"{", headers={"content-type": "application/json"})
    large = send("POST", "/v1/articles", content=json.dumps(["x" * 600_000]).encode())

    assert (broken.status_code, broken.extensions["reached"]) == (204, ["/v1/articles"])
    assert (large.status_code, large.json()["code"]) == (401, "unauthenticated")
    assert large.extensions["reached"] == []


def test_a_token_is_one_however_it_is_written() -> None:
    """Spaces and the case of the scheme make no second bucket."""

    async def go() -> list[int]:
        app = Slow()
        app.go.set()
        guarded = Limits(app, max_body_bytes=9, max_asset_bytes=9, allowance=Allowance(rate=0.1, burst=2))
        transport = httpx.ASGITransport(guarded)
        async with httpx.AsyncClient(transport=transport, base_url="http://nashr.test") as client:
            ways = ("Bearer nk_1_2", "bearer nk_1_2", "BEARER   nk_1_2 ")
            return [
                (await client.get("/v1/articles", headers={"Authorization": way})).status_code for way in ways
            ]

    assert asyncio.run(go()) == [204, 204, 429]


def test_callers_without_a_token_are_counted_by_their_address() -> None:
    """They have a bucket as well: 429 with the time to come again."""

    async def go() -> list[httpx.Response]:
        app = Slow()
        app.go.set()
        guarded = Limits(app, max_body_bytes=9, max_asset_bytes=9, allowance=Allowance(rate=0.1, burst=2))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(guarded), base_url="http://nashr.test"
        ) as client:
            return [await client.get("/v1/articles") for _ in range(3)]

    answers = asyncio.run(go())
    assert [answer.status_code for answer in answers] == [204, 204, 429]
    assert answers[2].headers["retry-after"] == "10"
