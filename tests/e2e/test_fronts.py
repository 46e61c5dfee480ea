"""What editors decide about fronts, and the pages that stand at the foot of every other."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.e2e.conftest import Reader

VISIBLE = 2.0  # seconds from the answer to the front as readers get it
FRONT = "/v1/sites/khabar/fronts/sport"


def put(stack: Stack, where: str = FRONT, **front: Any) -> dict[str, Any]:
    tag = stack.editor.get(where).headers["etag"]
    answer = stack.editor.put(where, json=front, headers={"If-Match": tag})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def lacks(stack: Stack, path: str, word: str) -> bool:
    return word not in stack.fetch(path).text


def headlines(stack: Stack, reader: Reader, path: str = "/sport/") -> list[str]:
    return [str(one.text_content()) for one in reader.page(f"{stack.site}{path}").all("main h2 a")]


def test_pins_and_banner_show_at_once_and_run_out(stack: Stack, reader: Reader) -> None:
    """A pinned story leads within two seconds, with the banner above; both end by themselves."""
    old = stack.publish_and_wait(section="politics")
    new = stack.publish_and_wait(section="sport")
    stack.served("/sport/", holds=new["headline"])
    word = stack.word()
    end = soon(6)
    put(
        stack,
        pins=[{"article": old["id"], "slot": 1, "until": end}],
        banner={"text": f"بث مباشر {word}", "url": "https://live.example/", "until": end},
    )
    answered = time.monotonic()
    stack.served("/sport/", holds=word)
    assert time.monotonic() - answered < VISIBLE
    page = reader.page(f"{stack.site}/sport/")
    assert page.words("p.banner") == f"بث مباشر {word}"
    assert page.one("p.banner a").get("href") == "https://live.example/"
    assert headlines(stack, reader)[:2] == [old["headline"], new["headline"]]
    stack.until(lambda: word not in stack.fetch("/sport/").text, what="the banner to end")
    stack.until(lambda: old["headline"] not in stack.fetch("/sport/").text, what="the pin to end")
    assert datetime.now(UTC) >= datetime.fromisoformat(end)
    assert headlines(stack, reader)[0] == new["headline"]
    assert stack.editor.get(FRONT).json() == {"pins": [], "banner": None}


def test_a_pinned_story_stands_once_at_its_slot(stack: Stack, reader: Reader) -> None:
    """A pin moves a story that the front has anyway; the others keep their order."""
    first, second, third = (stack.publish_and_wait(section="sport") for _ in range(3))
    stack.served("/sport/", holds=third["headline"])
    put(stack, pins=[{"article": first["id"], "slot": 2}])
    wanted = [one["headline"] for one in (third, first, second)]
    stack.until(lambda: headlines(stack, reader)[:3] == wanted, what="the pin at its slot")
    assert headlines(stack, reader).count(first["headline"]) == 1
    put(stack, pins=[])
    wanted = [one["headline"] for one in (third, second, first)]
    stack.until(lambda: headlines(stack, reader)[:3] == wanted, what="newest first again")


def test_a_pin_waits_for_its_story_and_goes_with_it(stack: Stack, reader: Reader) -> None:
    """A story that is not live takes its slot when it is, changes with it, and leaves when it is removed."""
    draft = stack.create(section="politics")
    answer = put(stack, pins=[{"article": draft["id"], "slot": 1}])
    assert [one["code"] for one in answer["warnings"]] == ["not_shown"]
    assert draft["headline"] not in stack.fetch("/sport/").text
    stack.publish(draft["id"])
    stack.served("/sport/", holds=draft["headline"])
    assert headlines(stack, reader)[0] == draft["headline"]
    changed = stack.publish_change(draft, headline=f"عنوان آخر {stack.word()}")
    stack.served("/sport/", holds=changed["headline"])
    answer2 = stack.editor.post(
        f"/v1/articles/{draft['id']}/unpublish", json={"kind": "kill", "reason": "خطأ"}
    )
    assert answer2.status_code == 202
    stack.until(
        lambda: changed["headline"] not in stack.fetch("/sport/").text, what="the removed story to go"
    )
    put(stack, pins=[])


def test_what_stays_off_fronts_cannot_be_pinned_onto_them(stack: Stack, reader: Reader) -> None:
    """A story with ``front: false`` is on no front, pinned or not."""
    hidden = stack.publish_and_wait(section="sport", distribution={"front": False})
    word = stack.word()
    put(stack, pins=[{"article": hidden["id"], "slot": 1}], banner={"text": word})
    stack.served("/sport/", holds=word)
    assert hidden["headline"] not in stack.fetch("/sport/").text
    put(stack, pins=[])


def test_a_page_stands_at_the_foot_of_every_other(stack: Stack, reader: Reader) -> None:
    """About is at /about-us/, on no front and in no feed; every page names it at its foot until it goes."""
    article = stack.publish_and_wait()
    slug, label = f"about-{stack.word()}", f"من نحن {stack.word()}"
    about = stack.publish_and_wait(kind="page", slug=slug, titles={"short": label})
    assert about["url"] == f"{stack.site}/{slug}/"
    for path in (f"/{slug}/", "/", "/sport/", article["url"], "/nothing-here/"):
        status = 404 if path == "/nothing-here/" else 200
        stack.served(path, holds=label, status=status)
        page = reader.page(path if "://" in path else f"{stack.site}{path}", status=status)
        links = {str(one.text): str(one.get("href")) for one in page.all("footer nav.about-site a")}
        assert links[label] == f"/{slug}/"
    assert about["headline"] not in "".join(headlines(stack, reader, "/"))
    for listing in ("/feeds/rss.xml", "/sitemaps/news.xml"):
        assert slug not in stack.fetch(listing).text
    answer = stack.editor.post(
        f"/v1/articles/{about['id']}/unpublish", json={"kind": "unpublish", "reason": "قديم"}
    )
    assert answer.status_code == 202
    for path in ("/", article["url"]):
        stack.until(partial(lacks, stack, path, label), what=f"{path} to drop it")


def test_a_story_with_another_date_moves_in_its_lists(stack: Stack, reader: Reader) -> None:
    """When an editor sets an earlier date, fronts put the story behind what is newer."""
    first, second = (stack.publish_and_wait(section="sport") for _ in range(2))
    stack.served("/sport/", holds=second["headline"])
    earlier = datetime.fromisoformat(first["published_at"]) - timedelta(seconds=1)
    stack.publish_change(second, published_at=earlier.isoformat())
    wanted = [first["headline"], second["headline"]]
    stack.until(lambda: headlines(stack, reader)[:2] == wanted, what="the front to follow")
