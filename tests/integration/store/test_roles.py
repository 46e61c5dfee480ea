"""Each service's role in the database may do what its service does, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from nashr.runtime.services import SERVICES, as_role
from nashr.store import migrate, roles
from nashr.store.migrate import Unsettled
from nashr.store.roles import DELIVERY, INGEST, READER, ROLES, WORKER, Role
from nashr.store.tables import metadata

DENIED = psycopg.errors.InsufficientPrivilege
every_role = pytest.mark.parametrize("role", ROLES)


@pytest.fixture(scope="module")
def granted(database: str) -> str:
    """The database, with rights given twice: repeating it changes nothing."""
    assert migrate.give_rights(database, passwords={}) == Unsettled()
    assert migrate.give_rights(database, passwords={}) == Unsettled()
    with psycopg.connect(database) as connection:
        connection.execute("INSERT INTO site (id, config, secret) VALUES ('s', '{}', 'x')")
    return database


@pytest.fixture(scope="module")
def sql(granted: str) -> Iterator[SqlAs]:
    made = SqlAs(granted)
    yield made
    made.close()


class SqlAs:
    """Runs single statements as a role."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: dict[str, psycopg.Connection[tuple[object, ...]]] = {}

    def __call__(self, role: Role, statement: str) -> None:
        if role not in self._open:
            self._open[role] = psycopg.connect(as_role(self._url, role), autocommit=True)
        self._open[role].execute(statement.encode())

    def may(self, role: Role, statement: str) -> bool:
        try:
            self(role, statement)
        except DENIED:
            return False
        return True

    def close(self) -> None:
        for connection in self._open.values():
            connection.close()


def test_every_table_has_somebody_who_thought_of_it() -> None:
    """A new table fails here until somebody says who may do what with it."""
    assert roles.known() == set(metadata.tables) | {"alembic_version"}


def test_every_service_connects_as_a_role() -> None:
    """But the edge, which knows no database."""
    assert {spec.name: spec.role for spec in SERVICES} == {
        "edge": "", "ingest": INGEST, "relay": WORKER, "images": WORKER, "related": WORKER,
        "cards": WORKER, "delivery": DELIVERY,
    }  # fmt: skip


@every_role
def test_rights_are_what_was_said(granted: str, role: Role) -> None:
    """What PostgreSQL says of each table is what the declaration says: no more, no less."""
    words = {"s": "SELECT", "i": "INSERT", "u": "UPDATE", "d": "DELETE"}
    with psycopg.connect(granted) as connection:
        found = connection.execute(
            """SELECT table_name, privilege_type FROM information_schema.role_table_grants
            WHERE grantee = %s AND table_schema = 'public'""",
            [role],
        ).fetchall()
    wanted = {
        (table, words[letter]) for table in roles.known() for letter in roles.rights(role, table).letters
    }
    assert set(found) == wanted


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (INGEST, "UPDATE page SET live = live + 1"),
        (INGEST, "UPDATE page SET attempted = 0"),
        (INGEST, "UPDATE page SET etag = 'x'"),
        (INGEST, "INSERT INTO page (site, path, kind, live) VALUES ('s', '/', 'front', 9)"),
        (INGEST, "DELETE FROM page"),
        (INGEST, "UPDATE revision SET doc = '{}'"),
        (INGEST, "DELETE FROM event"),
        (INGEST, "DELETE FROM token"),
        (INGEST, "INSERT INTO object (key) VALUES ('x')"),
        (INGEST, "DROP TABLE audit"),
        (INGEST, "CREATE TABLE mine (id int)"),
        (WORKER, "SELECT id FROM token"),
        (WORKER, "UPDATE token SET role = 'admin'"),
        (WORKER, "SELECT body FROM idempotency"),
        (WORKER, "UPDATE page SET live = live + 1"),
        (WORKER, "UPDATE revision SET doc = '{}'"),
        (WORKER, "UPDATE article SET headline = 'x'"),
        (WORKER, "SELECT * FROM preview"),
        (WORKER, "SELECT * FROM audit"),
        (DELIVERY, "SELECT id FROM token"),
        (DELIVERY, "INSERT INTO token (id, name, role, sha256) VALUES ('x', 'x', 'admin', '')"),
        (DELIVERY, "SELECT body FROM idempotency"),
        (DELIVERY, "SELECT * FROM audit"),
        (DELIVERY, "INSERT INTO revision (article, number, site, doc, actor) VALUES ('', 1, '', '{}', '')"),
        (READER, "SELECT sha256 FROM token"),
        (READER, "SELECT secret FROM site"),
        (READER, "SELECT * FROM site"),
        (READER, "SELECT body FROM idempotency"),
    ],
)  # fmt: skip
def test_what_a_service_does_not_do_it_may_not(sql: SqlAs, role: Role, statement: str) -> None:
    """Whoever takes over one service has that service, and not the others."""
    assert not sql.may(role, statement)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (INGEST, "UPDATE page SET wanted = wanted + 1"),
        (INGEST, "SELECT id FROM page FOR NO KEY UPDATE"),
        (INGEST, "SELECT id, sha256 FROM token"),
        (WORKER, "UPDATE step SET attempts = attempts + 1"),
        (WORKER, "DELETE FROM idempotency WHERE created_at < now()"),
        (DELIVERY, "UPDATE page SET live = live"),
        (READER, "SELECT id, name, role, expires_at FROM token"),
        (READER, "SELECT * FROM audit"),
        (READER, "SELECT id, config FROM site"),
    ],
)
def test_what_a_service_does_it_may(sql: SqlAs, role: Role, statement: str) -> None:
    """A role that may nothing would pass the test above."""
    assert sql.may(role, statement)


@every_role
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit", "DROP TABLE audit",
        "ALTER TABLE audit DISABLE TRIGGER audit_append_only", "DROP FUNCTION nashr_append_only() CASCADE",
        "CREATE OR REPLACE FUNCTION nashr_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    ],
)  # fmt: skip
def test_nobody_but_the_owner_touches_the_trail(sql: SqlAs, role: Role, statement: str) -> None:
    """No service changes or shortens the audit trail, nor takes away what guards it."""
    assert not sql.may(role, statement)


def test_the_reader_changes_nothing(sql: SqlAs) -> None:
    """It reads; every table refuses it anything else."""
    for name, table in metadata.tables.items():
        column = next(iter(table.columns)).name
        assert not sql.may(READER, f'DELETE FROM "{name}"')
        assert not sql.may(READER, f'INSERT INTO "{name}" DEFAULT VALUES')
        assert not sql.may(READER, f'UPDATE "{name}" SET "{column}" = "{column}"')


def test_what_somebody_gave_by_hand_is_taken_back(granted: str, sql: SqlAs) -> None:
    """Rights are what stands in the code: ``nashr migrate`` removes what it does not know."""
    with psycopg.connect(granted, autocommit=True) as connection:
        connection.execute("GRANT SELECT, DELETE ON token TO nashr_worker")
    assert sql.may(WORKER, "SELECT id FROM token")
    migrate.give_rights(granted, passwords={})
    assert not sql.may(WORKER, "SELECT id FROM token")


def test_passwords_reach_the_server_as_verifiers_only(granted: str) -> None:
    """A password is set where one is given, and is not in what the server keeps or could log."""
    migrate.give_rights(granted, passwords={READER: "correct horse"})
    with psycopg.connect(granted, autocommit=True) as connection:
        query = "SELECT rolpassword FROM pg_authid WHERE rolname = %s"
        row = connection.execute(query, [READER]).fetchone()
        assert row is not None
        assert row[0].startswith("SCRAM-SHA-256$")
        assert "horse" not in row[0]
        connection.execute("ALTER ROLE nashr_reader PASSWORD NULL")


def test_an_owner_who_may_make_no_roles_hears_which_are_missing(
    granted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing fails: rights are given to the roles that are there, the others are named."""
    monkeypatch.setattr(roles, "ROLES", (*ROLES, "nashr_absent"))
    monkeypatch.setattr(roles, "may_create", lambda _: False)
    assert migrate.give_rights(granted, passwords={}).missing == ("nashr_absent",)


def test_another_nashr_on_the_server_keeps_its_passwords(granted: str, blank: str) -> None:
    """Roles are the whole server's: the second database leaves the password alone, and says whose it is."""
    migrate.upgrade(blank)
    query = "SELECT rolpassword FROM pg_authid WHERE rolname = %s"
    with psycopg.connect(granted, autocommit=True) as connection:
        migrate.give_rights(granted, passwords={READER: "the first one's"})
        before = connection.execute(query, [READER]).fetchone()
        left = migrate.give_rights(blank, passwords={READER: "the second one's"})
        assert left.elsewhere == {READER: connection.info.dbname}
        assert connection.execute(query, [READER]).fetchone() == before
        assert migrate.give_rights(granted, passwords={READER: "a new one"}) == Unsettled()
        assert connection.execute(query, [READER]).fetchone() != before
        connection.execute("ALTER ROLE nashr_reader PASSWORD NULL")
        connection.execute("COMMENT ON ROLE nashr_reader IS NULL")


def test_passwords_of_a_database_that_is_gone_are_nobodys(granted: str) -> None:
    """A renamed or restored database sets its passwords again."""
    with psycopg.connect(granted, autocommit=True) as connection:
        connection.execute("COMMENT ON ROLE nashr_reader IS 'nashr: the password is that of database nosuch'")
        assert migrate.give_rights(granted, passwords={READER: "mine"}) == Unsettled()
        connection.execute("ALTER ROLE nashr_reader PASSWORD NULL")
        connection.execute("COMMENT ON ROLE nashr_reader IS NULL")


def test_rights_on_what_a_newer_version_added_stay(blank: str) -> None:
    """The version before this one migrates again while both run: the newer one's table keeps its rights."""
    migrate.upgrade(blank)
    migrate.give_rights(blank, passwords={})
    with psycopg.connect(blank, autocommit=True) as connection:
        connection.execute("CREATE TABLE newer (id int)")
        connection.execute("GRANT SELECT ON newer TO nashr_worker")
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        migrate.upgrade(blank)
        assert migrate.is_current(blank)
        migrate.give_rights(blank, passwords={})
        query = "SELECT has_table_privilege('nashr_worker', 'newer', 'SELECT')"
        assert connection.execute(query).fetchone() == (True,)
