"""A photo that must go leaves every page, card and feed, and the store; so does one whose rights end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx

from tests.e2e.conftest import own_card

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.e2e.conftest import Reader

LISTINGS = (
    *("/", "/politics/", "/akhbar/", "/feeds/rss.xml", "/feeds/atom.xml", "/feeds/feed.json"),
    *("/politics/rss.xml", "/sitemaps/news.xml"),
)
WITHIN = 15.0  # seconds, on a machine that runs other tests beside


def use(asset: dict[str, Any]) -> dict[str, Any]:
    return {"asset": asset["id"], "alt": "صورة"}


def withdraw(stack: Stack, asset: dict[str, Any], reason: str = "سحبتها الوكالة") -> dict[str, Any]:
    """The accepted withdrawal."""
    answer = stack.editor.post(f"/v1/assets/{asset['id']}/withdraw", json={"reason": reason})
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def asset_of(stack: Stack, asset: dict[str, Any]) -> dict[str, Any]:
    return dict(stack.editor.get(f"/v1/assets/{asset['id']}").json())


def ready(stack: Stack, asset: dict[str, Any]) -> dict[str, Any]:
    """The photo once its renditions are there."""

    def made() -> dict[str, Any] | None:
        found = asset_of(stack, asset)
        return found if found["state"] == "ready" else None

    return stack.until(made, what="the renditions")


def gone_for_good(stack: Stack, asset: dict[str, Any]) -> dict[str, Any]:
    """The photo once its withdrawal is done."""

    def done() -> dict[str, Any] | None:
        found = asset_of(stack, asset)
        return found if found["withdrawal"] and found["withdrawal"]["done_at"] else None

    return stack.until(done, what="the end of the withdrawal", seconds=90)


def paths(stack: Stack, *urls: str) -> list[str]:
    return [url.removeprefix(stack.site) for url in urls]


def names_none(stack: Stack, page: str, files: list[str]) -> bool:
    text = stack.fetch(page).text
    return not any(file in text for file in files)


def clean_within(stack: Stack, pages: list[str], files: list[str]) -> None:
    """Waits until no page names any of the files."""
    for page in pages:
        stack.until(partial(names_none, stack, page, files), what=f"{page} without the photo", seconds=WITHIN)


def archive(made: dict[str, Any]) -> str:
    return f"/politics/archive/{made['published_at'][:7]}/"


def test_a_withdrawn_photo_leaves_no_trace(stack: Stack, reader: Reader) -> None:
    """Hero, figure, card, fronts, archive and feeds are without it in seconds; its files answer 404."""
    data = stack.photo()
    photo = ready(stack, stack.upload(data))
    first = stack.publish_and_wait(hero=use(photo))
    second = stack.publish_and_wait(hero=use(photo))
    inside = stack.draft()["body"]
    third = stack.publish_and_wait(body=[*inside, {"type": "image", **use(photo)}])
    for page in (first, second):
        stack.until(partial(own_card, stack, reader, page), what="the card")
        stack.served("/", holds=page["headline"])
    cards = [reader.page(page["url"]).meta("og:image") for page in (first, second)]
    before = reader.page(first["url"])
    assert before.all("figure.hero")
    files = paths(stack, *cards, *(item["url"] for item in photo["renditions"]))
    assert {stack.fetch(file).status_code for file in files} == {200}
    pages = [*LISTINGS, archive(first), *(page["url"] for page in (first, second, third))]
    answer = withdraw(stack, photo)
    clean_within(stack, pages, files)
    assert (answer["state"], answer["renditions"], answer["placeholder"]) == ("withdrawn", [], None)
    assert (answer["withdrawal"]["cause"], answer["withdrawal"]["by"]) == ("kill", "editor")
    for file in files:
        stack.served(file, holds="", status=404)
    for page in (first, second):
        without = reader.page(page["url"])
        assert without.all("figure.hero") == []
        assert photo["id"] not in without.text
        stack.until(partial(own_card, stack, reader, page), what="the new card")
    assert reader.page(third["url"]).all("div.article-body figure") == []
    links = {link for page in (first, second, third) for link in reader.page(page["url"]).links()}
    assert reader.complaints(links) == []
    _is_refused(stack, data, photo)
    assert withdraw(stack, photo, "مرة أخرى")["withdrawal"]["reason"] == answer["withdrawal"]["reason"]
    done = gone_for_good(stack, photo)
    assert (done["state"], done["renditions"]) == ("withdrawn", [])
    assert {stack.fetch(file).status_code for file in files} == {404}


def _is_refused(stack: Stack, data: bytes, photo: dict[str, Any]) -> None:
    """Neither the bytes nor a draft with the photo pass any more."""
    file = {"file": ("photo.jpg", data, "image/jpeg")}
    answer = stack.editor.post("/v1/assets", files=file)
    assert (answer.status_code, answer.json()["code"]) == (409, "withdrawn")
    assert "سحبتها الوكالة" in answer.json()["detail"]
    draft = stack.create(hero=use(photo))
    answer = stack.editor.post(f"/v1/articles/{draft['id']}/publish", json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "withdrawn")


def test_who_may_withdraw(stack: Stack) -> None:
    """A writer may not, a stranger does not see the photo, and a reason has to be given."""
    photo = stack.upload()
    where = f"/v1/assets/{photo['id']}/withdraw"
    assert stack.writer.post(where, json={"reason": "x"}).status_code == 403
    assert stack.stranger.post(where, json={"reason": "x"}).status_code == 404
    assert stack.editor.post(where, json={}).status_code == 422
    assert asset_of(stack, photo)["withdrawal"] is None


def test_a_photo_withdrawn_under_a_publication_fails_it(stack: Stack) -> None:
    """What was published and its photo withdrawn in one breath fails by name, or goes out without it."""
    photo = stack.upload()
    made = stack.create(hero=use(photo))
    publication = stack.publish(made["id"])
    withdraw(stack, photo)
    found = stack.wait_final(publication["id"])
    if found["state"] == "failed":
        assert photo["id"] in found["error"]
    else:
        url = stack.article(made["id"])["url"]
        stack.until(lambda: "figure" not in stack.fetch(url).text, what="the page without its photo")
    gone_for_good(stack, photo)


def test_rights_end_by_the_clock(stack: Stack, reader: Reader) -> None:
    """At the end of its rights a photo is withdrawn by itself; renewed rights bring it back, same id."""
    data = stack.photo()
    photo = ready(stack, stack.upload(data))
    made = stack.publish_and_wait(hero=use(photo))
    drawn = stack.until(partial(own_card, stack, reader, made), what="the card")
    ends = datetime.now(UTC) + timedelta(seconds=3)
    patched = stack.editor.patch(
        f"/v1/assets/{photo['id']}", json={"rights": {"expires_at": ends.isoformat()}},
        headers={"If-Match": "*"},
    )  # fmt: skip
    assert patched.status_code == 200, patched.text
    assert reader.page(made["url"]).all("figure.hero")
    stack.until(lambda: asset_of(stack, photo)["state"] == "withdrawn", what="the end of the rights")
    late = (datetime.now(UTC) - ends).total_seconds()
    assert 0 <= late < WITHIN
    stack.until(lambda: reader.page(made["url"]).all("figure.hero") == [], what="the page without it")
    done = gone_for_good(stack, photo)
    words = done["withdrawal"]
    assert (words["cause"], words["by"], words["reason"]) == ("expired", "nashr", "rights expired")
    file = {"file": ("photo.jpg", data, "image/jpeg")}
    answer = stack.editor.post("/v1/assets", files=file)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "/rights")
    ahead = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    again = stack.upload(data, rights=f'{{"expires_at": "{ahead}"}}')
    assert (again["id"], again["state"], again["withdrawal"]) == (photo["id"], "processing", None)
    assert ready(stack, photo)["renditions"]
    stack.until(lambda: own_card(stack, reader, made) == drawn, what="the card with the photo")
    assert reader.page(made["url"]).all("figure.hero")
    stack.publish_change(made, headline=f"عادت الصورة {stack.word()}")
    assert reader.page(made["url"]).all("figure.hero")


def test_rights_that_have_ended_are_refused(stack: Stack) -> None:
    """An end that has passed is named with its cure, at upload and later."""
    past = {"expires_at": "2020-01-01T00:00:00Z"}
    file = {"file": ("photo.jpg", stack.photo(), "image/jpeg")}
    uploaded = stack.editor.post(
        "/v1/assets", files=file, data={"rights": '{"expires_at": "2020-01-01T00:00:00Z"}'}
    )
    photo = stack.upload()
    patched = stack.editor.patch(
        f"/v1/assets/{photo['id']}", json={"rights": past}, headers={"If-Match": "*"}
    )
    for answer in (uploaded, patched):
        _names_the_end(answer)
    assert f"/v1/assets/{photo['id']}/withdraw" in patched.json()["detail"]


def _names_the_end(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["errors"][0]["pointer"] == "/rights/expires_at"
