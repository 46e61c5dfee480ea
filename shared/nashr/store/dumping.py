"""The tables out of one snapshot and into an empty database, as PostgreSQL's own COPY writes it.

COPY needs no program beside the server and reads into any later PostgreSQL; what it cannot do is another
schema, so the two must be at the same version.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def load(conn: Connection, table: Table, names: Sequence[str], blocks: Iterable[bytes]) -> None:
    """Reads what ``dump`` wrote into an empty table, and has its numbers go on behind it. Raises Unlike."""
    unknown = set(names) - set(columns(table))
    if unknown:
        raise Unlike(f"{table.name} has no column {', '.join(sorted(unknown))}")
    named = ", ".join(f'"{name}"' for name in names)
    with copying(conn, f'COPY "{table.name}" ({named}) FROM STDIN') as copy:
        for block in blocks:
            copy.write(block)
    for column in table.columns:
        if column.identity is not None:
            run(
                conn,
                f"""SELECT setval(pg_get_serial_sequence('"{table.name}"', '{column.name}'),
                    max("{column.name}")) FROM "{table.name}" HAVING count(*) > 0""",
            )


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
