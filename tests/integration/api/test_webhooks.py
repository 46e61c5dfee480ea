"""Webhooks over the API: who may, what is refused with its cure, and what never comes out again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.receivers import Receiver, Says, receiver

if TYPE_CHECKING:
    import httpx

    from tests.conftest import Stack

SECRET = "a secret that nobody sees again"
HOOK: dict[str, Any] = {"events": ["article.live"], "secret": SECRET, "site": "khabar"}


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


@pytest.fixture
def hook(stack: Stack, there: Receiver) -> Iterator[str]:
    """The address of a webhook in the API."""
    answer = stack.admin.post("/v1/webhooks", json={**HOOK, "url": there.url})
    assert answer.status_code == 201, answer.text
    where = str(answer.headers["location"])
    yield where
    stack.admin.delete(where)


def faults(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {one["pointer"]: one["code"] for one in answer.json()["errors"]}


def test_a_webhook_is_the_admins(stack: Stack, hook: str) -> None:
    """Nobody, writers and editors are kept out of every route; an unknown one is not there."""
    routes = [
        ("GET", "/v1/webhooks"), ("POST", "/v1/webhooks"), ("GET", hook), ("PATCH", hook), ("DELETE", hook),
        ("GET", f"{hook}/deliveries"), ("GET", f"{hook}/deliveries/1"), ("POST", f"{hook}/test"),
        ("POST", f"{hook}/replay"),
    ]  # fmt: skip
    for method, path in routes:
        body = {"url": "https://x.example/", **HOOK} if path == "/v1/webhooks" else {}
        for who, status in (("nobody", 401), ("writer", 403), ("editor", 403), ("stranger", 403)):
            assert stack.client(who).request(method, path, json=body).status_code == status, (method, path)
    answer = stack.admin.post("/v1/tokens", json={"name": "other", "role": "admin", "site": "other"})
    stranger = {"Authorization": f"Bearer {answer.json()['token']}"}
    for method, path in routes[2:]:
        body = {"since": "2026-01-01T00:00:00Z"} if path.endswith("replay") else {}
        there = stack.client("nobody").request(method, path, json=body, headers=stranger)
        assert there.status_code == 404, (method, path, there.text)
    assert stack.client("nobody").get("/v1/webhooks", headers=stranger).json()["items"] == []
    assert stack.admin.get("/v1/webhooks/wh_nothing").status_code == 404
    assert stack.admin.get(hook).json()["state"] == "active"


def test_its_secret_is_never_shown(stack: Stack, hook: str) -> None:
    """Not when it is made, listed, changed or refused."""
    new = "another secret nobody sees"
    texts = [
        stack.admin.get(hook).text, stack.admin.get("/v1/webhooks").text,
        stack.admin.patch(hook, json={"secret": new}).text, stack.admin.get(hook).text,
        stack.admin.patch(hook, json={"secret": new[:9]}).text,
        stack.admin.post(f"{hook}/test").text, stack.admin.get(f"{hook}/deliveries").text,
    ]  # fmt: skip
    assert not any(word in text for text in texts for word in (SECRET, new, new[:9]))
    assert json.loads(texts[3])["old_secret_until"] is not None
    log = "".join(path.read_text() for path in (stack.data / "logs").glob("*.log"))
    assert SECRET not in log
    assert new not in log


@pytest.mark.parametrize(
    ("wrong", "pointer", "code"),
    [({"url": "http://8.8.8.8/"}, "/url", "bad_url"), ({"url": "https://10.0.0.1/"}, "/url", "bad_url"),
     ({"url": "https://169.254.169.254/"}, "/url", "bad_url"), ({"url": "nowhere"}, "/url", "bad_url"),
     ({"url": "https://u:p@x.example/"}, "/url", "bad_url"), ({"secret": "short"}, "/secret", "invalid"),
     ({"secret": "whsec_*"}, "/secret", "invalid"), ({"events": ["article"]}, "/events/0", "invalid"),
     ({"events": []}, "/events", "empty"), ({"retries": 3}, "/retries", "unknown_field"),
     ({"site": "nowhere"}, "/site", "not_found")],
)  # fmt: skip
def test_a_bad_webhook_is_refused(stack: Stack, wrong: dict[str, Any], pointer: str, code: str) -> None:
    """By the field, before anything is stored."""
    before = stack.admin.get("/v1/webhooks").json()["items"]
    answer = stack.admin.post("/v1/webhooks", json={"url": "https://x.example/", **HOOK, **wrong})
    if code == "not_found":
        assert answer.status_code == 404
    else:
        assert faults(answer)[pointer] == code
    assert stack.admin.get("/v1/webhooks").json()["items"] == before


def test_an_address_has_one_webhook(stack: Stack, hook: str, there: Receiver) -> None:
    """The second is a conflict."""
    again = stack.admin.post("/v1/webhooks", json={**HOOK, "url": there.url})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


def test_a_test_shows_what_the_receiver_said(stack: Stack, hook: str, there: Receiver) -> None:
    """202 with where to look; there the answer, with its first words when it is an error."""
    there.will(Says(500, b"no such tenant"))
    answer = stack.admin.post(f"{hook}/test")
    assert answer.status_code == 202

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = stack.admin.get(answer.headers["location"]).json()
        return found if found["state"] not in {"waiting", "sending"} else None

    line = stack.until(ended, what="the test's answer")
    assert (line["type"], line["state"], line["status"]) == ("webhook.test", "failed", 500)
    assert (line["error"], line["answer"]) == ("answered 500", "no such tenant")
    assert line["ms"] >= 0
    failed = stack.admin.get(f"{hook}/deliveries", params={"failed": True}).json()["items"]
    assert [item["id"] for item in failed] == [line["id"]]


def test_replay_says_what_it_needs(stack: Stack, hook: str) -> None:
    """One of delivery and since; unknown deliveries are not there."""
    for body in ({}, {"delivery": "1", "since": "2026-01-01T00:00:00Z"}):
        answer = stack.admin.post(f"{hook}/replay", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    for number in ("1", "x", "9" * 19):
        assert stack.admin.post(f"{hook}/replay", json={"delivery": number}).status_code == 404
        assert stack.admin.get(f"{hook}/deliveries/{number}").status_code == 404


def test_a_deleted_webhook_is_gone(stack: Stack, there: Receiver) -> None:
    """With its log."""
    where = stack.admin.post("/v1/webhooks", json={**HOOK, "url": there.url}).headers["location"]
    assert stack.admin.delete(where).status_code == 204
    for path in (where, f"{where}/deliveries"):
        assert stack.admin.get(path).status_code == 404
    assert stack.admin.delete(where).status_code == 404
