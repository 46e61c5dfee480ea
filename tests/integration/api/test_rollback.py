"""Going back to an older revision: what is refused, what is kept, who may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from tests.conftest import Stack


def rollback(
    stack: Stack, article: Mapping[str, Any], revision: int, *, who: str = "editor", **headers: str
) -> httpx.Response:
    now = stack.article(article["id"])["revision"]
    given = {"If-Match": f'"{now}"', **{name.replace("_", "-"): value for name, value in headers.items()}}
    where = f"/v1/articles/{article['id']}/rollback"
    return stack.client(who).post(where, json={"revision": revision}, headers=given)


def test_it_is_a_new_revision_with_the_old_content(stack: Stack) -> None:
    """Revision 3 says what revision 1 said, names it in its note, and is published."""
    made = stack.create()
    stack.change(made, headline=f"خطأ {stack.word()}")
    answer = rollback(stack, made, 1)
    assert answer.status_code == 202, answer.text
    publication = answer.json()
    assert answer.headers["location"] == f"/v1/publications/{publication['id']}"
    assert (publication["kind"], publication["revision"], publication["warnings"]) == ("publish", 3, [])
    now = stack.article(made["id"])
    assert (now["revision"], now["headline"]) == (3, made["headline"])
    assert now["body"] == made["body"]
    history = stack.editor.get(f"/v1/articles/{made['id']}/revisions").json()["items"]
    assert [(item["revision"], item["note"]) for item in history][:1] == [(3, "content of revision 1")]
    assert stack.wait_final(publication["id"])["state"] == "live"
    assert stack.article(made["id"])["live_revision"] == 3


def test_it_needs_the_version_it_is_based_on(stack: Stack) -> None:
    """428 without If-Match, 412 with a stale one, and neither makes a revision."""
    made = stack.create()
    stack.change(made)
    where = f"/v1/articles/{made['id']}/rollback"
    answer = stack.editor.post(where, json={"revision": 1})
    assert (answer.status_code, answer.json()["code"]) == (428, "precondition_required")
    answer = rollback(stack, made, 1, If_Match='"1"')
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert stack.article(made["id"])["revision"] == 2


def test_one_key_goes_back_once(stack: Stack) -> None:
    """The same request with its key is answered again and makes no second revision."""
    made = stack.create()
    key = stack.word()
    first, second = (
        rollback(stack, made, 1, Idempotency_Key=key, If_Match='"1"') for _ in range(2)
    )  # fmt: skip
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["idempotent-replay"] == "true"
    assert stack.article(made["id"])["revision"] == 2


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [("nobody", 401, "unauthenticated"), ("writer", 403, "forbidden"), ("stranger", 404, "not_found")],
)
def test_it_is_an_editors(stack: Stack, who: str, status: int, code: str) -> None:
    """No token, a writer's and another site's are refused, each in its own way."""
    answer = rollback(stack, stack.create(), 1, who=who)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_an_unknown_revision_is_named(stack: Stack) -> None:
    """The refusal says which revisions there are, and nothing changes."""
    made = stack.create()
    answer = rollback(stack, made, 7)
    fault = answer.json()["errors"][0]
    assert (answer.status_code, fault["pointer"], fault["code"]) == (422, "/revision", "unknown_revision")
    assert "1 to 1" in fault["detail"]
    assert stack.article(made["id"])["revision"] == 1


def test_a_withdrawn_photo_does_not_come_back(stack: Stack) -> None:
    """A revision that shows a photo withdrawn since is refused by its pointer, as publishing it is."""
    photo = stack.upload()
    made = stack.create(hero={"asset": photo["id"], "alt": "المرفأ"})
    stack.change(made, hero=None)
    withdrawn = stack.editor.post(f"/v1/assets/{photo['id']}/withdraw", json={"reason": "agency"})
    assert withdrawn.status_code == 202
    answer = rollback(stack, made, 1)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "withdrawn")
    assert problem["errors"][0]["pointer"] == "/hero/asset"
    assert stack.article(made["id"])["revision"] == 2


def test_what_was_killed_does_not_come_back(stack: Stack) -> None:
    """A revision from before a kill is refused; one saved since may be gone back to."""
    made = stack.publish_and_wait()
    killed = stack.editor.post(f"/v1/articles/{made['id']}/unpublish", json={"kind": "kill", "reason": "x"})
    assert stack.wait_final(killed.json()["id"])["state"] == "live"
    answer = rollback(stack, made, 1)
    assert (answer.status_code, answer.json()["code"]) == (409, "removed")
    stack.change(made, headline=f"نسخة جديدة {stack.word()}")
    assert rollback(stack, made, 1).json()["code"] == "removed"
    assert rollback(stack, made, 2).status_code == 202


def test_an_embargo_holds(stack: Stack) -> None:
    """A revision under embargo is refused as publishing it is."""
    made = stack.create(embargo_until="2099-01-01T00:00:00Z")
    answer = rollback(stack, made, 1)
    assert (answer.status_code, answer.json()["code"]) == (409, "embargoed")
