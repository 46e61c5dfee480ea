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
        ("be_gone", 403, b"a firewall's own page", False),
        ("be_gone", 200, b"the story", False),
        ("be_gone", 301, b"", False),
        ("be_gone", 503, b"", False),
        ("be_no_file", 403, b"", True),
        ("be_no_file", 404, b"", True),
        ("be_no_file", 200, b"a picture", False),
        ("not_name", 200, b'<a href="/news/other/">', True),
        ("not_name", 200, b'<a href="/news/%D8%AE/">', False),
        ("not_name", 404, b"not found", True),
        ("not_name", 403, b"a firewall's own page", False),
        ("not_name", 301, b"moved", True),
        ("not_name", 503, b"", False),
    ],
)
def test_gone_means_gone(must: str, status: int, body: bytes, ok: bool) -> None:
    """Own addresses answer that there is nothing; others are read, and do not name the story."""
    scope = Scope(SITE, (Address("page", "/x/", must),), ("/news/خ/",))  # type: ignore[arg-type]
    (found,) = check(Purger(Edge(status, body)), scope)
    assert (found.url, found.status, found.ok) == ("http://paper.test/x/", status, ok)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b'<a href="/about/">', True),
        (b'<a href="/about/#more">', True),
        (b"<link>http://paper.test/about/</link>", True),
        (b'{"url": "http://paper.test/about/"}', True),
        (b'"content_html": "<a href=\\"http://paper.test/about/\\">"', True),
        (b"&lt;a href=&quot;http://paper.test/about/&quot;&gt;", True),
        (b'<a href="/authors/about/">', False),
        (b'<a href="https://other.org/about/">', False),
        (b'<a href="/about/us/">', False),
    ],
)
def test_a_name_is_all_of_an_address(body: bytes, names: bool) -> None:
    """What only ends like the address of the story, or begins like it, names another page."""
    scope = Scope(SITE, (Address("section", "/x/", "not_name"),), ("/about/",))
    (found,) = check(Purger(Edge(200, body)), scope)
    assert found.ok is not names


STAMPS = (
    '<meta charset="utf-8"><meta name="nashr:version" content="{}">',
    '<?xml version="1.0" encoding="utf-8"?>\n<!-- nashr:version {} -->\n',
    '{{"_nashr": {{"version": {}}}, ',
)


@pytest.mark.parametrize("stamp", STAMPS)
@pytest.mark.parametrize(("version", "told"), [(6, ("json_feed", False)), (7, ("mention", True))])
def test_a_link_in_the_text_of_another_story_is_told(
    stamp: str, version: int, told: tuple[str, bool]
) -> None:
    """What was rendered since names the story because an editor does; an older copy has to go."""
    body = f'{stamp.format(version)} <a href="http://paper.test/about/">'.encode()
    scope = Scope(SITE, (Address("json_feed", "/x/", "not_name", stored=7),), ("/about/",))
    (found,) = check(Purger(Edge(200, body)), scope)
    assert (found.what, found.ok) == told
