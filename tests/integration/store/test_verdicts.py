"""One verdict on a store for all processes: who probes, what counts, and when it is an alarm."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Lock
from typing import TYPE_CHECKING

import pytest
from nashr.adapters import s3verdict
from nashr.adapters.s3 import S3ObjectStore, connect, ensure_buckets
from nashr.adapters.s3probe import Capabilities, Kept, Mode, probe
from nashr.adapters.s3verdict import Agreed
from nashr.ports import StoreUnavailable
from nashr.settings import load
from nashr.store import measures
from nashr.store.database import statement

from tests.servers import free_port, rclone

if TYPE_CHECKING:
    from sqlalchemy import Engine

GOOD = Capabilities(Kept.KEPT, Kept.KEPT, race=True, metadata=True, checksums=True)
RACY = Capabilities(Kept.KEPT, Kept.KEPT, race=False, metadata=True, checksums=True)
CAS, SINGLE = Mode.COMPARE_AND_SWAP, Mode.SINGLE_WRITER


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3ObjectStore]:
    with rclone(tmp_path_factory.mktemp("rclone")) as server:
        settings = load(s3_endpoint=server.url)
        with closing(connect(settings)) as client:
            ensure_buckets(client, public=settings.s3_bucket, private=settings.s3_private_bucket)
            yield S3ObjectStore(client, settings.s3_bucket)


def alarms(engine: Engine) -> float:
    with statement(engine) as conn:
        return next(
            one.value for one in measures.current(conn) if one.series == "nashr_store_verdicts_disputed"
        )


def test_of_many_that_need_it_one_probes(
    store: S3ObjectStore, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six processes start at once and again: the store is probed once, and all go by what came out."""
    probed, lock = list[S3ObjectStore](), Lock()

    def counted(asked: S3ObjectStore) -> Capabilities:
        with lock:
            probed.append(asked)
        return probe(asked)

    monkeypatch.setattr(s3verdict, "probe", counted)
    with ThreadPoolExecutor(6) as processes:
        found = list(processes.map(lambda _: s3verdict.current(engine, store), range(12)))
    assert (set(found), len(probed)) == ({SINGLE}, 1)


def test_a_store_that_cannot_be_asked_has_no_verdict(engine: Engine) -> None:
    """It is asked again by the next one who needs it."""
    with closing(connect(load(s3_endpoint=f"http://127.0.0.1:{free_port()}"))) as client:
        away = S3ObjectStore(client, "b")
        with pytest.raises(StoreUnavailable):
            s3verdict.current(engine, away)
        assert s3verdict.record(engine, away, GOOD) == Agreed(CAS, None)
        assert s3verdict.current(engine, away) is CAS


def test_what_is_worse_counts_at_once_and_is_an_alarm(store: S3ObjectStore, engine: Engine) -> None:
    """Also where nobody asked for it; it is over when the same comes out again."""
    s3verdict.record(engine, store, GOOD)
    assert alarms(engine) == 0
    assert s3verdict.record(engine, store, RACY) == Agreed(SINGLE, CAS)
    assert (s3verdict.current(engine, store), alarms(engine)) == (SINGLE, 1)
    s3verdict.record(engine, store, RACY)
    assert alarms(engine) == 0


def test_what_is_better_counts_only_for_an_operator(store: S3ObjectStore, engine: Engine) -> None:
    """A race may hold by luck: a start alarms and changes nothing, ``nashr storage check`` does."""
    s3verdict.record(engine, store, RACY)
    assert s3verdict.record(engine, store, GOOD) == Agreed(SINGLE, SINGLE)
    assert (s3verdict.current(engine, store), alarms(engine)) == (SINGLE, 1)
    assert s3verdict.record(engine, store, GOOD, trusted=True) == Agreed(CAS, SINGLE)
    assert (s3verdict.current(engine, store), alarms(engine)) == (CAS, 1)
    s3verdict.record(engine, store, GOOD, trusted=True)
    assert alarms(engine) == 0


def test_each_place_has_its_own(store: S3ObjectStore, engine: Engine) -> None:
    """Another bucket at the same endpoint may be another store behind it."""
    s3verdict.record(engine, store, RACY)
    s3verdict.record(engine, S3ObjectStore(store.client, "other"), GOOD)
    assert s3verdict.current(engine, store) is SINGLE
    assert s3verdict.current(engine, S3ObjectStore(store.client, "other")) is CAS
