"""An editor's day as another system hears of it: told once, signed, as the event stream has it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from standardwebhooks import Webhook

from tests.receivers import Receiver, Says, receiver

if TYPE_CHECKING:
    from tests.conftest import Stack

SECRET = "whsec_" + base64.b64encode(b"a key of the whole day..").decode()
EVENTS = ["article.live", "article.updated", "article.corrected", "article.removed", "publication.failed"]


@pytest.fixture
def there(stack: Stack) -> Iterator[Receiver]:
    """A receiver of everything that happens to articles of khabar."""
    with receiver() as made:
        wanted = {"url": made.url, "events": EVENTS, "secret": SECRET, "site": "khabar"}
        where = stack.admin.post("/v1/webhooks", json=wanted).headers["location"]
        yield made
        stack.admin.delete(where)


def told(there: Receiver, article: str) -> list[dict[str, Any]]:
    """What it was told of an article, each verified by an independent library."""
    found = []
    for one in list(there.told):
        assert Webhook(SECRET).verify(one.body, dict(one.headers)) is not None
        if one.json["article"] == article:
            found.append(one.json)
    return found


def streamed(stack: Stack, publication: str) -> list[dict[str, Any]]:
    """The publication's events in the stream."""
    text = stack.editor.get(f"/v1/publications/{publication}/events", params={"follow": False}).text
    lines = [line for line in text.splitlines() if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def test_a_day_of_an_article_is_told(stack: Stack, there: Receiver) -> None:
    """Live, corrected, updated, removed: in order, once, with the CMS's extensions; imports in silence."""
    silent = stack.create()
    stack.wait_final(stack.publish(silent["id"], notify=False)["id"])
    made = stack.create(extensions={"cms": 17})
    first = stack.publish(made["id"], priority="breaking")
    stack.wait_final(first["id"])
    stack.until(lambda: len(told(there, made["id"])) == 1, what="article.live")
    (live,) = told(there, made["id"])
    assert live == streamed(stack, first["id"])[0]
    assert (live["type"], live["first"], live["priority"]) == ("article.live", True, "breaking")
    assert (live["url"], live["extensions"]) == (stack.article(made["id"])["url"], {"cms": 17})
    correction = {"kind": "correction", "text": "تصويب"}
    assert stack.editor.post(f"/v1/articles/{made['id']}/corrections", json=correction).status_code == 202
    stack.change(made, headline="عنوان آخر")
    stack.wait_final(stack.publish(made["id"])["id"])
    answer = stack.editor.post(
        f"/v1/articles/{made['id']}/unpublish", json={"kind": "unpublish", "reason": "x"}
    )
    stack.wait_final(answer.json()["id"])
    stack.until(lambda: len(told(there, made["id"])) == 4, what="article.removed")
    events = told(there, made["id"])
    assert [event["type"] for event in events] == [
        "article.live", "article.corrected", "article.updated", "article.removed",
    ]  # fmt: skip
    assert [event["first"] for event in events] == [True, False, False, False]
    assert told(there, silent["id"]) == []


def test_what_failed_is_told_again_when_asked(stack: Stack, there: Receiver) -> None:
    """A receiver that was away finds it in the log, and gets it by replay under the same id."""
    there.will(Says(503), Says(204))
    made = stack.publish_and_wait()
    hooks = stack.admin.get("/v1/webhooks").json()["items"]
    hook = next(item["id"] for item in hooks if item["url"] == there.url)
    log = f"/v1/webhooks/{hook}/deliveries"

    def failed() -> dict[str, Any] | None:
        lines: list[dict[str, Any]] = stack.admin.get(log, params={"failed": True}).json()["items"]
        return next((line for line in lines if line["article"] == made["id"] and line["status"]), None)

    line = stack.until(failed, what="the failed delivery in the log")
    assert (line["state"], line["status"], line["attempts"]) == ("retrying", 503, 1)
    answer = stack.admin.post(f"/v1/webhooks/{hook}/replay", json={"delivery": line["id"]})
    assert (answer.status_code, answer.json()) == (202, {"events": 1})
    stack.until(lambda: len(told(there, made["id"])) == 2, what="the replayed event")
    one, two = told(there, made["id"])
    assert one == two
    stack.until(
        lambda: stack.admin.get(f"{log}/{line['id']}").json()["state"] == "delivered", what="its line"
    )
