"""A delivery worker that stands still longer than its lease, and goes on as if nothing had happened."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.conftest import until
from tests.faults.lab import is_stopped, second_delivery_worker
from tests.faults.newsroom import STAMP, Client, Watch, ask_for_story, open_story, publish, shows

if TYPE_CHECKING:
    from tests.faults.lab import Lab
    from tests.faults.newsroom import Story


@pytest.mark.parametrize("text", ["newer", "reverted"])
def test_a_late_writer_never_replaces_a_newer_page(lab: Lab, stories: list[Story], text: str) -> None:
    """A worker frozen before its PUT finds a newer version when it goes on, and leaves it alone.

    Also when an editor went back to the very text that was live when it froze.
    """
    story, log = stories[0], lab.data / "logs" / "delivery.log"
    live = story.accepted[-1].word
    lab.quiet()
    worker = lab.program("delivery").pid
    assert worker is not None
    size = log.stat().st_size
    with Client(lab) as client, Watch(lab, [story.path]) as watch:
        lab.arm("deliver.before_put")
        frozen = publish(lab, client, story)
        until(partial(is_stopped, worker), what="the delivery worker to freeze before its PUT")
        try:
            publish(lab, client, story, word=live if text == "reverted" else "")
            with second_delivery_worker(lab):
                until(partial(_is_live, lab, story), what="another worker to publish the newer revision")
                right = _version(lab.stored(story.path))
                os.kill(worker, signal.SIGCONT)
                until(partial(_met_newer, lab, size), what="the late writer to meet the newer page")
                lab.quiet()
        finally:
            os.kill(worker, signal.SIGCONT)
        page = lab.stored(story.path)
        assert story.accepted[-1].word in page
        assert frozen.word not in page
        assert _version(page) >= right
        assert shows(lab, story)
    assert watch.complaints() == []
    assert lab.program("delivery").pid == worker


def test_a_late_writer_never_brings_back_what_was_taken_down(lab: Lab) -> None:
    """A worker frozen before its PUT finds the takedown in its place when it goes on, and leaves it alone."""
    story, log = open_story(lab), lab.data / "logs" / "delivery.log"
    lab.quiet()
    worker = lab.program("delivery").pid
    assert worker is not None
    size = log.stat().st_size
    lab.arm("deliver.before_put")
    with Client(lab) as client:
        publish(lab, client, story)
        until(partial(is_stopped, worker), what="the delivery worker to freeze before its PUT")
        removal = {"kind": "takedown", "reason": "خطأ"}
        try:
            taken = client.insist("POST", f"/v1/articles/{story.id}/unpublish", json=removal)
            with second_delivery_worker(lab):
                lab.served(story.path, status=451, holds="")
                os.kill(worker, signal.SIGCONT)
                until(partial(_met_newer, lab, size), what="the late writer to meet the takedown")
                assert lab.wait_final(taken["id"])["state"] == "live"
                lab.quiet()
        finally:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGCONT)
    page = lab.stored(story.path)
    assert [item.word for item in story.accepted if item.word in page] == []
    assert lab.fetch(story.path).status_code == 451


def test_an_article_that_moved_before_its_first_address_was_told_leaves_a_redirect(lab: Lab) -> None:
    """Its first page is stored late, when a newer revision is live at another address: it leads there."""
    lab.quiet()
    worker = lab.program("delivery").pid
    assert worker is not None
    first, second = lab.word(), lab.word()
    lab.arm("deliver.before_put")
    story = ask_for_story(lab, slug=first)
    until(partial(is_stopped, worker), what="the delivery worker to freeze before its PUT")
    try:
        with Client(lab) as client, second_delivery_worker(lab):
            moved = publish(lab, client, story, slug=second)
            lab.wait_proven(moved.publication)
            os.kill(worker, signal.SIGCONT)
            lab.served(f"/politics/{first}/", status=301, holds="")
            lab.quiet()
    finally:
        with suppress(ProcessLookupError):  # it may have ended itself: it stood still for so long
            os.kill(worker, signal.SIGCONT)
    answer = lab.fetch(f"/politics/{first}/")
    assert answer.status_code == 301
    assert answer.headers["location"].endswith(f"/politics/{second}/")


def test_an_address_that_another_article_has_taken_stays_its_own(lab: Lab) -> None:
    """The late page of the one that moved away from there makes no redirect of it."""
    lab.quiet()
    worker = lab.program("delivery").pid
    assert worker is not None
    first = lab.word()
    lab.arm("deliver.before_put")
    story = ask_for_story(lab, slug=first)
    until(partial(is_stopped, worker), what="the delivery worker to freeze before its PUT")
    try:
        with Client(lab) as client, second_delivery_worker(lab):
            moved = publish(lab, client, story, slug=lab.word())
            lab.wait_proven(moved.publication)
            other = ask_for_story(lab, slug=first)
            os.kill(worker, signal.SIGCONT)
            lab.wait_proven(other.accepted[-1].publication)
            lab.quiet()
    finally:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGCONT)
    assert other.accepted[-1].word in lab.served(f"/politics/{first}/", holds=other.accepted[-1].word).text


def _is_live(lab: Lab, story: Story) -> bool:
    (found,) = lab.rows("SELECT state FROM publication WHERE id = %s", story.accepted[-1].publication)
    return found["state"] == "live" and shows(lab, story)


def _met_newer(lab: Lab, size: int) -> bool:
    return b"page.store_ahead" in (lab.data / "logs" / "delivery.log").read_bytes()[size:]


def _version(page: str) -> int:
    found = STAMP.search(page)
    assert found is not None
    return int(found[1])
