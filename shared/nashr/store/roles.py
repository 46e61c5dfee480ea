"""Who may do what in the database: one role per kind of service, and the rights of each on every table.

The owner (who runs ``nashr migrate``) has all rights and gives these. A table that stands here for nobody is
nobody's but the owner's: tests/integration/store/test_roles.py names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from psycopg import sql
from sqlalchemy import Connection

from nashr.store.database import driver, row, rows, run, scalar

Role: TypeAlias = Literal["nashr_ingest", "nashr_worker", "nashr_delivery", "nashr_reader"]

INGEST: Final[Role] = "nashr_ingest"
WORKER: Final[Role] = "nashr_worker"
"""Relay, images, related and cards."""
DELIVERY: Final[Role] = "nashr_delivery"
READER: Final[Role] = "nashr_reader"
"""Reads what is no secret, and changes nothing: for people and reports."""
ROLES: Final[Sequence[Role]] = (INGEST, WORKER, DELIVERY, READER)


@dataclass(frozen=True)
class Rights:
    """What a role may do with a table: letters of "siud" (select, insert, update, delete), or columns."""

    letters: str = ""
    insert: tuple[str, ...] = ()
    update: tuple[str, ...] = ()
    select: tuple[str, ...] = ()


_WORDS: Final = {"s": "SELECT", "i": "INSERT", "u": "UPDATE", "d": "DELETE"}
_WANTING: Final = Rights(
    "s", insert=("site", "path", "kind", "subject"), update=("kind", "subject", "wanted", "reasons")
)
"""To want a page, and no more: only delivery says what is live."""

_TELLING: Final = Rights(select=("id", "site", "events", "state"), update=("updated_at",))
"""To add what a webhook is to be told while nobody changes it: a lock takes the right to update something."""

_TABLES: Final[Mapping[str, tuple[str | Rights, str | Rights, str | Rights]]] = {
    # table: what ingest, workers and delivery may do
    "site": ("siu", Rights("s", update=("chrome",)), Rights("s", update=("chrome",))),
    "article": ("siu", Rights("s", update=("unlinked_since",)), "su"),
    "revision": ("si", "s", "su"),
    "correction": ("si", "s", "sd"),
    "article_asset": ("siud", "s", "siud"),
    "asset": ("siu", "su", "su"),
    "front": ("siu", "s", "s"),
    "pin": ("siud", "s", "sd"),
    "author": ("siu", "s", "s"),
    "shelf": ("siu", "s", "siu"),
    "shelved": ("siud", "s", "siud"),
    "preview": ("siud", "", "s"),
    "publication": ("siu", "su", "su"),
    "publication_step": ("si", "si", "sid"),
    "page": (_WANTING, _WANTING, "siu"),
    "step": ("siud", "siu", "siud"),
    "need": ("siud", "siud", "siud"),
    "object": ("su", "siu", "siud"),
    "asset_use": ("s", "s", "siud"),
    "corpus": ("s", "siud", "su"),
    "signature": ("s", "siud", "sud"),
    "wording": ("s", "siud", "sd"),
    "posting": ("s", "siud", "sd"),
    "term": ("s", "siud", "siud"),
    "link": ("s", "siud", "sd"),
    "event": ("si", "si", "si"),
    "audit": ("si", "i", "i"),
    "token": ("siu", "", ""),
    "idempotency": ("si", Rights("d", select=("created_at",)), ""),
    "metric": ("siu", "siu", "siu"),
    "store_verdict": ("s", "", "siu"),
    "webhook": ("siud", _TELLING, "su"),
    "alembic_version": ("s", "s", "s"),
}
_HIDDEN: Final = {
    "token": ("sha256",),
    "site": ("secret",),
    "idempotency": ("headers", "body"),
    "webhook": ("secret", "old_secret"),
}
"""Columns that the reader does not see."""


def rights(role: Role, table: str) -> Rights:
    """What ``role`` may do with ``table``; nothing with one that nobody has thought of."""
    if role == READER:
        return Rights() if table in _HIDDEN or table not in _TABLES else Rights("s")
    found = _TABLES.get(table, ("", "", ""))[ROLES.index(role)]
    return found if isinstance(found, Rights) else Rights(found)


def known() -> frozenset[str]:
    """The tables of which somebody has said who may do what."""
    return frozenset(_TABLES)


def missing(conn: Connection) -> Sequence[Role]:
    """The roles that the server does not have."""
    found = {item["rolname"] for item in rows(conn, "SELECT rolname FROM pg_roles")}
    return [role for role in ROLES if role not in found]


def create(conn: Connection, roles: Iterable[Role]) -> None:
    """Makes roles that may log in, and have no password until somebody gives them one."""
    for role in roles:
        run(conn, f"CREATE ROLE {role} LOGIN")


def may_create(conn: Connection) -> bool:
    """Whether we have the right to make roles."""
    found = row(conn, "SELECT rolcreaterole OR rolsuper AS may FROM pg_roles WHERE rolname = current_user")
    return bool(found and found["may"])


def settle_passwords(conn: Connection, passwords: Mapping[Role, str]) -> Mapping[Role, str]:
    """Gives these roles their passwords, and notes at the role that this database has done so.

    Roles belong to the whole server. One whose password another database on it has set keeps that, and is
    returned with the other's name: its services would be locked out.
    """
    ours = str(scalar(conn, "SELECT current_database()"))
    elsewhere: dict[Role, str] = {}
    for role, password in passwords.items():
        whose = _password_of(conn, role)
        if whose not in {None, ours}:
            elsewhere[role] = str(whose)
            continue
        set_password(conn, role, password)
        note = sql.SQL("COMMENT ON ROLE {} IS {}")
        driver(conn).execute(note.format(sql.Identifier(role), sql.Literal(_MARK + ours)))
    return elsewhere


_MARK: Final = "nashr: the password is that of database "


def _password_of(conn: Connection, role: Role) -> str | None:
    """The database that has set a role's password, as long as the server has that database."""
    found = scalar(
        conn,
        """SELECT datname FROM pg_roles JOIN pg_database
            ON shobj_description(pg_roles.oid, 'pg_authid') = CAST(:mark AS text) || datname
        WHERE rolname = :role""",
        mark=_MARK, role=role,
    )  # fmt: skip
    return None if found is None else str(found)


def set_password(conn: Connection, role: Role, password: str) -> None:
    """Gives ``role`` a password. What the server sees, and may log, is a SCRAM verifier."""
    connection = driver(conn)
    words = (password.encode(), role.encode(), b"scram-sha-256")
    verifier = connection.pgconn.encrypt_password(*words).decode()
    connection.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier))
    )


def grant(conn: Connection, roles: Iterable[Role] = ROLES) -> None:
    """Gives each role its rights on every table, and takes all others away. Repeating it changes nothing."""
    tables = [
        item["relname"]
        for item in rows(
            conn,
            """SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')
                AND relnamespace = CAST(current_schema() AS regnamespace) ORDER BY relname""",
        )
    ]
    for role in roles:
        for table in tables:
            run(conn, f'REVOKE ALL ON "{table}" FROM {role}')
            for words in _granted(conn, role, table):
                run(conn, f'GRANT {words} ON "{table}" TO {role}')


def _granted(conn: Connection, role: Role, table: str) -> list[str]:
    found = rights(role, table)
    if role == READER and table in _HIDDEN:
        found = Rights(select=_shown(conn, table))
    words = [_WORDS[letter] for letter in found.letters]
    columns = (("SELECT", found.select), ("INSERT", found.insert), ("UPDATE", found.update))
    return words + [f"{word} ({', '.join(names)})" for word, names in columns if names]


def _shown(conn: Connection, table: str) -> tuple[str, ...]:
    found = rows(
        conn,
        """SELECT attname FROM pg_attribute WHERE attrelid = CAST(:table AS regclass) AND attnum > 0
            AND NOT attisdropped ORDER BY attnum""",
        table=table,
    )
    return tuple(item["attname"] for item in found if item["attname"] not in _HIDDEN[table])
