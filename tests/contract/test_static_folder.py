"""The static folder in a bucket, on two servers written by other hands."""

from __future__ import annotations

from pathlib import Path

from nashr.adapters.s3 import S3ObjectStore
from nashr.commands import static
from nashr.domain.site import parse_site

from tests.contract.conftest import Bench

SITE = parse_site(
    {
        "id": "folder", "name": "F", "locale": "en", "base_url": "https://folder.example",
        "sections": [{"slug": "news", "label": "News"}],
    }
)  # fmt: skip


def test_what_leaves_the_folder_leaves_the_bucket(bench: Bench, tmp_path: Path) -> None:
    """Files come and go with the folder; a path that a page has taken, and foreign keys, stay."""
    public, private = bench.store, S3ObjectStore(bench.store.client, bench.settings.s3_private_bucket)
    file = tmp_path / "file.txt"
    file.write_text("here")
    public.put(SITE.key("/foreign.txt"), b"theirs", content_type="text/plain")

    def apply(*paths: str, pages: frozenset[str] = frozenset()) -> int:
        return static.replace(SITE, dict.fromkeys(paths, file), pages, public=public, private=private)

    assert apply("/ads.txt", "/about/", "/.well-known/security.txt") == 0
    stored = public.head(SITE.key("/ads.txt"))
    assert stored is not None
    assert stored.content_type == "text/plain; charset=utf-8"
    assert apply("/.well-known/security.txt", pages=frozenset({"/about/"})) == 1
    assert set(public.keys(SITE.prefix)) == {
        SITE.key(path) for path in ("/foreign.txt", "/about/", "/.well-known/security.txt")
    }
    assert apply(pages=frozenset({"/about/"})) == 1
