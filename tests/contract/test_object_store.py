"""What nashr asks of an object store, held against two servers written by other hands."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from nashr.adapters.s3 import S3ObjectStore, StoreRefused, connect, ensure_buckets, translated
from nashr.adapters.s3probe import probe
from nashr.ports import StoreConflict, StoreUnavailable
from nashr.settings import load

from tests.contract.conftest import Bench
from tests.servers import free_port, ministack, request

HTML = "text/html; charset=utf-8"


def put(store: S3ObjectStore, key: str, body: bytes = b"1", **condition: Any) -> str:
    return store.put(key, body, content_type=HTML, **condition)


@contextmanager
def store_with(**overrides: Any) -> Iterator[S3ObjectStore]:
    settings = load(**overrides)
    with closing(connect(settings)) as client:
        yield S3ObjectStore(client, settings.s3_bucket)


def test_probe_tells_what_the_server_keeps_to(bench: Bench) -> None:
    """The probe finds exactly the capabilities that the server is known for, and leaves nothing behind."""
    assert probe(bench.store) == bench.known
    assert list(bench.store.keys("_nashr/")) == []


def test_put_is_read_back_whole(bench: Bench) -> None:
    """Body, type, size, ETag and metadata come back as they went, metadata keys in lower case."""
    metadata = {"surrogate-key": "a12 s7", "status": "410"}
    etag = bench.store.put("whole/index.html", b"<p>", content_type=HTML, metadata=metadata)
    found = bench.store.head("whole/index.html")
    assert found is not None
    assert (found.etag, found.bytes, found.content_type) == (etag, 3, HTML)
    assert found.metadata.items() >= metadata.items()
    assert bench.store.get("whole/index.html") == b"<p>"


def test_file_objects_can_be_put(bench: Bench) -> None:
    """A body may be an open file."""
    bench.store.put("file.bin", BytesIO(b"x" * 100_000), content_type="application/octet-stream")
    assert bench.store.get("file.bin") == b"x" * 100_000


def test_put_replaces(bench: Bench) -> None:
    """A put without a condition replaces what was there."""
    first = put(bench.store, "replaced", b"old")
    assert put(bench.store, "replaced", b"new") != first
    assert bench.store.get("replaced") == b"new"


def test_absent_key_is_none(bench: Bench) -> None:
    """Nothing at a key is None, not an error, and deleting it is success."""
    assert bench.store.head("absent") is None
    assert bench.store.get("absent") is None
    bench.store.delete("absent")


def test_delete_removes(bench: Bench) -> None:
    """A deleted key is absent at once."""
    put(bench.store, "deleted/page")
    bench.store.delete("deleted/page")
    assert bench.store.get("deleted/page") is None


@pytest.mark.parametrize("name", ["سياسة/خبر-عاجل", "a b+c%20d", "100%", "it's (1)", "é~"])
def test_keys_of_any_script_round_trip(bench: Bench, name: str) -> None:
    """Arabic, spaces, plus and percent signs are plain parts of a key."""
    key = f"script/{name}/index.html"
    put(bench.store, key, name.encode())
    assert bench.store.get(key) == name.encode()
    assert key in list(bench.store.keys("script/"))


def test_keys_lists_one_prefix(bench: Bench) -> None:
    """Listing gives every key below the prefix and no other."""
    for key in ("list/a/1", "list/a/2", "list/b/1"):
        put(bench.store, key)
    assert sorted(bench.store.keys("list/a/")) == ["list/a/1", "list/a/2"]


def test_a_listing_tells_size_and_time(bench: Bench) -> None:
    """Each entry has its bytes, and when it was stored, with a time zone."""
    before = datetime.now(UTC) - timedelta(minutes=5)
    put(bench.store, "entries/a", b"four")
    (found,) = bench.store.entries("entries/")
    assert (found.key, found.bytes) == ("entries/a", 4)
    assert before < found.modified_at < datetime.now(UTC) + timedelta(minutes=5)


def test_head_shows_the_cache_rule(bench: Bench) -> None:
    """Cache-Control comes back as it went."""
    bench.store.put("cached", b"1", content_type=HTML, cache_control="public, max-age=0")
    found = bench.store.head("cached")
    assert found is not None
    assert found.cache_control == "public, max-age=0"


def test_if_none_match_creates_once(bench: Bench) -> None:
    """A create-only put meets StoreConflict where something lies, and changes nothing."""
    bench.skip_unless_conditional()
    put(bench.store, "once", b"first", if_none_match=True)
    with pytest.raises(StoreConflict):
        put(bench.store, "once", b"second", if_none_match=True)
    assert bench.store.get("once") == b"first"


def test_racing_creators_have_one_winner(bench: Bench) -> None:
    """Of twelve writers that create the same key at once exactly one succeeds."""
    bench.skip_unless_conditional()

    def won(writer: int) -> bool:
        try:
            put(bench.store, "race", str(writer).encode(), if_none_match=True)
        except StoreConflict:
            return False
        return True

    with ThreadPoolExecutor(12) as writers:
        winners = [writer for writer, first in enumerate(writers.map(won, range(12))) if first]
    assert len(winners) == 1
    assert bench.store.get("race") == str(winners[0]).encode()


def test_if_match_replaces_only_what_was_read(bench: Bench) -> None:
    """A put with the ETag that was read succeeds once; the same ETag again meets StoreConflict."""
    bench.skip_unless_conditional()
    read = put(bench.store, "swapped", b"old")
    put(bench.store, "swapped", b"new", if_match=read)
    with pytest.raises(StoreConflict):
        put(bench.store, "swapped", b"late", if_match=read)
    assert bench.store.get("swapped") == b"new"


def test_if_match_on_nothing_is_a_conflict(bench: Bench) -> None:
    """A put that expects an object meets StoreConflict where it has gone."""
    bench.skip_unless_conditional()
    with pytest.raises(StoreConflict):
        put(bench.store, "gone", if_match=f'"{"0" * 32}"')


@pytest.mark.parametrize(
    "metadata",
    [{"location": "/سياسة/"}, {"status": "301\r\nx: y"}, {"csp": " spaced "}, {"long": "x" * 2048}],
)
def test_metadata_that_no_header_carries_is_refused_early(bench: Bench, metadata: dict[str, str]) -> None:
    """Metadata beyond plain ASCII or 2 kB raises ValueError before anything is sent."""
    with pytest.raises(ValueError, match="metadata"):
        bench.store.put("early", b"", content_type=HTML, metadata=metadata)
    assert bench.store.head("early") is None


def test_ensure_buckets_twice_keeps_everything(bench: Bench) -> None:
    """Making sure of the buckets again loses no object and raises nothing."""
    put(bench.store, "kept", b"kept")
    settings = bench.settings
    ensure_buckets(bench.store.client, public=settings.s3_bucket, private=settings.s3_private_bucket)
    assert bench.store.get("kept") == b"kept"


def test_public_bucket_is_read_without_credentials(bench: Bench) -> None:
    """A reader without credentials gets an object of the public bucket, metadata included."""
    if bench.name == "rclone":
        pytest.skip("rclone answers 400 to every anonymous request")
    bench.store.put("open/خبر", b"open", content_type=HTML, metadata={"status": "410"})
    got = request(bench.settings.s3_endpoint, f"/{bench.settings.s3_bucket}/{quote('open/خبر')}")
    assert (got.status, got.body, got.headers["x-amz-meta-status"]) == (200, b"open", "410")


def test_wrong_credentials_wait_for_the_operator(bench: Bench) -> None:
    """A rejected key is StoreUnavailable: the work waits until someone mends the settings."""
    if bench.name == "ministack":
        pytest.skip("ministack checks no keys")
    with (
        store_with(s3_endpoint=bench.settings.s3_endpoint, s3_secret_key="wrong") as store,
        pytest.raises(StoreUnavailable, match="NASHR_S3_ACCESS_KEY"),
    ):
        put(store, "denied")


def test_missing_bucket_waits_for_the_operator(bench: Bench) -> None:
    """A bucket that is not there is StoreUnavailable and is named."""
    store = S3ObjectStore(bench.store.client, "no-such-bucket")
    with pytest.raises(StoreUnavailable, match="no-such-bucket"):
        put(store, "nowhere")


def test_dead_store_is_unavailable() -> None:
    """A store that does not listen is StoreUnavailable, for reads and writes alike."""
    with store_with(s3_endpoint=f"http://127.0.0.1:{free_port()}") as store:
        with pytest.raises(StoreUnavailable):
            put(store, "dead")
        with pytest.raises(StoreUnavailable):
            store.get("dead")


def answer(status: int, code: str) -> ClientError:
    said: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(said, "PutObject")


@pytest.mark.parametrize(
    ("error", "family"),
    [
        (answer(412, "PreconditionFailed"), StoreConflict),
        (answer(409, "ConditionalRequestConflict"), StoreConflict),
        (answer(500, "InternalError"), StoreUnavailable),
        (answer(501, "NotImplemented"), StoreRefused),
        (answer(503, "SlowDown"), StoreUnavailable),
        (answer(429, "TooManyRequests"), StoreUnavailable),
        (answer(400, "RequestTimeout"), StoreUnavailable),
        (answer(400, "KeyTooLongError"), StoreRefused),
        (ReadTimeoutError(endpoint_url="http://127.0.0.1"), StoreUnavailable),
    ],
)
def test_each_error_has_its_family(error: Exception, family: type[Exception]) -> None:
    """Conflicts, passing troubles and refusals are told apart by what the store answered."""
    with pytest.raises(family), translated("PUT"):
        raise error


def test_embedded_store_keeps_everything_over_a_restart(tmp_path: Path) -> None:
    """Bodies, types and metadata written to the embedded store are there after it starts again."""
    with ministack(tmp_path) as server, store_with(s3_endpoint=server.url) as store:
        ensure_buckets(store.client, public=store.bucket, private="nashr-originals")
        etag = store.put("ar/خبر/index.html", b"kept", content_type=HTML, metadata={"status": "410"})
    with ministack(tmp_path) as server, store_with(s3_endpoint=server.url) as store:
        found = store.head("ar/خبر/index.html")
        assert found is not None
        assert (found.etag, found.content_type, found.metadata["status"]) == (etag, HTML, "410")
        assert store.get("ar/خبر/index.html") == b"kept"
