"""The static folder in a bucket, on two servers written by other hands: what comes, changes and goes."""

from __future__ import annotations

import json
from dataclasses import replace
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

    def apply(*paths: str, pages: frozenset[str] = frozenset()) -> list[str]:
        """The paths that the edge has to forget."""
        files = dict.fromkeys(paths, file)
        told = static.replace(SITE, files, pages, cache="max-age=7", public=public, private=private)
        static.settle(SITE, private, told.owed)
        return sorted(SITE.path(key) for key in told.owed)

    first = ("/.well-known/security.txt", "/about/", "/ads.txt")
    assert apply(*first) == list(first)
    assert sorted(static.paths(SITE, static.remembered(SITE, private))) == list(first)
    stored = public.head(SITE.key("/ads.txt"))
    assert stored is not None
    assert (stored.content_type, stored.cache_control) == ("text/plain; charset=utf-8", "max-age=7")
    assert apply("/.well-known/security.txt", pages=frozenset({"/about/"})) == ["/ads.txt"]
    assert set(public.keys(SITE.prefix)) == {
        SITE.key(path) for path in ("/foreign.txt", "/about/", "/.well-known/security.txt")
    }
    assert apply(pages=frozenset({"/about/"})) == ["/.well-known/security.txt"]


def test_only_what_changed_is_sent_and_purged(bench: Bench, tmp_path: Path) -> None:
    """Other bytes and a file that the bucket lost are stored; what the edge did not take stays owed."""
    public, private = bench.store, S3ObjectStore(bench.store.client, bench.settings.s3_private_bucket)
    files = {f"/{name}.txt": tmp_path / name for name in ("same", "changes", "lost")}
    for file in files.values():
        file.write_text("here")
    site = replace(SITE, id="second", prefix="second/")

    def apply() -> list[str]:
        told = static.replace(site, files, frozenset(), cache="", public=public, private=private)
        return sorted(site.path(key) for key in told.owed)

    assert len(apply()) == 3
    assert len(apply()) == 3  # nobody has purged them
    static.settle(site, private, static.remembered(site, private).owed)
    assert apply() == []
    files["/changes.txt"].write_text("there")
    public.delete(site.key("/lost.txt"))
    assert apply() == ["/changes.txt", "/lost.txt"]
    assert public.get(site.key("/changes.txt")) == b"there"
    assert public.get(site.key("/lost.txt")) == b"here"


def test_a_list_of_an_earlier_version_is_understood(bench: Bench, tmp_path: Path) -> None:
    """nashr once remembered keys alone: what left the folder since then is removed all the same."""
    public, private = bench.store, S3ObjectStore(bench.store.client, bench.settings.s3_private_bucket)
    site = replace(SITE, id="third", prefix="third/")
    public.put(site.key("/old.txt"), b"here", content_type="text/plain")
    private.put(
        f"static/{site.id}.json", json.dumps([site.key("/old.txt")]).encode(), content_type="application/json"
    )
    static.replace(site, {}, frozenset(), cache="", public=public, private=private)
    assert public.head(site.key("/old.txt")) is None
