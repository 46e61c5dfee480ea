"""The tables out of one snapshot and into an empty database, as PostgreSQL's own COPY writes it.

COPY needs no program beside the server and reads into any later PostgreSQL. Tables of an older version are
read into a schema of their own, and migrated there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO, Final

from sqlalchemy import Connection, Table

from nashr.store.database import copying, rows, run, scalar
from nashr.store.tables import metadata

_NO_CONTENT: Final = frozenset({"metric", "store_verdict"})
"""What processes have counted, and what they found their store to be: an empty installation has its own."""

TABLES: Final[Sequence[Table]] = [table for table in metadata.sorted_tables if table.name not in _NO_CONTENT]
"""What a row refers to comes before it."""

_CONTENT: Final = ("site", "article", "asset", "page")
"""Tables that hold nothing as long as an installation has not been used."""


class Unlike(Exception):
    """A dump of columns that this schema does not have."""


def unhurried(conn: Connection) -> None:
    """Lets this transaction take as long as it takes."""
    run(conn, "SET LOCAL statement_timeout = 0")
    run(conn, "SET LOCAL idle_in_transaction_session_timeout = 0")


def columns(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def dump(conn: Connection, table: Table, into: BinaryIO) -> int:
    """Writes a table's rows; returns how many. All tables in one snapshot fit together."""
    names = ", ".join(f'"{name}"' for name in columns(table))
    with copying(conn, f'COPY (SELECT {names} FROM "{table.name}") TO STDOUT') as copy:
        into.writelines(copy)
    return int(scalar(conn, f'SELECT count(*) FROM "{table.name}"'))


def load(conn: Connection, table: str, names: Sequence[str], blocks: Iterable[bytes]) -> None:
    """Reads what ``dump`` wrote into an empty table, and has its numbers go on behind it. Raises Unlike."""
    unknown = set(names) - set(_there(conn, table))
    if unknown:
        raise Unlike(f"{table} has no column {', '.join(sorted(unknown))}")
    with copying(conn, f'COPY "{table}" ({_listed(names)}) FROM STDIN') as copy:
        for block in blocks:
            copy.write(block)
    _go_on(conn, table)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _there(conn: Connection, table: str) -> Sequence[str]:
    """The columns of a table of the database, whatever this code knows of it; none without a table."""
    found = rows(
        conn,
        """SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(:table) AND attnum > 0
            AND NOT attisdropped ORDER BY attnum""",
        table=f'"{table}"',
    )
    return [item["attname"] for item in found]


def _go_on(conn: Connection, table: str) -> None:
    """Has the numbers that the database gives go on behind those that are there."""
    numbered = rows(
        conn,
        """SELECT attname FROM pg_attribute WHERE attrelid = CAST(:table AS regclass)
            AND attidentity <> '' AND NOT attisdropped""",
        table=f'"{table}"',
    )
    for column in (item["attname"] for item in numbered):
        run(
            conn,
            f"""SELECT setval(pg_get_serial_sequence('"{table}"', '{column}'), max("{column}"))
            FROM "{table}" HAVING count(*) > 0""",
        )


_STAGE: Final = "nashr_restoring"


def may_stage(conn: Connection) -> bool:
    """Whether we have the right to ``stage``."""
    return bool(scalar(conn, "SELECT has_database_privilege(current_database(), 'CREATE')"))


@contextmanager
def stage(conn: Connection) -> Iterator[None]:
    """Inside, tables are made and found in a schema of their own; then their rows are in the real ones.

    For rows of an older version, which migrations bring to this one before anybody sees them. All within
    the transaction at hand; the real tables are empty.
    """
    ours = str(scalar(conn, "SELECT current_schema()"))
    path = str(scalar(conn, "SHOW search_path"))
    run(conn, f"DROP SCHEMA IF EXISTS {_STAGE} CASCADE")
    run(conn, f"CREATE SCHEMA {_STAGE}")
    run(conn, f"SET LOCAL search_path TO {_STAGE}")
    yield
    run(conn, "SELECT set_config('search_path', :path, true)", path=path)
    for table in TABLES:
        names = _listed(columns(table))
        run(
            conn,
            f"""INSERT INTO "{ours}"."{table.name}" ({names}) OVERRIDING SYSTEM VALUE
            SELECT {names} FROM {_STAGE}."{table.name}" """,
        )
        _go_on(conn, table.name)
    run(conn, f"DROP SCHEMA {_STAGE} CASCADE")


def close(conn: Connection) -> None:
    """Nobody else writes a dumped table until the transaction ends, so that what is empty stays empty."""
    names = ", ".join(f'"{table.name}"' for table in TABLES)
    run(conn, f"LOCK TABLE {names} IN SHARE ROW EXCLUSIVE MODE")


def content(conn: Connection) -> dict[str, int]:
    """How many rows there are of what somebody has made here; nothing in an empty installation."""
    found = {name: int(scalar(conn, f'SELECT count(*) FROM "{name}"')) for name in _CONTENT}
    return {name: number for name, number in found.items() if number}


def clear(conn: Connection) -> None:
    """Forgets what an empty installation has written about itself, audit trail included: for its owner."""
    run(conn, "ALTER TABLE audit DISABLE TRIGGER audit_append_only")
    for table in reversed(TABLES):
        run(conn, f'DELETE FROM "{table.name}"')
    run(conn, "ALTER TABLE audit ENABLE TRIGGER audit_append_only")


def tokens(conn: Connection) -> Sequence[dict[str, object]]:
    """The tokens of this installation, to be kept beside the restored ones."""
    return [dict(item) for item in rows(conn, "SELECT * FROM token WHERE site IS NULL")]


def keep_tokens(conn: Connection, kept: Iterable[dict[str, object]]) -> None:
    for item in kept:
        run(
            conn,
            """INSERT INTO token (id, name, role, sha256, created_at, expires_at, revoked_at)
            VALUES (:id, :name, :role, :sha256, :created_at, :expires_at, :revoked_at)
            ON CONFLICT DO NOTHING""",
            **item,
        )
