"""Varnish with our VCL in front of a real store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pytest
from nashr.adapters.cdn.purger import Purger
from nashr.adapters.cdn.varnish import VarnishCdn
from nashr.adapters.s3 import S3ObjectStore, connect, ensure_buckets
from nashr.domain.purging import LONG_CACHE, Purge, Rank, page_tag
from nashr.settings import load

from tests.servers import PURGE_SECRET, Reply, Server, ministack, request
from tests.varnish import NoVarnish, Varnish, varnish, varnishd, vcl

HOST = "news.example"
HTML = "text/html; charset=utf-8"
PREFIX = "ar/"


@dataclass(frozen=True)
class Front:
    """Varnish, which trusts its store; the bucket behind it, and delivery's way to purge it."""

    edge: Varnish
    origin: Server
    store: S3ObjectStore
    cdn: VarnishCdn
    soft: Purger
    hard: Purger

    def put(self, path: str, body: str, **metadata: str) -> None:
        """Stores a page of the site as delivery does; ``path`` such as ``/x/``."""
        key = key_of(path)
        tags = " ".join([page_tag(key), *metadata.pop("tags", "").split()])
        self.store.put(
            key, body.encode(), content_type=HTML, cache_control=LONG_CACHE,
            metadata={"surrogate-key": tags, **metadata},
        )  # fmt: skip

    def get(self, path: str, **headers: str) -> Reply:
        return request(self.edge.url, path, headers={"Host": HOST, **headers})

    def text(self, path: str) -> str:
        return self.get(path).body.decode()

    def cache(self, path: str) -> str:
        return self.get(path).headers["x-cache"]


def key_of(path: str) -> str:
    return PREFIX + (f"{path}index.html" if path.endswith("/") else path).removeprefix("/")


def by_tag(path: str, rank: Rank = Rank.article) -> Purge:
    return Purge(f"https://{HOST}{path}", page_tag(key_of(path)), rank)


def by_url(path: str) -> Purge:
    return Purge(f"https://{HOST}{path}")


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    try:
        varnishd()
    except NoVarnish as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("varnish")
    with ExitStack() as stack:
        origin = stack.enter_context(ministack(folder))
        settings = load(s3_endpoint=origin.url)
        client = stack.enter_context(closing(connect(settings)))
        ensure_buckets(client, public=settings.s3_bucket, private=settings.s3_private_bucket)
        store = S3ObjectStore(client, settings.s3_bucket)
        store.put("ar/404.html", b"not found here", content_type=HTML, cache_control=LONG_CACHE)
        edge = stack.enter_context(varnish(folder, vcl(origin.url, bucket=settings.s3_bucket, prefix=PREFIX)))
        edge.store_is("healthy")
        cdn = stack.enter_context(closing(VarnishCdn(edge.url, PURGE_SECRET, by_tag=True)))
        yield Front(edge, origin, store, cdn, Purger(cdn, soft=True), Purger(cdn))
