"""A page's PUT on a store that keeps to conditions: what it meets, and that it says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nashr.observability import metrics
from nashr.store.pagerows import PageRow
from nashr_delivery import publish
from nashr_delivery.core import Page

if TYPE_CHECKING:
    from tests.contract.conftest import Bench

KEY = "news/1/index.html"


def put(bench: Bench, etag: str | None, version: int) -> str:
    page = Page("/news/1/", b"<p>%d" % version, "text/html", "no-cache", {}, (), frozenset(), "")
    return publish.put(bench.store, KEY, page, row=row(etag), version=version)


def row(etag: str | None) -> PageRow:
    return PageRow(1, "s", "/news/1/", "article", "ar_1", 1, 0, 0, 0, 0, etag, None, None, None)


def conflicts() -> float:
    return metrics.drain().get((metrics.STORE_CONFLICTS.name, "{}"), 0.0)


def test_a_write_that_meets_another_version_is_counted(bench: Bench) -> None:
    """The first write and the one after it meet what they expect; one that knows only the first does not."""
    bench.skip_unless_conditional()
    conflicts()
    first = put(bench, None, 1)
    put(bench, first, 2)
    assert conflicts() == 0
    put(bench, first, 3)
    assert conflicts() == 1
