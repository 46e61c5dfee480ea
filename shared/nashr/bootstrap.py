"""Builds adapters out of settings: the one place that knows both. Mains call it and pass values on.

Vendors are imported where they are used, so that a process holds what it works with and no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Thread
from typing import TYPE_CHECKING, Literal, TypeAlias

from sqlalchemy import Engine

from nashr import failpoints
from nashr.observability import logs, tracing
from nashr.ports import Cdn, ObjectStore
from nashr.settings import Settings, load_for_stack
from nashr.store import database, schema
from nashr.store.patience import PATIENCE

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from nashr.adapters.abroad import Sender
    from nashr.adapters.cdn.purger import Purger
    from nashr.adapters.s3 import S3ObjectStore

Part: TypeAlias = Literal["site_store", "originals", "purger", "sender"]


@dataclass(frozen=True)
class Runtime:
    """What a process of nashr works with; stores and edge are connected when first asked for."""

    settings: Settings
    engine: Engine
    writes_pages: bool = False

    @cached_property
    def site_store(self) -> ObjectStore:
        """The bucket of the published site; who writes pages may rely on its conditions."""
        store = self._bucket(self.settings.s3_bucket, much=True)
        return _one_writer(store, self.engine, self.settings) if self.writes_pages else store

    @cached_property
    def originals(self) -> ObjectStore:
        """The private bucket."""
        return self._bucket(self.settings.s3_private_bucket)

    @cached_property
    def purger(self) -> Purger:
        """The edge, purged within its limits, and read through as a reader would."""
        return _purger(self.settings, self.engine)

    @cached_property
    def sender(self) -> Sender:
        """Requests to addresses that people have named."""
        from nashr.adapters.abroad import Sender  # noqa: PLC0415
        from nashr.domain.reach import Reach  # noqa: PLC0415

        return Sender(Reach(self.settings.webhooks_reach))

    def _bucket(self, name: str, *, much: bool = False) -> S3ObjectStore:
        """``much``: so much is put there that a client of its own pays."""
        from nashr.adapters.s3 import S3ObjectStore  # noqa: PLC0415 - 25 MB (measured)

        if not much:
            return S3ObjectStore(self._client, name)
        from nashr.adapters.s3put import QuickPuts  # noqa: PLC0415

        return S3ObjectStore(self._client, name, quick=QuickPuts(self.settings, self._client, name))

    @cached_property
    def _client(self) -> S3Client:
        from nashr.adapters import s3  # noqa: PLC0415

        return s3.connect(self.settings)


def engine(settings: Settings, *, pool: int, application: str, patience: float = PATIENCE) -> Engine:
    """A database engine with ``pool`` connections and as many again under load."""
    return database.connect(settings.database_url, pool=pool, application=application, patience=patience)


def begin(service: str) -> Settings:
    """The beginning of every process: logs, settings, traces, failpoints."""
    logs.configure(service)
    settings = load_for_stack()
    tracing.configure(service, url=settings.traces_url, share=settings.traces_share)
    failpoints.arm(settings.failpoints, settings.data)
    return settings


def runtime(
    service: str,
    *,
    pool: int,
    patience: float = PATIENCE,
    uses: Sequence[Part] = (),
    writes_pages: bool = False,
    answers: bool = False,
) -> Runtime:
    """Everything a service process needs, once the database has its schema.

    What it ``uses`` is connected now: no step waits for that.

    ``answers``: it has something to say also while the database is away, so it does not wait for that.
    ``patience``: seconds to wait for a database that hangs. ``writes_pages``: its conditional writes
    hold on any store, if need be by being the only ones.
    """
    settings = begin(service)
    connected = engine(settings, pool=pool, application=f"nashr-{service}", patience=patience)
    schema.wait(connected, for_answer=not answers)
    made = Runtime(settings, connected, writes_pages)
    for part in uses:
        getattr(made, part)
    return made


def _one_writer(store: S3ObjectStore, engine: Engine, settings: Settings) -> ObjectStore:
    from nashr.adapters import s3verdict  # noqa: PLC0415
    from nashr.adapters.one_writer import OneWriter  # noqa: PLC0415
    from nashr.adapters.s3probe import Mode  # noqa: PLC0415
    from nashr.store.writerlock import WriterLock  # noqa: PLC0415

    def mode() -> Mode:
        single = settings.s3_writes == "single-writer"
        return Mode.SINGLE_WRITER if single else s3verdict.current(engine, store)

    made = OneWriter(store, WriterLock(engine), mode=mode)
    Thread(target=made.ask, name="ask-store", daemon=True).start()
    return made


def cdn(settings: Settings) -> Cdn:
    """The edge's purge port; a site without an edge in front has nothing to purge."""
    from nashr.adapters.cdn import connect  # noqa: PLC0415 - 12 MB (measured)

    return connect(settings)


def _purger(settings: Settings, engine: Engine) -> Purger:
    from nashr.adapters.cdn.purger import Purger  # noqa: PLC0415
    from nashr.store.spending import MonthLedger  # noqa: PLC0415

    ledger, soft = MonthLedger(engine), bool(settings.cdn_soft)
    return Purger(cdn(settings), ledger=ledger, budget=settings.cdn_budget, soft=soft)
