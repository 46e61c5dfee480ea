"""The database away during every call of the API: a clear answer in time, and nothing lost."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.conftest import until
from tests.faults.lab import frozen, is_gone

if TYPE_CHECKING:
    from tests.faults.lab import Lab
    from tests.faults.newsroom import Newsroom, Story

ANSWER_SECONDS = 12.0


@dataclass(frozen=True)
class Call:
    """One request; ``key`` makes it repeatable."""

    method: str
    path: str
    request: dict[str, Any] = field(default_factory=dict)
    key: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Outcome:
    call: Call
    answer: httpx.Response | None
    seconds: float


@contextmanager
def killed(lab: Lab) -> Iterator[None]:
    """No database: killed, and the supervisor stands still so that it stays so."""
    before = lab.ready("postgres")
    with frozen(lab.supervisor()):
        server = lab.postgres()
        os.kill(server[0], signal.SIGKILL)
        until(lambda: all(is_gone(pid) for pid in server), what="the database server to be gone")
        yield
    lab.ready("postgres", restarts=before.restarts + 1)


@contextmanager
def standing_still(lab: Lab) -> Iterator[None]:
    """A database that takes connections and never answers."""
    with frozen(*lab.postgres()):
        yield


@pytest.mark.parametrize("trouble", [killed, standing_still])
def test_every_call_is_answered_while_the_database_is_away(
    lab: Lab, newsroom: Newsroom, stories: list[Story], trouble: Any
) -> None:
    """503 problem+json with Retry-After in time, and the same writes with the same keys succeed after it."""
    calls = _calls(lab, stories[0])
    _warm(lab)
    with trouble(lab):
        outcomes = _ask_all(lab, calls)
    assert [complaint for outcome in outcomes if (complaint := _complaint(outcome))] == []
    until(lambda: _ready(lab), what="the API to be ready again", seconds=30)
    for call in calls:
        if call.method != "GET" and "publish" not in call.path:
            answer = _ask(lab, call).answer
            assert answer is not None
            assert answer.status_code in {200, 201, 202, 412, 428}, f"{call}: {answer.text}"
    assert _articles(lab, calls[0].request["json"]["external_id"]) == 1
    stories[0].revision = lab.article(stories[0].id)["revision"]
    with newsroom.working():
        newsroom.one_more()


def _calls(lab: Lab, story: Story) -> list[Call]:
    article, publication = f"/v1/articles/{story.id}", story.accepted[-1].publication
    new = lab.draft(external_id=lab.word())
    photo = {"files": {"file": ("photo.jpg", lab.photo(400, 300), "image/jpeg")}}
    match = {"headers": {"If-Match": f'"{story.revision}"'}}
    return [
        Call("POST", "/v1/articles", {"json": new}),
        Call("PUT", article, {"json": lab.draft(headline=story.accepted[-1].word), **match}),
        Call("POST", f"{article}/publish", {"json": {}}),
        Call("POST", f"{article}/corrections", {"json": {"kind": "correction", "text": "تصحيح."}}),
        Call("POST", "/v1/assets", photo),
        Call("GET", article),
        Call("GET", f"{article}/revisions"),
        Call("GET", "/v1/articles"),
        Call("GET", f"/v1/publications/{publication}"),
        Call("GET", f"/v1/publications/{publication}/events?follow=false"),
        Call("GET", "/v1/sites/khabar"),
        Call("GET", "/v1/tokens"),
        Call("GET", "/readyz"),
    ]


def _warm(lab: Lab) -> None:
    """Fills the API's pool: a connection that was good a moment ago is the one that hangs."""
    calls = [Call("GET", "/v1/articles") for _ in range(24)]
    _ask_all(lab, calls)


def _ask_all(lab: Lab, calls: list[Call]) -> list[Outcome]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: _ask(lab, call), calls))


def _ask(lab: Lab, call: Call) -> Outcome:
    headers = {"Authorization": f"Bearer {lab.tokens['admin']}", **call.request.get("headers", {})}
    if call.method != "GET":
        headers["Idempotency-Key"] = call.key
    rest = {name: value for name, value in call.request.items() if name != "headers"}
    started = time.monotonic()
    try:
        answer = httpx.request(
            call.method, f"{lab.api}{call.path}", headers=headers, timeout=30, trust_env=False, **rest
        )
    except httpx.TransportError:
        return Outcome(call, None, time.monotonic() - started)
    return Outcome(call, answer, time.monotonic() - started)


def _complaint(outcome: Outcome) -> str | None:
    answer = outcome.answer
    if answer is None or outcome.seconds > ANSWER_SECONDS:
        return f"{outcome.call} had no answer after {outcome.seconds:.1f} s"
    kind = answer.headers.get("content-type", "")
    if answer.status_code != 503 or kind != "application/problem+json" or "retry-after" not in answer.headers:
        return f"{outcome.call}: {answer.status_code} {kind} {answer.text[:200]}"
    return None


def _ready(lab: Lab) -> bool:
    try:
        return lab.client("nobody").get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


def _articles(lab: Lab, external_id: str) -> int:
    return lab.count("SELECT count(*) FROM article WHERE external_id = %s", external_id)
