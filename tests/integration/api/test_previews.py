"""The API of previews: who may make one, what is refused, and what is kept of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from tests.conftest import Stack

DAY = 86_400


def ask(stack: Stack, article: str, *, who: str = "writer", **wanted: Any) -> httpx.Response:
    return stack.client(who).post(f"/v1/articles/{article}/previews", json=wanted)


def lasts(answer: httpx.Response) -> timedelta:
    return datetime.fromisoformat(answer.json()["expires_at"]) - datetime.now(UTC)


@pytest.mark.parametrize(("who", "status"), [("writer", 201), ("editor", 201), ("admin", 201),
                                             ("stranger", 404), ("nobody", 401)])  # fmt: skip
def test_writers_of_the_site_make_links(stack: Stack, who: str, status: int) -> None:
    """A writer's role is enough; for another site's token the article is not there."""
    assert ask(stack, stack.create()["id"], who=who).status_code == status


def test_strangers_neither_list_nor_revoke(stack: Stack) -> None:
    """Another site's token sees no link and takes none back; nor does one article another's."""
    draft, other = stack.create(), stack.create()
    made = ask(stack, draft["id"]).json()

    assert stack.stranger.get(f"/v1/articles/{draft['id']}/previews").status_code == 404
    assert stack.stranger.delete(f"/v1/articles/{draft['id']}/previews/{made['id']}").status_code == 404
    assert stack.writer.delete(f"/v1/articles/{other['id']}/previews/{made['id']}").status_code == 404
    assert stack.fetch(made["url"]).status_code == 200


def test_a_link_lasts_a_day_unless_told_otherwise(stack: Stack) -> None:
    """The default is 24 hours; up to 30 days are given."""
    draft = stack.create()
    usual, longest = ask(stack, draft["id"]), ask(stack, draft["id"], expires_in=30 * DAY)

    assert timedelta(seconds=DAY - 60) < lasts(usual) <= timedelta(seconds=DAY)
    assert timedelta(seconds=30 * DAY - 60) < lasts(longest) <= timedelta(seconds=30 * DAY)
    assert usual.headers["location"] == f"/v1/articles/{draft['id']}/previews/{usual.json()['id']}"


@pytest.mark.parametrize("wanted", [
    {"expires_in": 0}, {"expires_in": 30 * DAY + 1}, {"expires_in": "soon"}, {"expires_in": 90.5},
    {"revision": 0}, {"revision": 2}, {"until": "tomorrow"},
])  # fmt: skip
def test_bad_values_are_pointed_at(stack: Stack, wanted: dict[str, Any]) -> None:
    """What cannot be is refused with 422, by pointer: lifetimes, missing revisions, other fields."""
    answer = ask(stack, stack.create()["id"], **wanted)

    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [f"/{name}" for name in wanted]


def test_one_key_is_one_link(stack: Stack) -> None:
    """The same request with the same Idempotency-Key is answered with the same link."""
    draft, headers = stack.create(), {"Idempotency-Key": stack.word()}
    answers = [
        stack.writer.post(f"/v1/articles/{draft['id']}/previews", json={}, headers=headers) for _ in range(2)
    ]

    assert answers[0].json() == answers[1].json()
    assert len(stack.writer.get(f"/v1/articles/{draft['id']}/previews").json()["items"]) == 1


def test_links_are_listed_newest_first(stack: Stack) -> None:
    """Lists come in pages, and name each link that opens once."""
    draft = stack.create()
    made = [ask(stack, draft["id"]).json()["id"] for _ in range(3)]
    path = f"/v1/articles/{draft['id']}/previews"
    first = stack.writer.get(path, params={"limit": 2}).json()
    rest = stack.writer.get(path, params={"limit": 2, "cursor": first["next_cursor"]}).json()

    assert [item["id"] for item in (*first["items"], *rest["items"])] == made[::-1]
    assert rest["next_cursor"] is None
