"""What a restore says of pages that it set aside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

from nashr.domain.site import parse_site
from nashr.runtime.restoring import _aside

SITE = parse_site(
    {
        "id": "paper", "name": "Paper", "locale": "en", "base_url": "http://paper.test/",
        "sections": [{"slug": "news", "label": "News"}],
    }
)  # fmt: skip


@dataclass
class Bucket:
    """The part of a store that is asked."""

    names: list[str]

    def keys(self, prefix: str = "") -> Iterator[str]:
        return (name for name in self.names if name.startswith(prefix))


def test_pages_that_a_cut_run_set_aside_are_told_again() -> None:
    """All that lies aside for this backup and this site, wherever it came from."""
    prefix = SITE.prefix
    names = [f"set-aside/dump-2/{prefix}{name}" for name in ("news/x/index.html", "a/index.html")]
    names += [f"set-aside/dump-2/{prefix}inner/b/index.html", f"set-aside/dump-1/{prefix}c/index.html"]
    found = SimpleNamespace(site=SimpleNamespace(site=SITE), others=[f"{prefix}inner/"])
    keys = list(
        _aside(cast("Any", Bucket(names)), cast("Any", SimpleNamespace(dump="dump-2")), cast("Any", found))
    )
    assert [SITE.path(key) for key in keys] == ["/news/x/", "/a/"]
    assert [SITE.key(SITE.path(key)) for key in keys] == keys
