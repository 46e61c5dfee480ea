"""Builds adapters out of settings: the one place that knows both. Mains call it and pass values on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from nashr import failpoints
from nashr.adapters import s3
from nashr.adapters.cdn import HttpPurgeCdn, NullCdn
from nashr.adapters.s3 import S3ObjectStore
from nashr.observability import logs
from nashr.ports import Cdn, ObjectStore
from nashr.settings import Settings, load_for_stack
from nashr.steps import SERVICES
from nashr.store import database, migrate, queue, tokens
from nashr.store.patience import PATIENCE

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


@dataclass(frozen=True)
class Runtime:
    """What a process of nashr works with."""

    settings: Settings
    engine: Engine
    site_store: ObjectStore
    originals: ObjectStore
    cdn: Cdn


def engine(settings: Settings, *, pool: int, application: str, patience: float = PATIENCE) -> Engine:
    """A database engine with ``pool`` connections and as many again under load."""
    return database.connect(settings.database_url, pool=pool, application=application, patience=patience)


def runtime(service: str, *, pool: int, patience: float = PATIENCE) -> Runtime:
    """Everything a service process needs: logs, settings, failpoints, database, stores, edge.

    ``patience``: seconds to wait for a database that hangs.
    """
    logs.configure(service)
    settings = load_for_stack()
    failpoints.arm(settings.failpoints, settings.data)
    client = s3.connect(settings)
    return Runtime(
        settings,
        engine(settings, pool=pool, application=f"nashr-{service}", patience=patience),
        S3ObjectStore(client, settings.s3_bucket),
        S3ObjectStore(client, settings.s3_private_bucket),
        cdn(settings),
    )


def cdn(settings: Settings) -> Cdn:
    """The edge's purge port; a site without an edge in front has nothing to purge."""
    if not settings.edge_url:
        return NullCdn()
    return HttpPurgeCdn(settings.edge_url, settings.purge_secret.get_secret_value())


def prepare(settings: Settings) -> str:
    """Brings database and buckets to the installed version; returns the stack's admin token.

    The token is made once and kept in DIR/admin_token (owner only).
    """
    migrate.upgrade(settings.database_url)
    client = s3.connect(settings)
    s3.ensure_buckets(client, public=settings.s3_bucket, private=settings.s3_private_bucket)
    _check_conditions(client, settings)
    return _admin_token(settings, settings.data / "admin_token")


def _check_conditions(client: S3Client, settings: Settings) -> None:
    found = s3.probe(S3ObjectStore(client, settings.s3_bucket))
    if not found.conditional:
        logs.logger().warning(
            "store.ignores_conditions",
            advice="run a single delivery worker: this store lets a late write overwrite a newer page",
        )


def _admin_token(settings: Settings, path: Path) -> str:
    made = engine(settings, pool=1, application="nashr-prepare")
    try:
        with database.transaction(made) as conn:
            if path.exists() and tokens.check(conn, path.read_text().strip()):
                return path.read_text().strip()
            text = tokens.create(
                conn, name="admin of this stack", role="admin", site=None, expires_at=None, actor="nashr up"
            )
            path.touch(mode=0o600)
            path.write_text(text + "\n")
            return text
    finally:
        made.dispose()


def release_leases(settings: Settings, pid: int) -> None:
    """Gives back what a dead process held, so that nobody waits for its leases to run out."""
    made = engine(settings, pool=1, application="nashr-release")
    try:
        for service in SERVICES:
            queue.release(made, queue.owner_name(service, pid))
    finally:
        made.dispose()
