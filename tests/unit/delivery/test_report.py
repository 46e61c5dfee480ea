"""A takedown's report: what counts as gone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from nashr.adapters.cdn.purger import Purger
from nashr.domain.purging import Limits
from nashr.domain.site import parse_site
from nashr.ports import Fetched
from nashr_delivery.report import Address, Scope, check

SITE = parse_site(
    {
        "id": "paper", "name": "Paper", "locale": "en", "base_url": "http://paper.test/",
        "sections": [{"slug": "news", "label": "News"}],
    }
)  # fmt: skip


class Edge:
    """nashr.ports.Cdn that answers every address alike."""

    vantage = "here"
    limits = Limits()

    def __init__(self, status: int, body: bytes) -> None:
        self._answer = Fetched(status, {}, body)

    def purge(self, *, urls: Sequence[str], tags: Sequence[str] = (), soft: bool = False) -> None: ...

    def fetch(self, url: str) -> Fetched:  # noqa: ARG002
        return self._answer

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("must", "status", "body", "ok"),
    [
        ("be_gone", 451, b"notice", True),
        ("be_gone", 404, b"", True),
        ("be_gone", 200, b"the story", False),
        ("be_gone", 301, b"", False),
        ("be_gone", 503, b"", False),
        ("not_name", 200, b'<a href="/news/other/">', True),
        ("not_name", 200, b'<a href="/news/%D8%AE/">', False),
        ("not_name", 404, b"not found", True),
        ("not_name", 301, b"moved", True),
        ("not_name", 503, b"", False),
    ],
)
def test_gone_means_gone(must: str, status: int, body: bytes, ok: bool) -> None:
    """Own addresses answer that there is nothing; others are read, and do not name the story."""
    scope = Scope(SITE, (Address("page", "/x/", must),), (SITE.href("/news/خ/").encode(),))  # type: ignore[arg-type]
    (found,) = check(Purger(Edge(status, body)), scope)
    assert (found.url, found.status, found.ok) == ("http://paper.test/x/", status, ok)
