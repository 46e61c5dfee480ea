"""From one version of the schema to the next while others work: locks, a kill half-way, mixed versions."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from nashr.store import migrate, schema
from nashr.store.database import DatabaseUnavailable, connect
from sqlalchemy import Engine

from tests.conftest import until

BEFORE = schema.VERSIONS[-2]
EXPANDING_SINCE = "0005"
"""From here on versions run side by side; there was no release before."""

STEP = "INSERT INTO step (site, kind, key, input) VALUES ('s', 'cards', %s, '{}')"


def at(url: str, version: str) -> psycopg.Connection[Any]:
    """A connection to the database, brought to ``version``, with one site in it."""
    command.upgrade(migrate.config(url), version)
    connection = psycopg.connect(url, autocommit=True)
    connection.execute("INSERT INTO site (id, config, secret) VALUES ('s', '{}', 'x')")
    return connection


def version_of(connection: psycopg.Connection[Any]) -> str:
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found and found[0])


def waits_for_a_table(connection: psycopg.Connection[Any]) -> bool:
    """Whether a migration waits for a table that somebody else holds."""
    found = connection.execute(
        """SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
    ).fetchone()
    return bool(found and found[0])


@pytest.fixture
def engine(blank: str) -> Iterator[Engine]:
    made = connect(blank, pool=1, application="test")
    yield made
    made.dispose()


def test_the_newest_version_is_known_without_alembic(blank: str) -> None:
    """Services ask the file names; Alembic, which they do not load, says the same."""
    scripts = ScriptDirectory.from_config(migrate.config(blank))
    assert scripts.get_current_head() == schema.HEAD
    assert list(schema.VERSIONS) == sorted(script.revision for script in scripts.walk_revisions())


def test_code_that_is_ahead_waits_for_its_schema(
    blank: str, engine: Engine, capfd: pytest.CaptureFixture[str]
) -> None:
    """Begun before ``nashr migrate`` it works on nothing, says what it waits for, and goes on by itself."""
    with at(blank, BEFORE), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(schema.wait, engine)
        said = ""

        def told() -> bool:
            nonlocal said
            said += "".join(capfd.readouterr())
            return "schema.behind" in said

        until(told, what="a word on what it waits for")
        assert "nashr migrate" in said
        assert not waiting.done()
        migrate.upgrade(blank)
        waiting.result(timeout=30)


def test_code_that_is_behind_starts_at_once(blank: str, engine: Engine) -> None:
    """The version before may be restarted on the newer schema."""
    with at(blank, schema.HEAD) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    schema.wait(engine)


def test_a_database_that_is_away_keeps_nobody_from_answering() -> None:
    """Ingest starts, and says 503."""
    away = connect("postgresql://nashr@127.0.0.1:1/nashr", pool=1)
    schema.wait(away, for_answer=False)
    away.dispose()


def test_work_waits_for_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch, engine: Engine) -> None:
    """What comes back may have an older schema."""
    answers = iter([None, BEFORE, None, schema.HEAD])
    monkeypatch.setattr(schema, "_ask", lambda _: next(answers))
    monkeypatch.setattr(schema, "_LOOK_SECONDS", 0.0)
    schema.wait(engine)
    assert list(answers) == []


def test_a_migration_lets_others_pass(blank: str) -> None:
    """While it cannot have a table, whoever queues behind it waits about a second, and it goes on later."""
    with at(blank, BEFORE) as connection, psycopg.connect(blank) as holder, ThreadPoolExecutor(1) as pool:
        holder.execute("SELECT count(*) FROM step")  # as a backup does, for as long as it takes
        connection.execute("SET lock_timeout = '5s'")
        migrating = pool.submit(migrate.upgrade, blank)
        for number in range(2):
            until(lambda: waits_for_a_table(connection), what="the migration to wait")
            connection.execute(STEP.encode(), [str(number)])  # behind it in the queue, and past it
            assert version_of(connection) == BEFORE
        holder.rollback()
        migrating.result(timeout=60)
        assert version_of(connection) == schema.HEAD


def test_a_migration_that_can_never_have_a_table_says_so(blank: str) -> None:
    """It ends, names the version and where to look, and has changed nothing."""
    with at(blank, BEFORE) as connection, psycopg.connect(blank) as holder:
        holder.execute("SELECT count(*) FROM step")
        with pytest.raises(DatabaseUnavailable, match=rf"version {schema.HEAD} .*pg_stat_activity"):
            migrate.upgrade(blank, patience=0.0)
        assert version_of(connection) == BEFORE


def test_a_migration_that_is_killed_half_way_is_run_again(blank: str) -> None:
    """SIGKILL with half of a version done: nothing of it stays, and the next run does all of it."""
    with at(blank, "0004") as connection, psycopg.connect(blank) as holder:
        holder.execute("LOCK TABLE revision IN ACCESS EXCLUSIVE MODE")  # read once tables have been made
        code = f"from nashr.store import migrate; migrate.upgrade({blank!r})"
        running = subprocess.Popen([sys.executable, "-c", code])
        until(lambda: _is_half_way(connection), what="the migration to be half-way", seconds=90)
        running.send_signal(signal.SIGKILL)
        running.wait()
        holder.rollback()
        until(lambda: not _is_half_way(connection), what="the server to notice")
        assert version_of(connection) == "0004"
        assert connection.execute("SELECT to_regclass('shelf')").fetchone() == (None,)
        migrate.upgrade(blank)
        assert version_of(connection) == schema.HEAD


def _is_half_way(connection: psycopg.Connection[Any]) -> bool:
    """Whether a transaction that has made tables waits for one to be read."""
    found = connection.execute(
        """SELECT count(*) FROM pg_locks waiting JOIN pg_locks made USING (pid)
        WHERE NOT waiting.granted AND waiting.relation = CAST('revision' AS regclass)
            AND made.granted AND made.mode = 'AccessExclusiveLock'"""
    ).fetchone()
    return bool(found and found[0])


def test_versions_only_add(blank: str) -> None:
    """The code before a version works on: what it reads is there, and what it writes is taken.

    A version that takes something away names it in CONTRACTS, with the version whose code was the first to
    do without, and that is at least one before (CONTRIBUTING.md).
    """
    scripts = ScriptDirectory.from_config(migrate.config(blank))
    with at(blank, EXPANDING_SINCE) as connection:
        for before, version in zip(schema.VERSIONS, schema.VERSIONS[1:], strict=False):
            if before < EXPANDING_SINCE:
                continue
            there = _catalogue(connection)
            command.upgrade(migrate.config(blank), version)
            module = scripts.get_revision(version).module
            allowed = {what for what, since in getattr(module, "CONTRACTS", {}).items() if since <= before}
            assert set(_taken_away(there, _catalogue(connection))) - allowed == set(), version


Catalogue = Mapping[str, tuple[str, bool, bool]]


def _catalogue(connection: psycopg.Connection[Any]) -> Catalogue:
    """``table.column`` -> type, may be null, filled by the server; rules that rows keep stand beside them."""
    found = connection.execute(
        """SELECT c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull,
            a.atthasdef OR a.attidentity <> ''
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = CAST('public' AS regnamespace) AND c.relkind IN ('r', 'p') AND a.attnum > 0
            AND NOT a.attisdropped
        UNION ALL SELECT c.relname || ' rule ' || k.conname, pg_get_constraintdef(k.oid), false, false
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
        WHERE c.relnamespace = CAST('public' AS regnamespace) AND k.contype IN ('c', 'f', 'u', 'p', 'x')
        UNION ALL SELECT c.relname || ' rule ' || i.relname, pg_get_indexdef(i.oid), false, false
        FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
        WHERE c.relnamespace = CAST('public' AS regnamespace) AND x.indisunique"""
    ).fetchall()
    return {name: (kind, null, filled) for name, kind, null, filled in found}


def _taken_away(before: Catalogue, after: Catalogue) -> Iterator[str]:
    """What the code before cannot do any more."""
    tables = {name.partition(".")[0] for name in before if " rule " not in name}
    for name, (kind, null, filled) in before.items():
        now = after.get(name)
        if " rule " in name:
            if now is None and _arbitrates(kind):
                yield f"{name} is gone"
            elif now is not None and now[0] != kind:
                yield f"{name} is {now[0]}"
        elif now is None:
            yield f"{name} is gone"
        elif now[0] != kind:
            yield f"{name} is {now[0]}"
        elif (null and not now[1]) or (filled and not now[2]):
            yield f"{name} must be given"
    for name, (_, null, filled) in after.items():
        if name in before or name.partition(".")[0].partition(" ")[0] not in tables:
            continue
        if " rule " in name:
            yield f"{name} is new"
        elif not null and not filled:
            yield f"{name} must be given"


def _arbitrates(definition: str) -> bool:
    """Whether ON CONFLICT may name it."""
    return definition.startswith(("UNIQUE", "PRIMARY KEY", "CREATE UNIQUE"))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DROP TABLE pin", "pin.site is gone"),
        ("ALTER TABLE site RENAME secret TO hidden", "site.secret is gone"),
        ("ALTER TABLE article ALTER headline TYPE varchar(80)", "article.headline is character varying(80)"),
        ("ALTER TABLE article ADD mood text NOT NULL", "article.mood must be given"),
        ("ALTER TABLE article ALTER path SET NOT NULL", "article.path must be given"),
        ("ALTER TABLE step ALTER state DROP DEFAULT", "step.state must be given"),
        ("ALTER TABLE site ADD CONSTRAINT short CHECK (length(id) < 9)", "site rule short is new"),
        ("CREATE UNIQUE INDEX one_each ON article (headline)", "article rule one_each is new"),
    ],
)
def test_what_takes_away_is_noticed(newest: psycopg.Connection[Any], statement: str, said: str) -> None:
    """The judge of versions finds each way to break the code before."""
    there = _catalogue(newest)
    newest.execute(statement.encode())
    found = set(_taken_away(there, _catalogue(newest)))
    newest.rollback()
    assert said in found


@pytest.fixture(scope="module")
def newest(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database) as connection:
        yield connection
        connection.rollback()
