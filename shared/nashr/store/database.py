"""Engines and the translation of database trouble into the two families of errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from nashr.domain.errors import Retryable
from nashr.store.patience import PATIENCE, PatientConnection

_TRANSIENT = frozenset({"40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "53300", "53100"})


class DatabaseUnavailable(Retryable):
    """PostgreSQL did not answer, or asks to try again."""


def connect(url: str, *, pool: int = 5, application: str = "nashr", patience: float = PATIENCE) -> Engine:
    """An engine for ``postgresql://`` URLs; ``pool`` connections and as many again under load.

    ``patience``: seconds it waits for a server that says nothing, before DatabaseUnavailable.
    """
    scheme, _, rest = url.partition("://")
    if scheme not in {"postgresql", "postgres"}:
        raise ValueError(f"NASHR_DATABASE_URL starts with {scheme}://; give a postgresql:// URL")
    made = create_engine(
        f"postgresql+psycopg://{rest}",
        pool_size=pool,
        max_overflow=pool,
        pool_timeout=2,
        pool_pre_ping=True,
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

    return made


@contextmanager
def translated() -> Iterator[None]:
    """Turns outages, time-outs, deadlocks and serialisation failures into DatabaseUnavailable."""
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseUnavailable("all database connections are busy") from error
    except DBAPIError as error:
        if error.connection_invalidated or isinstance(error, InterfaceError) or _passes(error):
            raise DatabaseUnavailable(f"the database did not finish: {_first_line(error)}") from error
        raise


def _passes(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return state in _TRANSIENT if state else isinstance(error, OperationalError)


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().split("\n", 1)[0]


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


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One transaction; what was put off to its end runs before the commit; trouble comes out translated."""
    with translated(), engine.begin() as conn:
        yield conn
        for act in _ending(conn):
            act(conn)


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """One read-only view of the database as it is now."""
    with translated(), engine.connect().execution_options(isolation_level="REPEATABLE READ") as conn:
        yield conn
        conn.rollback()


@contextmanager
def statement(engine: Engine) -> Iterator[Connection]:
    """Autocommit: for single statements, one round trip each."""
    with translated(), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        yield conn


def rows(conn: Connection, sql: str, **values: Any) -> list[Mapping[str, Any]]:
    """All rows of a query, as mappings."""
    return [dict(row) for row in conn.execute(text(sql), values).mappings()]


def row(conn: Connection, sql: str, **values: Any) -> Mapping[str, Any] | None:
    """The first row of a query, or None."""
    found = conn.execute(text(sql), values).mappings().first()
    return dict(found) if found is not None else None


def scalar(conn: Connection, sql: str, **values: Any) -> Any:
    """The first column of the first row, or None."""
    return conn.execute(text(sql), values).scalar()


def run(conn: Connection, sql: str, **values: Any) -> int:
    """Runs a statement; returns how many rows it changed."""
    return conn.execute(text(sql), values).rowcount
