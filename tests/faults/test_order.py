"""Editors who act at the same moment, and addresses that change hands."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from tests.conftest import until
from tests.faults.newsroom import Accepted, Client, open_story, publish, revise, shows

if TYPE_CHECKING:
    from tests.faults.lab import Lab
    from tests.faults.newsroom import Story


@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_of_two_revisions_published_at_once_the_newer_stays(
    lab: Lab, stories: list[Story], attempt: int
) -> None:
    """Whichever request comes first, the site ends at the higher revision and both publications end."""
    story, words = stories[attempt % len(stories)], [lab.word(), lab.word()]
    with Client(lab) as client:
        numbers = [revise(lab, client, story, word=word) for word in words]
    both = threading.Barrier(2)
    found: list[Accepted] = []

    def ask(number: int, word: str) -> None:
        with Client(lab) as client:
            both.wait(10)
            answer = client.insist("POST", f"/v1/articles/{story.id}/publish", json={"revision": number})
            found.append(Accepted(answer["id"], answer["revision"], word))

    editors = [threading.Thread(target=ask, args=pair) for pair in zip(numbers, words, strict=True)]
    for editor in editors:
        editor.start()
    for editor in editors:
        editor.join(30)
    story.accepted += sorted(found, key=lambda item: item.revision)
    story.revision = lab.article(story.id)["revision"]
    ends = [lab.wait_final(item.publication)["state"] for item in story.accepted[-2:]]
    assert ends in (["superseded", "live"], ["live", "live"]), ends
    until(partial(shows, lab, story), what="the higher revision at the edge")
    until(lambda: lab.wait_final(story.accepted[-2].publication)["state"] == "superseded", what="one winner")


def test_two_articles_swap_their_addresses(lab: Lab) -> None:
    """After a swap by way of a third address both are where they should be and each old one leads there."""
    one, two = open_story(lab), open_story(lab)
    first, second = _slug(one.path), _slug(two.path)
    passing = lab.word()
    with Client(lab) as client:
        for story, slug in ((one, passing), (two, first), (one, second)):
            lab.wait_proven(publish(lab, client, story, slug=slug).publication)
            story.path = f"/politics/{slug}/"
    for story in (one, two):
        until(partial(shows, lab, story), what=f"{story.path} to show its new article")
    for start, end in (
        (f"/politics/{passing}/", one.path),
        (urlsplit(lab.article(one.id)["short_url"]).path, one.path),
        (urlsplit(lab.article(two.id)["short_url"]).path, two.path),
    ):
        until(partial(_leads, lab, start, end), what=f"{start} to lead straight to {end}")


def _slug(path: str) -> str:
    return unquote(path).strip("/").split("/")[1]


def _leads(lab: Lab, start: str, end: str) -> bool:
    answer = lab.fetch(start)
    there = answer.headers.get("location", "")
    return answer.status_code == 301 and unquote(urlsplit(there).path) == unquote(end)
