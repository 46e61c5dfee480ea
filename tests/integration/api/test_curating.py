"""Fronts and authors over the API: who may, on which version, and what is refused with its cure."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import httpx

    from tests.conftest import Stack

HOME = "/v1/sites/khabar/fronts/home"
PAST = "2020-01-01T00:00:00Z"


def tag(stack: Stack, where: str) -> dict[str, str]:
    return {"If-Match": stack.editor.get(where).headers["etag"]}


def faults(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {one["pointer"]: one["code"] for one in answer.json()["errors"]}


@pytest.mark.parametrize("where", [HOME, "/v1/sites/khabar/authors/someone"])
def test_curating_takes_an_editor_of_the_site(stack: Stack, where: str) -> None:
    """A writer reads and may not write, the editor of another site finds nothing, nobody else gets in."""
    body: dict[str, Any] = {} if "fronts" in where else {"name": "سامي"}
    answer = stack.editor.put(where, json=body, headers={"If-Match": "*"} if "fronts" in where else {})
    assert answer.status_code in {200, 201, 428}
    assert stack.writer.get(where).status_code == 200
    assert stack.writer.put(where, json=body, headers={"If-Match": "*"}).status_code == 403
    assert stack.stranger.get(where).status_code == 404
    assert stack.stranger.put(where, json=body, headers={"If-Match": "*"}).status_code == 404
    assert stack.client("nobody").put(where, json=body).status_code == 401


def test_a_front_takes_the_version_it_is_based_on(stack: Stack) -> None:
    """428 without If-Match, 412 with a stale one: two editors cannot undo each other unseen."""
    where = "/v1/sites/khabar/fronts/akhbar"
    assert stack.editor.get(where).json() == {"pins": [], "banner": None}
    assert stack.editor.put(where, json={}).status_code == 428
    first = tag(stack, where)
    answer = stack.editor.put(where, json={"banner": {"text": "أول"}}, headers=first)
    assert (answer.status_code, answer.json()["banner"]["text"]) == (200, "أول")
    assert answer.headers["etag"] == tag(stack, where)["If-Match"] != first["If-Match"]
    assert stack.editor.put(where, json={}, headers=first).status_code == 412
    assert stack.editor.get(where).json()["banner"]["text"] == "أول"
    now = tag(stack, where)

    def send(number: int) -> int:
        return stack.editor.put(where, json={"banner": {"text": f"ن{number}"}}, headers=now).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(send, range(6))) == [200] + [412] * 5
    assert stack.editor.put(where, json={}, headers=tag(stack, where)).status_code == 200


def test_a_front_that_cannot_be_is_refused_by_pointer(stack: Stack) -> None:
    """Every fault at once, each named; nothing of it is stored."""
    article = stack.create()
    about = stack.create(kind="page")
    foreign = stack.create(who="stranger")
    pins = [
        {"article": article["id"], "slot": 1},
        {"article": article["id"], "slot": 2},
        {"article": about["id"], "slot": 1},
        {"article": foreign["id"], "slot": 3, "until": PAST},
    ]
    headers = tag(stack, HOME)
    answer = stack.editor.put(
        HOME, json={"pins": pins, "banner": {"text": "خبر", "until": PAST}}, headers=headers
    )
    assert faults(answer) == {
        "/pins/1/article": "invalid",
        "/pins/2/slot": "invalid",
        "/pins/2/article": "invalid",
        "/pins/3/article": "unknown_article",
        "/pins/3/until": "past_due",
        "/banner/until": "past_due",
    }
    assert all(one["detail"] for one in answer.json()["errors"])
    for body, pointer in (
        ({"pins": [{"article": article["id"], "slot": 31}]}, "/pins/0/slot"),
        ({"banner": {"text": "x", "url": "javascript:alert(1)"}}, "/banner/url"),
        ({"banner": {"text": "\u200f"}}, "/banner/text"),
        ({"pinned": []}, "/pinned"),
    ):
        assert list(faults(stack.editor.put(HOME, json=body, headers=headers))) == [pointer]
    assert tag(stack, HOME) == headers
    answer = stack.editor.put("/v1/sites/khabar/fronts/weather", json={}, headers=headers)
    assert (answer.status_code, "home, akhbar" in answer.json()["detail"]) == (404, True)


def test_a_front_reads_back_as_it_was_put(stack: Stack) -> None:
    """Pins in the order of their slots, times in UTC; whoever puts what they read changes nothing."""
    article, other = stack.create(), stack.create()
    until = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    local = until.astimezone().isoformat()
    wanted = {
        "pins": [{"article": article["id"], "slot": 5}, {"article": other["id"], "slot": 2, "until": local}],
        "banner": {"text": "بث مباشر", "url": "https://khabar.example/live", "until": local},
    }
    answer = stack.editor.put(HOME, json=wanted, headers=tag(stack, HOME))
    assert answer.status_code == 200, answer.text
    read = stack.writer.get(HOME).json()
    utc = until.isoformat().replace("+00:00", "Z")
    assert read["pins"] == [
        {"article": other["id"], "slot": 2, "until": utc},
        {"article": article["id"], "slot": 5, "until": None},
    ]
    assert read["banner"] == {"text": "بث مباشر", "url": "https://khabar.example/live", "until": utc}
    assert stack.editor.put(HOME, json=read, headers=tag(stack, HOME)).status_code == 200
    assert stack.writer.get(HOME).json() == read
    assert stack.editor.put(HOME, json={}, headers=tag(stack, HOME)).status_code == 200


def test_an_author_is_made_once_and_changed_by_version(stack: Stack) -> None:
    """201 the first time, then 428 and 412 as everywhere; the same again changes nothing."""
    where = f"/v1/sites/khabar/authors/a-{stack.word()}"
    assert stack.editor.get(where).status_code == 404
    body = {"name": "ليلى حداد", "bio": None, "links": ["https://social.example/@layla"]}
    answer = stack.editor.put(where, json=body)
    assert (answer.status_code, answer.json()["links"]) == (
        201, [{"url": "https://social.example/@layla", "label": None}],
    )  # fmt: skip
    assert answer.json()["url"] == f"{stack.site}/{where.split('/', 4)[4]}/"
    assert stack.editor.put(where, json=body).status_code == 428
    assert stack.editor.put(where, json=body, headers={"If-Match": '"7"'}).status_code == 412
    same = stack.editor.put(where, json=body, headers=tag(stack, where))
    assert (same.status_code, same.headers["etag"]) == (200, answer.headers["etag"])
    other = stack.editor.put(where, json={"name": "ليلى"}, headers=tag(stack, where))
    again = stack.editor.put(where, json={"name": "ليلى"}, headers=tag(stack, where))
    assert again.headers["etag"] == other.headers["etag"]
    assert (other.status_code, other.json()["name"], other.json()["links"]) == (200, "ليلى", [])
    assert other.headers["etag"] != answer.headers["etag"]


def test_an_author_that_cannot_be_is_refused_by_pointer(stack: Stack) -> None:
    """What is wrong is named, with the cure: slug, name, photo, links."""
    where = f"/v1/sites/khabar/authors/a-{stack.word()}"
    photo = stack.upload(who="stranger")
    for body, pointer, code in (
        ({}, "/name", "missing"),
        ({"name": " \u200f "}, "/name", "empty"),
        ({"name": "x", "photo": photo["id"]}, "/photo", "unknown_asset"),
        ({"name": "x", "links": [{"url": "ftp://x.example/"}]}, "/links/0/url", "bad_url"),
        ({"name": "x", "bio": "y" * 5_001}, "/bio", "too_long"),
        ({"name": "x", "role": "editor"}, "/role", "unknown_field"),
    ):
        assert faults(stack.editor.put(where, json=body)) == {pointer: code}
    for slug, code in (("Not%20A%20Slug", "bad_slug"), ("topics", "reserved")):
        assert faults(stack.editor.put(f"/v1/sites/khabar/authors/{slug}", json={"name": "x"})) == {"": code}
    assert stack.editor.get(where).status_code == 404


def test_a_withdrawn_photo_is_no_portrait(stack: Stack) -> None:
    """A photo that was withdrawn is refused for an author, by name."""
    photo = stack.upload()
    stack.editor.post(f"/v1/assets/{photo['id']}/withdraw", json={"reason": "kill"})
    answer = stack.editor.put(
        f"/v1/sites/khabar/authors/a-{stack.word()}", json={"name": "x", "photo": photo["id"]}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "withdrawn")


def test_a_site_says_from_when_on_topics_have_pages(stack: Stack) -> None:
    """The threshold is part of the site; one that makes no sense is refused by pointer."""
    site = stack.admin.get("/v1/sites/khabar")
    assert site.json()["topic_threshold"] == 3
    answer = stack.admin.put(
        "/v1/sites/khabar",
        json={**site.json(), "topic_threshold": 0},
        headers={"If-Match": site.headers["etag"]},
    )
    assert faults(answer) == {"/topic_threshold": "invalid"}


def test_who_curated_what_is_in_the_audit_trail(stack: Stack) -> None:
    """The actor behind the token, for a front and for an author."""
    import json  # noqa: PLC0415

    import psycopg  # noqa: PLC0415

    word = stack.word()
    actor = {"Nashr-Actor": f"editor {word}"}
    stack.editor.put(HOME, json={"banner": {"text": word}}, headers={**tag(stack, HOME), **actor})
    stack.editor.put(f"/v1/sites/khabar/authors/{word}", json={"name": word}, headers=actor)
    server = json.loads((stack.data / "stack.json").read_text())["database_url"]
    with psycopg.connect(server) as connection:
        found = connection.execute(
            "SELECT action, subject FROM audit WHERE actor = %s AND site = 'khabar' ORDER BY id",
            (actor["Nashr-Actor"],),
        ).fetchall()
    assert found == [("front.put", "home"), ("author.put", word)]
    stack.editor.put(HOME, json={}, headers=tag(stack, HOME))
