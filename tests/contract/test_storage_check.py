"""What ``nashr storage check`` finds, on two servers by other hands and on one that knows no conditions."""

from __future__ import annotations

from contextlib import closing

import pytest
from nashr.adapters.s3 import S3ObjectStore, connect
from nashr.adapters.s3check import Buckets, check
from nashr.adapters.s3probe import Kept, Mode, probe
from nashr.settings import load

from tests.contract.conftest import Bench
from tests.contract.standins import Judge, compares_first, proxy, refuses

FAILS = {
    # Its key is not checked, so anybody is anybody.
    "ministack": {"no listing for readers", "no writing for readers", "private originals"},
    "rclone": {"If-None-Match: *", "If-Match", "checksums", "keys below keys", "readers of the site"},
}
"""What each server is known to lack; everything else works on both."""


def test_the_check_finds_what_each_server_is_known_for(bench: Bench) -> None:
    """Every finding is right, the mode is the one that delivery goes by, and nothing is left behind."""
    private = S3ObjectStore(bench.store.client, bench.settings.s3_private_bucket)
    verdict = check(Buckets(bench.store, private, read_by_anyone=True))
    assert {one.name for one in verdict.findings if not one.works} == FAILS[bench.name]
    assert all(one.means for one in verdict.findings if not one.works)
    assert verdict.mode is bench.known.mode
    assert [*bench.store.keys("_nashr/"), *private.keys("_nashr/")] == []
    # The edge's reading is rclone's one need that is not met; ministack lets strangers write and read.
    assert not verdict.can_run
    needed = {one.name for one in verdict.findings if one.needed and not one.works}
    assert needed == FAILS[bench.name] & {
        "readers of the site",
        "no writing for readers",
        "private originals",
    }


def test_a_bucket_that_is_not_there_ends_the_check(bench: Bench) -> None:
    """There is one finding, it says how to make the bucket, and no mode is decided."""
    verdict = check(Buckets(S3ObjectStore(bench.store.client, "no-such-bucket"), None, False))
    assert (verdict.mode, verdict.can_run) == (None, False)
    assert [one.means for one in verdict.findings] == ["nashr migrate makes missing buckets"]


@pytest.mark.parametrize(
    ("how", "kept"), [(refuses, Kept.REFUSED), (compares_first, Kept.KEPT)], ids=["refused", "in a race"]
)
def test_half_a_condition_makes_a_single_writer(bench: Bench, how: Judge, kept: Kept) -> None:
    """A store that refuses conditions, or forgets them between writers at once, is written by one process."""
    if bench.name == "rclone":
        pytest.skip("rclone takes no request that was signed for another address")
    with proxy(bench.settings.s3_endpoint, how) as url, closing(connect(load(s3_endpoint=url))) as client:
        found = probe(S3ObjectStore(client, bench.settings.s3_bucket))
    assert (found.if_none_match, found.if_match) == (kept, kept)
    assert (found.mode, found.race) == (Mode.SINGLE_WRITER, False)
