"""``clients.py NAME ENDPOINT FOLDER PREFIX``: puts every file of a folder into a bucket.

One process for each client, so that starting it and its CPU are measured alike. s5cmd is its own program.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

BUCKET: Final = "bench"
KEY, SECRET = "nashr", "nashr-secret"
CACHE: Final = "public, max-age=0, s-maxage=86400, stale-if-error=86400"
THREADS, IN_FLIGHT = 16, 32
TYPES: Final = {".html": "text/html; charset=utf-8", ".jpg": "image/jpeg"}


def nashr(endpoint: str, folder: Path, prefix: str) -> None:
    """nashr's own adapter, from threads, as delivery puts pages."""
    _from_threads(endpoint, folder, prefix, quick=True)


def boto3(endpoint: str, folder: Path, prefix: str) -> None:
    """The same without the quick client: what nashr would do by boto3 alone."""
    _from_threads(endpoint, folder, prefix, quick=False)


def _from_threads(endpoint: str, folder: Path, prefix: str, *, quick: bool) -> None:
    from nashr.adapters.s3 import S3ObjectStore, connect  # noqa: PLC0415 - measured with the start
    from nashr.settings import load  # noqa: PLC0415

    settings = load(s3_endpoint=endpoint)
    client = connect(settings)
    if quick:
        from nashr.adapters.s3put import QuickPuts  # noqa: PLC0415

        store = S3ObjectStore(client, BUCKET, quick=QuickPuts(settings, client, BUCKET))
    else:
        store = S3ObjectStore(client, BUCKET)

    def put(file: Path) -> None:
        store.put(
            prefix + file.name, file.read_bytes(), content_type=TYPES[file.suffix], cache_control=CACHE,
            metadata={"version": "1", "surrogate-key": file.stem},
        )  # fmt: skip

    with ThreadPoolExecutor(THREADS) as pool:
        for done in pool.map(put, _files(folder)):
            assert done is None


def obstore(endpoint: str, folder: Path, prefix: str) -> None:
    """The Rust client, from one event loop."""
    from obstore.store import S3Store  # noqa: PLC0415

    store = S3Store(
        BUCKET, endpoint=endpoint, region="us-east-1", access_key_id=KEY, secret_access_key=SECRET,
        client_options={"allow_http": True},
    )  # fmt: skip

    async def puts() -> None:
        free = asyncio.Semaphore(IN_FLIGHT)

        async def put(file: Path) -> None:
            async with free:
                attributes = {
                    "Content-Type": TYPES[file.suffix], "Cache-Control": CACHE, "version": "1",
                    "surrogate-key": file.stem,
                }  # fmt: skip
                await store.put_async(
                    prefix + file.name, file.read_bytes(), attributes=attributes, use_multipart=False
                )

        await asyncio.gather(*(put(file) for file in _files(folder)))

    asyncio.run(puts())
    os._exit(0)  # a thread of its own that is still at work as the interpreter ends may abort the process


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.iterdir())


if __name__ == "__main__":
    name, where, files, begin = sys.argv[1:]
    {"nashr": nashr, "boto3": boto3, "obstore": obstore}[name](where, Path(files), begin)
