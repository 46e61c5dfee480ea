"""A fresh, migrated database on the session's PostgreSQL, and what its tests need to look inside."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
import pytest
from nashr.store import database as db
from nashr.store import migrate
from sqlalchemy import Engine

if TYPE_CHECKING:
    from tests.conftest import Stack

TABLES = "step, need, page, event, idempotency, metric, site, store_verdict"


@contextmanager
def _database(server: str, *, like: str = "template1") -> Iterator[str]:
    """The URL of a database that is gone after the block; ``like``: the name of the one it is a copy of."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}".encode())
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def blank(stack: Stack) -> Iterator[str]:
    """The URL of a database without a schema."""
    with _database(_server(stack)) as url:
        yield url


def _server(stack: Stack) -> str:
    url: str = json.loads((stack.data / "stack.json").read_text())["database_url"]
    return url


@pytest.fixture(scope="session")
def _migrated(stack: Stack) -> Iterator[str]:
    """The URL of a database at the newest schema that nobody works in: a copy is quicker than a migration."""
    with _database(_server(stack)) as url:
        migrate.upgrade(url)
        yield url


@pytest.fixture(scope="module")
def database(_migrated: str) -> Iterator[str]:
    """The URL of a database of this module's own, at the newest schema."""
    with _database(_migrated, like=urlsplit(_migrated).path[1:]) as url:
        yield url


@pytest.fixture(scope="module")
def _engine(database: str) -> Iterator[Engine]:
    made = db.connect(database, pool=12, application="test")
    yield made
    made.dispose()


@pytest.fixture
def engine(_engine: Engine) -> Engine:
    """An engine over an empty database with one site, ``s``."""
    with db.transaction(_engine) as conn:
        db.run(conn, f"TRUNCATE {TABLES} CASCADE")
        db.run(conn, "INSERT INTO site (id, config, secret) VALUES ('s', '{}', 'x')")
    return _engine


class Inside:
    """Looks at and moves rows behind the code's back: how a test makes time pass."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def step(self, step: int) -> dict[str, Any]:
        """A step's row; ``in_seconds`` says when it is due, ``leased_for`` how long its lease lasts."""
        with db.statement(self._engine) as conn:
            found = db.row(
                conn,
                """SELECT *, EXTRACT(EPOCH FROM available_at - clock_timestamp())::float8 AS in_seconds,
                    EXTRACT(EPOCH FROM lease_until - clock_timestamp())::float8 AS leased_for
                FROM step WHERE id = :step""",
                step=step,
            )
        assert found is not None
        return dict(found)

    def page(self, path: str) -> dict[str, Any]:
        with db.statement(self._engine) as conn:
            found = db.row(conn, "SELECT * FROM page WHERE path = :path", path=path)
        assert found is not None
        return dict(found)

    def deliver(self, path: str) -> dict[str, Any]:
        """The deliver step of a page."""
        return self.step(
            self.scalar("SELECT id FROM step WHERE kind = 'deliver' AND input->>'path' = :path", path=path)
        )

    def scalar(self, sql: str, **values: Any) -> Any:
        with db.statement(self._engine) as conn:
            return db.scalar(conn, sql, **values)

    def run(self, sql: str, **values: Any) -> int:
        with db.statement(self._engine) as conn:
            return db.run(conn, sql, **values)

    def expire(self, step: int) -> None:
        """The lease has run out a second ago."""
        self.run(
            "UPDATE step SET lease_until = clock_timestamp() - interval '1 second' WHERE id = :id", id=step
        )

    def due(self, step: int, *, ago: float = 0.0) -> None:
        """The step has been due for ``ago`` seconds."""
        self.run(
            "UPDATE step SET available_at = clock_timestamp() - make_interval(secs => :ago) WHERE id = :id",
            id=step, ago=ago,
        )  # fmt: skip


@pytest.fixture
def inside(engine: Engine) -> Inside:
    return Inside(engine)
