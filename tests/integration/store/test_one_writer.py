"""A store that ignores conditions: page writes hold all the same, by one writer in one process."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from nashr.adapters.one_writer import LOOK_AGAIN, OneWriter
from nashr.adapters.s3 import S3ObjectStore, connect, ensure_buckets
from nashr.adapters.s3probe import Mode
from nashr.ports import StoreConflict, StoreUnavailable
from nashr.settings import load
from nashr.store import database as db
from nashr.store.writerlock import WriterLock

from tests.servers import rclone

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.integration.store.conftest import Inside

KEY = "politics/x/index.html"
HTML = "text/html"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3ObjectStore]:
    """A bucket on rclone, which takes every PUT whatever its conditions say."""
    with rclone(tmp_path_factory.mktemp("rclone")) as server:
        settings = load(s3_endpoint=server.url)
        with closing(connect(settings)) as client:
            ensure_buckets(client, public=settings.s3_bucket, private=settings.s3_private_bucket)
            yield S3ObjectStore(client, settings.s3_bucket)


@pytest.fixture
def lock(engine: Engine) -> Iterator[WriterLock]:
    made = WriterLock(engine)
    yield made
    made.release()


def one_writer(store: S3ObjectStore, lock: WriterLock) -> OneWriter:
    return OneWriter(store, lock, mode=lambda: Mode.SINGLE_WRITER)


def test_conditions_hold(store: S3ObjectStore, lock: WriterLock) -> None:
    """The stale ETag and the second creation conflict, and leave what is there."""
    writer = one_writer(store, lock)
    store.delete(KEY)
    with pytest.raises(StoreConflict):
        writer.put(KEY, b"0", content_type=HTML, if_match='"none"')
    first = writer.put(KEY, b"1", content_type=HTML, if_none_match=True)
    second = writer.put(KEY, b"2", content_type=HTML, if_match=first)
    for late in ({"if_match": first}, {"if_none_match": True}):
        with pytest.raises(StoreConflict):
            writer.put(KEY, b"late", content_type=HTML, **late)
    found = store.head(KEY)
    assert (store.get(KEY), found and found.etag) == (b"2", second)


def test_of_many_threads_one_wins(store: S3ObjectStore, lock: WriterLock) -> None:
    """Eight threads that replace one version: one is taken, the others hear of the conflict."""
    writer = one_writer(store, lock)
    etag = store.put(KEY, b"base", content_type=HTML)

    def write(number: int) -> bytes | None:
        body = f"body {number}".encode()
        try:
            writer.put(KEY, body, content_type=HTML, if_match=etag)
        except StoreConflict:
            return None
        return body

    with ThreadPoolExecutor(8) as pool:
        written = [body for body in pool.map(write, range(8)) if body]
    assert [store.get(KEY)] == written


def test_a_second_process_waits_for_the_first(store: S3ObjectStore, engine: Engine) -> None:
    """While one process is the writer another's PUT is to be retried; once it is gone, it is taken."""
    first, second = WriterLock(engine), WriterLock(engine)
    etag = one_writer(store, first).put(KEY, b"1", content_type=HTML, if_match=_etag(store))
    with pytest.raises(StoreUnavailable, match="one delivery worker only"):
        one_writer(store, second).put(KEY, b"2", content_type=HTML, if_match=etag)
    assert store.get(KEY) == b"1"
    first.release()
    one_writer(store, second).put(KEY, b"2", content_type=HTML, if_match=etag)
    second.release()
    assert store.get(KEY) == b"2"


def test_a_lock_lost_with_its_connection_is_taken_again(engine: Engine, inside: Inside) -> None:
    """After PostgreSQL dropped the connection the writer says so once, then holds the lock anew."""
    lock, other = WriterLock(engine), WriterLock(engine)
    assert lock.held()
    inside.run(
        """SELECT pg_terminate_backend(pid) FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
    )
    with pytest.raises(db.DatabaseUnavailable):
        lock.held()
    assert lock.held()
    assert not other.held()
    lock.release()


def test_the_verdict_is_looked_at_again(store: S3ObjectStore, lock: WriterLock) -> None:
    """After a minute, not before; while nobody can be asked, what was known counts on."""
    now, asked = [0.0], list[Mode]()

    def mode() -> Mode:
        if len(asked) == 2:
            raise StoreUnavailable("away")
        asked.append((Mode.COMPARE_AND_SWAP, Mode.SINGLE_WRITER)[len(asked)])
        return asked[-1]

    writer = OneWriter(store, lock, mode=mode, clock=lambda: now[0])
    writer.put(KEY, b"1", content_type=HTML, if_match='"none"')  # rclone takes it: nobody compared
    now[0] = LOOK_AGAIN - 1
    writer.put(KEY, b"2", content_type=HTML, if_match='"none"')
    for _ in range(2):
        now[0] += LOOK_AGAIN
        with pytest.raises(StoreConflict):
            writer.put(KEY, b"3", content_type=HTML, if_match='"none"')
    assert asked == [Mode.COMPARE_AND_SWAP, Mode.SINGLE_WRITER]


def test_nothing_is_written_before_there_is_a_verdict(store: S3ObjectStore, lock: WriterLock) -> None:
    """A store that nobody could ask yet may ignore conditions."""

    def mode() -> Mode:
        raise StoreUnavailable("away")

    before = store.get(KEY)
    with pytest.raises(StoreUnavailable, match="away"):
        OneWriter(store, lock, mode=mode).put(KEY, b"early", content_type=HTML, if_match='"none"')
    assert store.get(KEY) == before


def _etag(store: S3ObjectStore) -> str:
    found = store.head(KEY)
    return found.etag if found else store.put(KEY, b"0", content_type=HTML)
