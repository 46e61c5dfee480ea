"""Publishing through a real Varnish: each way in which a cache shows the wrong page, and that it does not."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.conftest import until
from tests.servers import PURGE_SECRET, request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from tests.integration.behind_varnish.conftest import Paper, Poll

    Opener: TypeAlias = Callable[[str, str], Poll]

CORRECTIONS = 8
PURGED = "SELECT purged = stored AND stored = live FROM page WHERE path = '/'"


def story(paper: Paper, **more: Any) -> tuple[dict[str, Any], str]:
    """A live article whose headline says v1 behind a word of its own; and that word."""
    mark = paper.word()
    return paper.publish_and_wait(headline=f"خبر {mark} v1", **more), mark


def correct(paper: Paper, made: dict[str, Any], mark: str, version: int) -> dict[str, Any]:
    """The next version, proven."""
    return paper.publish_change(made, headline=f"خبر {mark} v{version}")


def test_a_reader_who_polls_never_sees_an_older_text(paper: Paper, poll: Opener) -> None:
    """Through corrections in quick succession: what is proven is what readers get, and none goes back."""
    made, mark = story(paper)
    with poll(made["url"], mark) as reader:
        for version in range(2, CORRECTIONS + 2):
            correct(paper, made, mark, version)
            reader.proven = version
        until(lambda: reader.seen[-1][0] == version, what="a look after the last receipt")
    assert reader.stale == []
    assert {status for _, _, status in reader.seen} == {200}


def test_a_404_is_not_kept_where_a_page_appears(paper: Paper, poll: Opener) -> None:
    """Readers who were there before the story, and were told so, have it once it is proven."""
    mark = paper.word()
    made = paper.create(headline=f"خبر {mark} v1", slug=mark)
    with poll(f"/politics/{mark}/", mark) as reader:
        until(lambda: len(reader.seen) > 5, what="some looks too early")
        paper.wait_proven(paper.publish(made["id"])["id"])
        reader.proven = 1
        until(lambda: reader.seen[-1][0] == 1, what="a look after the receipt")
    assert reader.stale == []
    assert [status for _, version, status in reader.seen if not version and status != 404] == []
    assert reader.seen[-1][2] == 200


def spellings(url: str) -> list[tuple[str, dict[str, str]]]:
    """Ways in which links in the wild spell an address, and the headers that browsers add."""
    lower = url.replace("%D8", "%d8").replace("%AE", "%aE")
    needless = url.replace("/politics/", "/%70olitics/")
    return [
        (url, {}), (f"{url}?utm_source=x&fbclid=y", {}), (lower, {}), (f"{url}index.html", {}),
        (needless, {}), (url, {"Host": "NEWS.EXAMPLE"}), (url, {"Host": "news.example:443"}),
        (url, {"Cookie": "a=b", "Cache_Control": "no-cache", "Authorization": "Basic eDp5"}),
    ]  # fmt: skip


def test_every_spelling_shows_the_correction(paper: Paper) -> None:
    """Queries, escapes, index.html, hosts: what was cached under another name goes with the tag."""
    made, mark = story(paper, slug=f"خبر-{paper.word()}")
    ways = spellings(made["url"])
    for url, headers in ways:
        assert f"{mark} v1" in paper.read(url, **headers).body.decode()
    correct(paper, made, mark, 2)
    found = {(url, *headers): paper.read(url, **headers).body.decode() for url, headers in ways}
    assert [way for way, text in found.items() if f"{mark} v2" not in text] == []


def test_a_browser_with_the_old_page_gets_the_new_one(paper: Paper) -> None:
    """An old ETag is answered with the new text, the present one with 304, in the same second too."""
    made, mark = story(paper)
    old = paper.warm(made["url"])
    correct(paper, made, mark, 2)
    kept = {"If_None_Match": old.headers["etag"], "If_Modified_Since": old.headers["last-modified"]}
    new = paper.read(made["url"], **kept)
    assert (new.status, f"{mark} v2" in new.body.decode()) == (200, True)
    assert paper.read(made["url"], If_None_Match=new.headers["etag"]).status == 304


def test_an_old_answer_that_comes_late_does_not_stay(paper: Paper) -> None:
    """A fetch begun before the correction brings the old page back: the receipt sees it, and purges again."""
    made, mark = story(paper)
    paper.rests()
    with late_answer(paper, made["url"]):
        paper.change(made, headline=f"خبر {mark} v2")
        publication = paper.publish(made["id"])
        paper.wait_final(publication["id"])
    paper.wait_proven(publication["id"])
    assert f"{mark} v2" in paper.text(made["url"])


def test_an_old_front_that_comes_late_goes_with_the_second_purge(paper: Paper) -> None:
    """Nobody waits for a front's receipt: it is purged again ten seconds after its PUT."""
    story(paper)
    paper.rests()
    with late_answer(paper, "/"):
        _, mark = story(paper)
        until(lambda: _is_stored(paper, "index.html", mark), what="the new front in the bucket")
        until(lambda: paper.one(PURGED), what="its purge at once")
    assert mark not in paper.text("/")
    until(lambda: mark in paper.text("/"), what="the second purge")


def _is_stored(paper: Paper, key: str, mark: str) -> bool:
    bucket = f"{paper.origin.url}/nashr-site/khabar"
    return mark in paper.client("reader").get(f"{bucket}/{key}").text


@contextmanager
def late_answer(paper: Paper, url: str) -> Iterator[None]:
    """A reader's fetch is under way, with the bytes of now; they reach Varnish when the block ends."""
    path = url.removeprefix(paper.site).lstrip("/")
    paper.read(url)
    _drop(paper, url)
    reader = threading.Thread(target=paper.read, args=(url,))
    with paper.gate.holding(f"{path}index.html") as hold:
        reader.start()
        assert hold.arrived.wait(20)
        yield
    reader.join()


def _drop(paper: Paper, url: str) -> None:
    """Varnish has no copy of this page, as after a restart."""
    path = url.removeprefix(paper.site)
    headers = {"Host": "news.example", "Nashr-Purge-Secret": PURGE_SECRET}
    assert request(paper.edge.url, path, method="PURGE", headers=headers).status == 200


def test_a_moved_story_is_found_at_both_addresses(paper: Paper) -> None:
    """The old address was cached as the story: once the move is proven it leads to the new one."""
    made, mark = story(paper)
    paper.warm(made["url"])
    paper.warm(made["short_url"])
    moved = paper.publish_change(made, headline=f"خبر {mark} v2", slug=f"moved-{mark}")
    until(lambda: paper.read(made["url"]).status == 301, what="the old address to redirect")
    assert paper.read(made["url"]).headers["location"] == moved["url"]
    until(
        lambda: paper.read(made["short_url"]).headers["location"] == moved["url"],
        what="the permalink to follow",
    )


def test_what_was_killed_is_gone_even_without_the_store(paper: Paper) -> None:
    """A removal is dropped, never only marked: a store that is away brings no old copy back."""
    made, mark = story(paper)
    kept, kept_mark = story(paper)
    paper.rests()
    paper.warm(made["url"], holds=mark)
    paper.warm(kept["url"], holds=kept_mark)
    answer = paper.editor.post(
        f"/v1/articles/{made['id']}/unpublish", json={"kind": "kill", "reason": "خطأ", "public_notice": "سُحب"}
    )
    assert paper.wait_final(answer.json()["id"])["state"] == "live"
    gone = paper.read(made["url"])
    assert (gone.status, mark in gone.body.decode()) == (410, False)
    paper.rests()
    paper.edge.store_is("auto")
    paper.origin.process.send_signal(signal.SIGSTOP)
    try:
        until(lambda: paper.read(f"/never-{time.monotonic()}/").status == 503, what="the store to be away")
        assert mark not in paper.text(made["url"])
        assert kept_mark in paper.text(kept["url"])
    finally:
        paper.origin.process.send_signal(signal.SIGCONT)
    until(lambda: paper.read(kept["url"]).status == 200, what="the store to be back")
    paper.edge.store_is("healthy")
