"""No room on the disk: what was accepted is kept, what cannot be kept is not accepted, room heals."""

from __future__ import annotations

import signal
import uuid
from functools import partial
from typing import TYPE_CHECKING

import httpx

from tests.conftest import until
from tests.faults.chaos import disk

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.lab import Lab
    from tests.faults.newsroom import Newsroom, Story


def test_a_database_without_room_accepts_nothing_and_loses_nothing(lab: Lab, newsroom: Newsroom) -> None:
    """Its log cannot be written: 503 with Retry-After, no 201; with room again everybody goes on."""
    log = lab.data / "logs" / "postgres.log"
    size = log.stat().st_size
    key, draft = uuid.uuid4().hex, lab.draft()
    with newsroom.working():
        newsroom.one_more()
        with disk.full(lab, "postgres"):
            refused = until(partial(_refused, lambda: _create(lab, key, draft)), what="a refusal")
            assert int(refused[0].headers["retry-after"]) > 0
            until(lambda: b"File too large" in log.read_bytes()[size:], what="the database to notice")
        newsroom.one_more()
    answer = until(lambda: _accepted(_create(lab, key, draft)), what="the draft to be accepted after it")
    assert lab.count("SELECT count(*) FROM article WHERE id = %s", answer["id"]) == 1
    assert lab.count("SELECT count(*) FROM revision WHERE doc->>'headline' = %s", draft["headline"]) == 1


def test_a_store_without_room_takes_nothing_that_it_cannot_keep(
    lab: Lab, newsroom: Newsroom, stories: list[Story]
) -> None:
    """Photos get 503 and stories wait; with room again all is there, also after the store was killed."""
    photo, before = lab.photo(400, 300), lab.program("s3").restarts
    with newsroom.working():
        newsroom.one_more()
        with disk.full(lab, "s3"):
            # each time another: a photo that slipped in before is there already, which needs no room
            refused = until(partial(_refused, lambda: _upload(lab, lab.photo(400, 300))), what="a refusal")
            assert int(refused[0].headers["retry-after"]) > 0
            newsroom.one_more()
            until(lambda: lab.program("s3").restarts > before, what="the store to give up what it holds")
        found = until(lambda: _accepted(_upload(lab, photo)), what="the photo to be accepted after it")
    lab.quiet()
    until(lambda: lab.client("admin").get(f"/v1/assets/{found['id']}").json()["state"] == "ready", what="it")
    pid = lab.signal("s3", signal.SIGKILL)
    until(lambda: lab.program("s3").pid not in {None, pid}, what="a new store")
    lab.ready("s3")
    for story in stories:
        assert story.accepted[-1].word in lab.stored(story.path)


def _create(lab: Lab, key: str, draft: dict[str, object]) -> httpx.Response:
    return lab.client("admin").post("/v1/articles", json=draft, headers={"Idempotency-Key": key})


def _upload(lab: Lab, photo: bytes) -> httpx.Response:
    return lab.client("admin").post("/v1/assets", files={"file": ("photo.jpg", photo, "image/jpeg")})


def _refused(ask: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """A 503 in a list; empty for any other answer that may come."""
    answer = ask()
    assert answer.status_code in {200, 201, 503}, answer.text
    return [answer] if answer.status_code == 503 else []


def _accepted(answer: httpx.Response) -> dict[str, str] | None:
    assert answer.status_code in {200, 201, 503}, answer.text
    return dict(answer.json()) if answer.status_code != 503 else None
