"""Engines, transactions, statements; and the translation of database trouble into the two families of errors.

SQLAlchemy lends the connections and knows the tables. Statements go to psycopg as they stand: on the way
to readers each costs a third of what it costs through SQLAlchemy's own execution (docs/adr/0007).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from nashr.domain.errors import Unavailable
from nashr.observability import tracing
from nashr.store.patience import PATIENCE, PatientConnection
from nashr.store.resting import IDLE_SECONDS, close_idle

TRUSTED_SECONDS = 1.0  # a connection that spoke this recently is taken to be alive

_TRANSIENT = frozenset({"40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "53300", "53100"})


class DatabaseUnavailable(Unavailable):
    """PostgreSQL did not answer, or asks to try again."""


class StatementTooSlow(DatabaseUnavailable):
    """A statement took longer than it may; perhaps it always will."""

    blameless = False


def connect(
    url: str,
    *,
    pool: int = 5,
    application: str = "nashr",
    patience: float = PATIENCE,
    idle: float = IDLE_SECONDS,
) -> Engine:
    """An engine for ``postgresql://`` URLs; ``pool`` connections and as many again under load.

    ``patience``: seconds it waits for a server that says nothing, before DatabaseUnavailable. ``idle``:
    seconds after which connections that nobody needs are closed, but for one.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in {"postgresql", "postgres"}:
        raise ValueError(f"NASHR_DATABASE_URL starts with {scheme}://; give a postgresql:// URL")
    made = create_engine(
        f"postgresql+psycopg://{rest}",
        pool_size=pool,
        max_overflow=pool,
        pool_timeout=2,
        pool_use_lifo=True,  # so that what a burst opened is idle afterwards
        isolation_level="AUTOCOMMIT",
        connect_args={
            "application_name": application,
            "connect_timeout": 3,
            "options": "-c lock_timeout=5s -c statement_timeout=30s"
            " -c idle_in_transaction_session_timeout=30s -c timezone=UTC",
        },
    )

    @event.listens_for(made, "do_connect")
    def open_connection(_dialect: Any, _record: Any, words: Any, settings: Any) -> PatientConnection:
        return PatientConnection.open(*words, patience=patience, **settings)

    close_idle(made, seconds=idle)
    event.listen(made, "connect", _mark_used)
    event.listen(made, "checkin", _mark_used)
    event.listen(made, "checkout", _check_alive)
    return made


def _mark_used(_connection: Any, record: Any) -> None:
    record.info["used"] = time.monotonic()


def _check_alive(connection: Any, record: Any, _lent: Any) -> None:
    """Asks a connection that has rested whether its server is still there; a dead one is replaced."""
    if time.monotonic() - record.info.get("used", 0.0) < TRUSTED_SECONDS:
        return
    try:
        connection.execute("")
    except psycopg.Error as error:
        raise DisconnectionError from error


@contextmanager
def translated() -> Iterator[None]:
    """Turns outages, time-outs, deadlocks and serialisation failures into DatabaseUnavailable."""
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseUnavailable("all database connections are busy") from error
    except (psycopg.Error, DBAPIError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if _passes(cause):
            slow = isinstance(cause, psycopg.errors.QueryCanceled)
            kind = StatementTooSlow if slow else DatabaseUnavailable
            raise kind(f"the database did not finish: {_first_line(cause)}") from error
        raise


def _passes(error: BaseException | None) -> bool:
    state = getattr(error, "sqlstate", None)
    if state:
        return state in _TRANSIENT
    return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)


def _first_line(error: BaseException | None) -> str:
    return str(error).strip().split("\n", 1)[0]


_last: WeakKeyDictionary[Connection, list[Callable[[Connection], None]]] = WeakKeyDictionary()


def at_end(conn: Connection, act: Callable[[Connection], None]) -> None:
    """Puts off ``act`` to the end of the transaction: for locks that must be taken after all others.

    In the order of asking; the same function once only.
    """
    waiting = _last.setdefault(conn, [])
    if act not in waiting:
        waiting.append(act)


def _ending(conn: Connection) -> Iterator[Callable[[Connection], None]]:
    """What was put off, also by what is run here, each once."""
    waiting = _last.get(conn, [])
    done = 0
    while done < len(waiting):
        yield waiting[done]
        done += 1
    _last.pop(conn, None)


_after: WeakKeyDictionary[Connection, list[Callable[[], None]]] = WeakKeyDictionary()


def after_commit(conn: Connection, act: Callable[[], None]) -> None:
    """Puts off ``act`` until the transaction is committed: what was rolled back is not counted."""
    _after.setdefault(conn, []).append(act)


def _connected(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except InvalidRequestError as error:  # so the pool says that the one after a dead one was dead too
        raise DatabaseUnavailable("the database ends each connection at once") from error


@contextmanager
def _lent(engine: Engine) -> Iterator[Connection]:
    """A connection of the pool; one that broke does not go back there."""
    with translated(), _connected(engine) as conn:
        try:
            yield conn
        except psycopg.Error:
            if driver(conn).closed:
                conn.invalidate()
            raise


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction; what was put off to its end runs before the commit; trouble comes out translated.

    Steps that it makes due belong to the trace at hand, if there is one.
    """
    with _lent(engine) as conn:
        run(conn, "BEGIN")
        if trace := tracing.traceparent():
            run(conn, "SELECT set_config('nashr.traceparent', :trace, true)", trace=trace)
        yield conn
        for act in _ending(conn):
            act(conn)
        run(conn, "COMMIT")
        for told in _after.pop(conn, ()):
            told()


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """One read-only view of the database as it is now."""
    with _lent(engine) as conn:
        run(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield conn
        run(conn, "COMMIT")


@contextmanager
def statement(engine: Engine) -> Iterator[Connection]:
    """Autocommit: for single statements, one round trip each."""
    with _lent(engine) as conn:
        yield conn


def rows(conn: Connection, sql: str, **values: Any) -> list[Mapping[str, Any]]:
    """All rows of a query, as mappings. ``:name`` in ``sql`` stands for a value."""
    return _execute(conn, sql, values).fetchall()


def row(conn: Connection, sql: str, **values: Any) -> Mapping[str, Any] | None:
    """The first row of a query, or None."""
    return _execute(conn, sql, values).fetchone()


def scalar(conn: Connection, sql: str, **values: Any) -> Any:
    """The first column of the first row, or None."""
    found = row(conn, sql, **values)
    return next(iter(found.values())) if found else None


def run(conn: Connection, sql: str, **values: Any) -> int:
    """Runs a statement; returns how many rows it changed."""
    return _execute(conn, sql, values).rowcount


@contextmanager
def copying(conn: Connection, sql: str) -> Iterator[psycopg.Copy]:
    """A COPY to or from the client, in blocks of bytes; the statement is PostgreSQL's own."""
    with driver(conn).cursor() as cursor, cursor.copy(sql) as copy:
        yield copy


def _execute(conn: Connection, sql: str, values: Mapping[str, Any]) -> psycopg.Cursor[Mapping[str, Any]]:
    return _cursor(conn).execute(_for_psycopg(sql), values)


def _cursor(conn: Connection) -> psycopg.Cursor[Mapping[str, Any]]:
    """The one cursor of a connection, kept with it: making one costs as much as a short statement."""
    kept: psycopg.Cursor[Mapping[str, Any]] | None = conn.info.get("cursor")
    if kept is None:
        kept = conn.info["cursor"] = driver(conn).cursor(row_factory=dict_row)
    return kept


def driver(conn: Connection) -> psycopg.Connection[Any]:
    """psycopg's own connection, for the few things that are no statements."""
    made: psycopg.Connection[Any] = conn.connection.driver_connection  # type: ignore[assignment]
    return made


@cache
def _for_psycopg(sql: str) -> str:
    """``:name`` as ``%(name)s``; a cast keeps its two colons, a per cent sign stands for itself."""
    return re.sub(r"(?<![:\w]):([a-z_]\w*)", r"%(\1)s", sql.replace("%", "%%"))
