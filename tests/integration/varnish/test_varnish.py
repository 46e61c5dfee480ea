"""Varnish as the edge: what nashr's purges and infra/edge/varnish.vcl promise, hazard by hazard."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from nashr.adapters.cdn.purger import Purger
from nashr.adapters.cdn.varnish import VarnishCdn
from nashr.domain.purging import LONG_CACHE, Rank
from nashr.ports import CdnRefused

from tests.integration.edge.conftest import SlowOrigin, listening
from tests.integration.varnish.conftest import HOST, Front, by_tag, by_url
from tests.servers import PURGE_SECRET, Reply, request, wait_until
from tests.varnish import varnish, vcl


def test_the_correction_shows_after_the_purge_and_not_before(front: Front) -> None:
    """The old page is a HIT until its tag is purged; the next reader has the new one, and it is kept."""
    front.put("/corrected/", "old")
    assert front.text("/corrected/") == "old"
    front.put("/corrected/", "new")
    assert (front.text("/corrected/"), front.cache("/corrected/")) == ("old", "HIT")
    front.hard.purge([by_tag("/corrected/")])
    assert front.get("/corrected/").headers["x-cache"] == "MISS"
    assert (front.text("/corrected/"), front.cache("/corrected/")) == ("new", "HIT")


def test_a_purge_before_the_put_keeps_the_old_page(front: Front) -> None:
    """Why delivery purges after the store's answer: in the other order a reader brings the old page back."""
    front.put("/order/", "old")
    front.hard.purge([by_tag("/order/")])
    assert front.text("/order/") == "old"
    front.put("/order/", "new")
    assert front.text("/order/") == "old"
    front.hard.purge([by_tag("/order/")])
    assert front.text("/order/") == "new"


def test_a_purge_leaves_others_alone(front: Front) -> None:
    """One page's tag takes that page; a shared tag takes all who carry it."""
    for name in ("one", "two", "three"):
        front.put(f"/{name}/", name, tags="section-a" if name != "three" else "section-b")
        front.get(f"/{name}/")
    front.hard.purge([by_tag("/one/")])
    assert [front.cache(f"/{name}/") for name in ("one", "two", "three")] == ["MISS", "HIT", "HIT"]
    front.cdn.purge(urls=(), tags=["section-a"])
    assert [front.cache(f"/{name}/") for name in ("one", "two", "three")] == ["MISS", "MISS", "HIT"]


SPELLINGS = ("/%D8%AE%D8%A8%D8%B1/", "/%d8%ae%d8%a8%d8%b1/", "/%D8%AE%D8%A8%D8%B1/index.html",
             "/%d8%AE%d8%A8%D8%b1/?utm_source=x")  # fmt: skip


def test_spellings_share_one_copy_and_go_with_one_purge(front: Front) -> None:
    """Query, case of escapes and index.html make no second copy, so a purge by URL reaches every reader."""
    front.put("/خبر/", "old")
    assert [front.cache(path) for path in SPELLINGS] == ["MISS", "HIT", "HIT", "HIT"]
    front.put("/خبر/", "new")
    front.hard.purge([by_url("/خبر/index.html")])
    assert [front.text(path) for path in SPELLINGS] == ["new"] * 4


def test_a_copy_under_a_strange_spelling_goes_by_tag(front: Front) -> None:
    """Needless escapes do make a copy of their own: a purge by URL misses it, one by tag does not."""
    front.put("/strange/", "old")
    assert front.text("/%73trange/") == "old"
    front.put("/strange/", "new")
    front.hard.purge([by_url("/strange/")])
    assert front.text("/%73trange/") == "old"
    front.hard.purge([by_tag("/strange/")])
    assert front.text("/%73trange/") == "new"


def test_a_soft_purge_never_shows_the_old_page_again(front: Front) -> None:
    """Corrected in the same second and marked stale: the next reader waits for the new page, not a 304."""
    for turn in range(5):
        front.put(f"/soft-{turn}/", "old page")
        assert front.text(f"/soft-{turn}/") == "old page"
        front.put(f"/soft-{turn}/", "new page")
        front.soft.purge([by_tag(f"/soft-{turn}/")])
        assert front.text(f"/soft-{turn}/") == "new page"


def test_an_unchanged_page_is_confirmed_after_a_soft_purge(front: Front) -> None:
    """A purge too many costs a 304 from the store, and the page stays."""
    front.put("/same/", "same")
    assert front.text("/same/") == "same"
    front.soft.purge([by_tag("/same/")])
    assert front.text("/same/") == "same"
    assert front.cache("/same/") == "HIT"


def test_without_the_store_changed_pages_stay_and_removed_ones_do_not(front: Front) -> None:
    """Soft: the last copy serves while the store is away. Hard, as removals always are: it is gone."""
    for name in ("changed", "removed"):
        front.put(f"/{name}/", f"{name} text")
        front.get(f"/{name}/")
    front.edge.store_is("auto")
    front.origin.process.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: _is_sick(front), what="Varnish to notice that the store is away", seconds=60)
        front.soft.purge([by_tag("/changed/"), by_tag("/removed/", Rank.removal)])
        assert front.text("/changed/") == "changed text"
        gone = front.get("/removed/")
        assert (gone.status, b"removed text" in gone.body) == (503, False)
    finally:
        front.origin.process.send_signal(signal.SIGCONT)
    wait_until(lambda: front.get("/removed/").status == 200, what="the store to be back", seconds=60)
    front.edge.store_is("healthy")


def _is_sick(front: Front) -> bool:
    """An address never read is refused without asking the store, whose silence costs the VCL's 5 s."""
    begun = time.monotonic()
    return front.get(f"/never-{begun}/").status == 503 and time.monotonic() - begun < 3


def test_a_publication_shows_at_once_where_nothing_was(front: Front) -> None:
    """A 404 is the site's own page and is not kept: no purge is needed for an address's first page."""
    missing = front.get("/soon/")
    assert (missing.status, missing.body) == (404, b"not found here")
    assert missing.headers["cache-control"] == "no-store"
    front.put("/soon/", "here it is")
    assert front.text("/soon/") == "here it is"


def test_removed_pages_and_redirects_have_their_status(front: Front) -> None:
    """Status and location metadata become the answer's, and are not shown."""
    front.put("/killed/", "withdrawn", status="410")
    front.put("/moved/", "moved", status="301", location="/elsewhere/")
    killed, moved = front.get("/killed/"), front.get("/moved/")
    assert (killed.status, killed.body) == (410, b"withdrawn")
    assert (moved.status, moved.headers["location"]) == (301, "/elsewhere/")
    assert not [name for name in (*killed.headers, *moved.headers) if name.startswith("x-amz-meta")]


def test_only_the_secret_purges(front: Front) -> None:
    """Without it 403, for tags and URLs alike, and the copy stays."""
    front.put("/guarded/", "kept")
    front.get("/guarded/")
    with closing(VarnishCdn(front.edge.url, "wrong", by_tag=True)) as stranger:
        for purge in (by_tag("/guarded/"), by_url("/guarded/")):
            with pytest.raises(CdnRefused, match="NASHR_PURGE_SECRET"):
                Purger(stranger).purge([purge])
    assert front.cache("/guarded/") == "HIT"
    assert _method(front, "POST").status == 405


def _method(front: Front, method: str) -> Reply:
    return request(front.edge.url, "/guarded/", method=method, headers={"Host": HOST})


class Held(SlowOrigin):
    """Holds up the first reader of the page; says that it is well."""

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        if path.endswith("404.html"):
            return 200, {"Cache-Control": LONG_CACHE}, b"missing"
        status, headers, body = super().answer(path)
        return status, dict(headers), body


def test_a_fetch_begun_before_the_put_is_undone_by_the_second_purge(tmp_path: Path) -> None:
    """An old answer that arrives after the purge is kept: that is why outside edges are purged twice."""
    origin = Held()
    with listening(origin), varnish(tmp_path, vcl(origin.url, bucket="b", prefix="")) as edge:
        edge.store_is("healthy")

        def read() -> str:
            return request(edge.url, "/page/", headers={"Host": HOST}).body.decode()

        reader = threading.Thread(target=read)
        with closing(VarnishCdn(edge.url, PURGE_SECRET, by_tag=True)) as cdn:
            purger = Purger(cdn)
            reader.start()
            assert origin.held.wait(60)
            origin.body = "new"
            purger.purge([by_url("/page/")])
            origin.gate.set()
            reader.join()
            assert read() == "old"
            purger.purge([by_url("/page/")])
            assert read() == "new"


def test_a_client_that_polls_never_goes_back(front: Front) -> None:
    """Sixty corrections under a polling reader: once a purge is proven, nobody gets what was there before.

    As delivery proves it: read through Varnish, and purged again where an older fetch came in between.
    """
    seen: list[tuple[int, int]] = []
    acknowledged, stop = [0], threading.Event()
    front.put("/polled/", "0")

    def poll() -> None:
        while not stop.is_set():
            known = acknowledged[0]
            seen.append((known, int(front.text("/polled/"))))

    reader = threading.Thread(target=poll)
    reader.start()
    took = []
    for version in range(1, 61):
        begun = time.monotonic()
        front.put("/polled/", str(version))
        front.soft.purge([by_tag("/polled/")])
        while front.text("/polled/") != str(version):
            front.soft.purge([by_tag("/polled/")])
        acknowledged[0] = version
        took.append(time.monotonic() - begun)
    stop.set()
    reader.join()
    print(f"PUT, purge, proof: median {sorted(took)[30] * 1000:.0f} ms, p95 {sorted(took)[57] * 1000:.0f} ms")
    assert [(known, got) for known, got in seen if got < known] == []
    assert len(seen) > 60
