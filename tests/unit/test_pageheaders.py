"""The seal over a page's headers: whole as they were sent, broken by any change."""

from __future__ import annotations

import pytest
from nashr.domain.pageheaders import SEAL, is_whole, sealed

HTML, CACHE = "text/html; charset=utf-8", "public, max-age=0"
GONE = {"version": "7", "status": "410", "surrogate-key": "site-a article-1"}


def test_what_was_sent_is_whole() -> None:
    """Also where the store folds white space and case, drops a charset, or adds metadata of its own."""
    kept = sealed(HTML, CACHE, GONE)
    assert is_whole("text/html", CACHE, kept)
    assert is_whole(HTML, CACHE, kept)
    assert is_whole("text/html;charset=UTF-8", "public,max-age=0", {**kept, "mtime": "1"})
    assert kept.items() >= GONE.items()


@pytest.mark.parametrize(
    "change",
    [
        {"status": "200"},
        {"status": None},
        {"location": "/elsewhere/"},
        {"version": "8"},
        {"surrogate-key": None},
        {SEAL: None},
        {SEAL: ""},
        {SEAL: "0123456789abcdef"},
    ],
    ids=str,
)
def test_any_change_breaks_it(change: dict[str, str | None]) -> None:
    """A value that is another, lost, or there though it should not be."""
    changed = {
        name: value for name, value in {**sealed(HTML, CACHE, GONE), **change}.items() if value is not None
    }
    assert not is_whole(HTML, CACHE, changed)


@pytest.mark.parametrize(("content_type", "cache"), [("text/plain", CACHE), (HTML, ""), (HTML, "no-store")])
def test_other_headers_break_it(content_type: str, cache: str) -> None:
    """The type and the cache rule belong to it."""
    assert not is_whole(content_type, cache, sealed(HTML, CACHE, GONE))
