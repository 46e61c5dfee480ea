"""Publishing later: not a moment too early, not with words written since, and not at all once cancelled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.e2e.conftest import Reader

LISTINGS = (
    "/",
    "/politics/",
    "/feeds/rss.xml",
    "/feeds/feed.json",
    "/sitemaps/news.xml",
    "/politics/rss.xml",
)


def ahead(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def traces(stack: Stack, made: dict[str, Any]) -> list[str]:
    """Where readers could find anything of the article."""
    word = made["headline"].split()[-1]
    pages = [path for path in LISTINGS if word in stack.fetch(path).text]
    own = (f"/politics/{made['slug']}/", made["short_url"])
    return pages + [url for url in own if stack.fetch(url).status_code != 404]


def test_a_scheduled_article_waits_for_its_hour(stack: Stack, reader: Reader) -> None:
    """Until publish_at nothing of it is on the site; then it goes live by itself, and not before."""
    made = stack.create(hero={"asset": stack.upload()["id"], "alt": "صورة"})
    at = ahead(4)
    publication = stack.publish(made["id"], publish_at=at)
    assert publication["state"] == "scheduled"
    waiting = stack.article(made["id"])
    assert waiting["pending"]["publication"] == publication["id"]
    assert (waiting["status"], waiting["url"]) == ("draft", None)
    looks = 0
    while stack.publication(publication["id"])["state"] == "scheduled":
        found = traces(stack, made)
        assert not found or stack.publication(publication["id"])["state"] != "scheduled", found
        looks += 1
    assert looks > 0
    live = stack.wait_proven(publication["id"])
    assert datetime.fromisoformat(live["live_at"]) >= datetime.fromisoformat(at)
    (released,) = [stage for stage in live["stages"] if stage["stage"] == "released"]
    late = datetime.fromisoformat(released["at"]) - datetime.fromisoformat(at)
    assert timedelta() <= late < timedelta(seconds=2)
    article = stack.article(made["id"])
    assert reader.page(article["url"]).one("h1.headline").text == made["headline"]
    stack.served("/", holds=made["headline"])


def test_a_schedule_keeps_its_revision(stack: Stack, reader: Reader) -> None:
    """A draft saved after the schedule was made does not go out with it."""
    made = stack.create()
    publication = stack.publish(made["id"], publish_at=ahead(2))
    later = stack.change(made, headline=f"مسودة لم تُنشر {stack.word()}")
    stack.wait_proven(publication["id"])
    after = stack.article(made["id"])
    assert (after["live_revision"], after["revision"]) == (1, 2)
    page = reader.page(after["url"])
    assert page.one("h1.headline").text == made["headline"]
    assert later["headline"] not in page.text


def test_an_article_has_one_schedule(stack: Stack, reader: Reader) -> None:
    """A new schedule supersedes the one that waits: what goes out, and when, is what was asked for last."""
    made = stack.create()
    first = stack.publish(made["id"], publish_at=ahead(3))
    later = stack.change(made, headline=f"موعد جديد {stack.word()}")
    second = stack.publish(made["id"], publish_at=ahead(3600))
    assert stack.publication(first["id"])["state"] == "superseded"
    assert stack.article(made["id"])["pending"]["publication"] == second["id"]
    third = stack.publish(made["id"], publish_at=ahead(4))
    assert stack.publication(second["id"])["state"] == "superseded"
    stack.wait_proven(third["id"])
    after = stack.article(made["id"])
    assert (after["live_revision"], after["pending"]) == (2, None)
    assert reader.page(after["url"]).one("h1.headline").text == later["headline"]
    assert stack.publication(first["id"])["live_at"] is None


def test_a_cancelled_schedule_never_goes_out(stack: Stack) -> None:
    """Cancelled before its hour, an article stays off the site when the hour comes."""
    made = stack.create()
    publication = stack.publish(made["id"], publish_at=ahead(3))
    answer = stack.editor.post(f"/v1/publications/{publication['id']}/cancel")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    again = stack.editor.post(f"/v1/publications/{publication['id']}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "not_cancellable")
    other = stack.create()
    stack.wait_proven(stack.publish(other["id"], publish_at=ahead(4))["id"])
    assert traces(stack, made) == []
    after = stack.article(made["id"])
    assert (after["status"], after["pending"]) == ("draft", None)


def test_what_is_live_cannot_be_cancelled(stack: Stack) -> None:
    """Cancelling a publication that went out is refused with 409."""
    made = stack.create()
    publication = stack.publish(made["id"])
    stack.wait_proven(publication["id"])
    answer = stack.editor.post(f"/v1/publications/{publication['id']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_cancellable")


def test_an_embargo_is_kept(stack: Stack) -> None:
    """Publishing before the embargo ends is refused, at once or by schedule; at its end it is accepted."""
    until = ahead(3600)
    made = stack.create(embargo_until=until)
    for wanted in ({}, {"publish_at": ahead(1800)}, {"priority": "breaking"}):
        answer = stack.editor.post(f"/v1/articles/{made['id']}/publish", json=wanted)
        assert (answer.status_code, answer.json()["code"]) == (409, "embargoed")
    publication = stack.publish(made["id"], publish_at=until)
    assert publication["state"] == "scheduled"
    assert traces(stack, made) == []
    assert stack.editor.post(f"/v1/publications/{publication['id']}/cancel").status_code == 200


def test_the_past_is_now(stack: Stack) -> None:
    """A publish_at that has passed publishes at once."""
    made = stack.create()
    assert stack.wait_proven(stack.publish(made["id"], publish_at=ahead(-3600))["id"])["state"] == "live"


def test_an_import_keeps_its_date(stack: Stack, reader: Reader) -> None:
    """An article with published_at in the past shows that date and stands in that month's archive."""
    made = stack.publish_and_wait(published_at="2019-03-05T10:00:00Z")
    assert made["published_at"].startswith("2019-03-05T10:00:00")
    assert "2019-03-05" in (reader.page(made["url"]).one("time.published").get("datetime") or "")
    path = made["url"].removeprefix(stack.site)
    for listing in ("/politics/archive/2019-03/", "/sitemaps/articles-2019-03.xml"):
        stack.served(listing, holds=path)
    assert path not in stack.fetch("/sitemaps/news.xml").text


def test_a_date_ahead_is_refused(stack: Stack) -> None:
    """No reader sees a date that has not come: 422 names publish_at; a schedule for then is accepted."""
    at = ahead(3600)
    made = stack.create(published_at=at)
    for wanted in ({}, {"publish_at": ahead(1800)}):
        answer = stack.editor.post(f"/v1/articles/{made['id']}/publish", json=wanted)
        assert answer.status_code == 422
        (fault,) = answer.json()["errors"]
        assert (fault["pointer"], fault["code"]) == ("/published_at", "bad_time")
        assert "publish_at" in fault["detail"]
    publication = stack.publish(made["id"], publish_at=at)
    assert publication["state"] == "scheduled"
    assert stack.editor.post(f"/v1/publications/{publication['id']}/cancel").status_code == 200
    slightly = stack.create(published_at=ahead(20))
    assert stack.publish(slightly["id"])["state"] == "running"
