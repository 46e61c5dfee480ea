"""``nashr migrate`` on a server of the operator's own."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
import pytest
from alembic import command
from nashr import cli
from nashr.store import links, migrate
from nashr.store.database import connect, statement
from nashr.store.links import StoredLink

if TYPE_CHECKING:
    from tests.conftest import Stack


@pytest.fixture
def empty_database(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a database without a schema; the settings name it, and the stack's own store."""
    written = json.loads((stack.data / "stack.json").read_text())
    name = f"test_{uuid.uuid4().hex[:12]}"
    url = urlsplit(written["database_url"])._replace(path=f"/{name}").geturl()
    for setting in ("s3_endpoint", "s3_access_key", "s3_secret_key"):
        monkeypatch.setenv(f"NASHR_{setting.upper()}", written[setting])
    monkeypatch.setenv("NASHR_DATABASE_URL", url)
    with psycopg.connect(written["database_url"], autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield url
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def run(*words: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of ``nashr migrate``."""
    monkeypatch.setattr(sys, "argv", ["nashr", "migrate", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_it_makes_the_schema_and_may_be_repeated(
    empty_database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty database is behind, and --check changes nothing about that; migrated, it is current."""
    assert run("--check", monkeypatch=monkeypatch) == 1
    assert "run nashr migrate" in capsys.readouterr().err
    assert not migrate.is_current(empty_database)

    assert [run(*words, monkeypatch=monkeypatch) for words in ((), (), ("--check",))] == [0, 0, 0]
    assert migrate.is_current(empty_database)


def test_links_outlast_the_narrower_table(empty_database: str) -> None:
    """Those of an earlier version keep their order, their slots and why they are there."""
    command.upgrade(migrate.config(empty_database), "0002")
    with psycopg.connect(empty_database) as connection:
        connection.execute("INSERT INTO site (id, config, secret) VALUES ('s', '{}', 'x')")
        connection.execute(
            """INSERT INTO article (id, number, site, short_id, slug, section, kind, language, headline,
                latest_revision, status, created_by)
            OVERRIDING SYSTEM VALUE
            SELECT n::text, n, 's', n::text, n::text, 'news', 'news', 'en', '', 1, 'draft', 'test'
            FROM generate_series(1, 4) AS n"""
        )
        connection.execute(
            """INSERT INTO link (src, slot, position, site, dst, score, reason) VALUES
                (1, 'related_news', 0, 's', 3, 0.5, 'latest'), (1, 'see_also', 1, 's', 4, 0.25, 'similar'),
                (1, 'see_also', 0, 's', 2, 0, 'pinned')"""
        )
    migrate.upgrade(empty_database)
    engine = connect(empty_database, pool=1, application="test")
    with statement(engine) as conn:
        assert links.of(conn, 1) == [
            StoredLink(2, "see_also", 0, 0, "pinned"),
            StoredLink(4, "see_also", 1, 0.25, "similar"),
            StoredLink(3, "related_news", 0, 0.5, "latest"),
        ]
    engine.dispose()


def test_a_database_that_is_away_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback: the operator reads what did not answer."""
    monkeypatch.setenv("NASHR_DATABASE_URL", "postgresql://nashr@127.0.0.1:1/nashr")

    assert run(monkeypatch=monkeypatch) == 1
    said = capsys.readouterr().err
    assert said.startswith("nashr: the database did not finish: ")
    assert said.count("\n") == 1
