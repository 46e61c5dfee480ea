"""The lower bound: a page into the bucket, its address purged, read through the edge. No queue, no work."""

from __future__ import annotations

import time

import httpx
from nashr import bootstrap
from nashr.adapters import s3

from benchmarks.bench import Bench
from benchmarks.stack import BenchError


class Floor:
    """A publisher that has its pages ready and nothing to lose."""

    def __init__(self, bench: Bench) -> None:
        self._site = bench.stack.described_site()
        self._bucket = bench.stack.settings.s3_bucket
        self._store = s3.connect(bench.stack.settings)
        self._cdn = bootstrap.cdn(bench.stack.settings)
        self._reader = bench.reader

    def publish(self, name: str, page: httpx.Response) -> float:
        """Seconds to publish the bytes of ``page`` under an address of the floor's own."""
        path = f"/floor/{name}/"
        started = time.perf_counter()
        self._store.put_object(
            Bucket=self._bucket,
            Key=self._site.key(path),
            Body=page.content,
            ContentType=page.headers["content-type"],
            CacheControl=page.headers["cache-control"],
        )
        self._cdn.purge(urls=[self._site.url(path)])
        answer = self._reader.get(path)
        seconds = time.perf_counter() - started
        if answer.content != page.content:
            raise BenchError(f"{path} answers {answer.status_code} with other bytes than were stored")
        return seconds
