"""A backup of an older schema is migrated on its way in, before anybody sees it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from alembic import command
from nashr.adapters.s3 import S3ObjectStore, connect
from nashr.runtime import restoring
from nashr.runtime.archive import Archive, Damaged, DumpedTable, Manifest, digest_of_table
from nashr.runtime.backup import Stores
from nashr.settings import load
from nashr.store import database as db
from nashr.store import dumping, migrate, schema
from psycopg.types.json import Jsonb
from sqlalchemy import Engine

from tests.integration.store.newsroom import SITE

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.integration.store.conftest import Inside

OLD = "0004"  # the one after it fills tables out of others, and adds a step
ARTICLE = """INSERT INTO article (id, site, short_id, slug, section, kind, language, headline, created_by,
        latest_revision, live_revision, front, published_at, status)
    VALUES (%(id)s, 'paper', %(id)s, %(id)s, 'news', 'news', 'en', 'Harvest', 'x', 1, 1, true,
        '2026-01-01', 'live')"""
REVISION = "INSERT INTO revision (article, number, site, doc, actor) VALUES (%s, 1, 'paper', %s, 'x')"
STEP = "INSERT INTO step (site, kind, key, input, state) VALUES ('paper', 'related', %s, '{}', 'done')"


@pytest.fixture
def stores(stack: Stack) -> Stores:
    """Two new buckets of the stack's own store."""
    written = json.loads((stack.data / "stack.json").read_text())
    client = connect(
        load(**{name: written[name] for name in ("s3_endpoint", "s3_access_key", "s3_secret_key")})
    )
    names = [f"test-{uuid.uuid4().hex[:12]}" for _ in range(2)]
    for name in names:
        client.create_bucket(Bucket=name)
    return Stores(*(S3ObjectStore(client, name) for name in names))


@pytest.fixture
def empty(engine: Engine, inside: Inside) -> Engine:
    """An installation at today's schema in which nothing was made yet."""
    inside.run("TRUNCATE site, article, asset, page CASCADE")
    return engine


def older(url: str, folder: Path) -> tuple[Archive, Manifest]:
    """What the nashr of ``OLD`` would have written: every table that it had, with the columns it had."""
    command.upgrade(migrate.config(url), OLD)
    with psycopg.connect(url) as connection:
        config = Jsonb(SITE.to_json())
        connection.execute("INSERT INTO site (id, config, secret) VALUES ('paper', %s, 'x')", [config])
        for number in (1, 2):
            connection.execute(ARTICLE.encode(), {"id": f"a{number}"})
            doc = {"keywords": ["harbour"], "byline": [{"name": "Layla", "author": "layla"}]}
            connection.execute(REVISION.encode(), (f"a{number}", Jsonb(doc)))
            connection.execute(STEP.encode(), [f"s{number}"])
    archive = Archive(folder)
    with archive.prepared():
        return archive, _written(archive, url)


def _written(archive: Archive, url: str) -> Manifest:
    tables = []
    engine = db.connect(url, pool=1, application="test")
    with db.snapshot(engine) as conn:
        for name, columns in _tables(conn):
            with archive.table("dump-1", name) as file, db.copying(conn, _copy(name, columns)) as copy:
                file.writelines(copy)
            tables.append(DumpedTable(name, columns, 0, digest_of_table(archive, "dump-1", name)))
    engine.dispose()
    number, digest = archive.write_index("dump-1", [])
    made = Manifest(
        nashr="0.0.4", schema=OLD, postgres="18", taken_at="2026-01-02T00:00:00Z", dump="dump-1",
        sites=["paper"], tables=tables, objects=number, objects_sha256=digest,
    )  # fmt: skip
    archive.write(made)
    return made


def _copy(name: str, columns: list[str]) -> str:
    return f"""COPY (SELECT {", ".join(f'"{one}"' for one in columns)} FROM "{name}") TO STDOUT"""


def _tables(conn: Any) -> Iterator[tuple[str, list[str]]]:
    for table in dumping.TABLES:
        found = db.rows(
            conn,
            """SELECT column_name FROM information_schema.columns
            WHERE table_schema = 'public' AND table_name = :name ORDER BY ordinal_position""",
            name=table.name,
        )
        if found:
            yield table.name, [item["column_name"] for item in found]


def nothing(_what: str, _done: int, _of: int | None) -> None:
    pass


def test_rows_of_an_older_schema_are_migrated(
    blank: str, empty: Engine, inside: Inside, stores: Stores, tmp_path: Path
) -> None:
    """Nothing is lost, what later versions make of the rows is there, and numbers go on behind them."""
    archive, manifest = older(blank, tmp_path / "backup")

    restoring.restore(empty, stores, archive, restoring.check(archive, nothing), nothing)

    assert inside.scalar("SELECT count(*) FROM article WHERE live_revision = 1") == 2
    assert inside.scalar("SELECT count(*) FROM shelved WHERE kind = 'author' AND slug = 'layla'") == 2
    assert inside.scalar("SELECT state FROM step WHERE kind = 'refresh' AND key = 'paper'") == "ready"
    assert inside.scalar("SELECT count(*) FROM step WHERE kind = 'related'") == 2
    last = inside.scalar("SELECT max(id) FROM step")
    new = "INSERT INTO step (site, kind, key, input) VALUES ('paper', 'cards', 'x', '{}') RETURNING id"
    assert inside.scalar(new) > last
    assert inside.scalar("SELECT count(*) FROM pg_namespace WHERE nspname = 'nashr_restoring'") == 0
    with pytest.raises(restoring.NotEmpty):
        restoring.restore(empty, stores, archive, manifest, nothing)


def test_an_older_backup_that_is_cut_short_restores_nothing(
    blank: str, empty: Engine, inside: Inside, stores: Stores, tmp_path: Path
) -> None:
    """A column that never was: the installation is as empty as before, and may be restored into."""
    archive, manifest = older(blank, tmp_path / "backup")
    wrong = [replace(one, columns=[*one.columns, "nosuch"]) for one in manifest.tables[-1:]]

    with pytest.raises(Damaged, match="has no column nosuch"):
        restoring.restore(
            empty, stores, archive, replace(manifest, tables=[*manifest.tables[:-1], *wrong]), nothing
        )
    assert inside.scalar("SELECT count(*) FROM article") == 0
    restoring.restore(empty, stores, archive, manifest, nothing)
    assert inside.scalar("SELECT count(*) FROM article") == 2


def test_a_backup_of_a_newer_schema_is_refused(
    blank: str, empty: Engine, inside: Inside, stores: Stores, tmp_path: Path
) -> None:
    """It says which nashr to install, and changes nothing."""
    archive, manifest = older(blank, tmp_path / "backup")
    newer = replace(manifest, schema="9999", nashr="7.0")

    with pytest.raises(Damaged, match=rf"schema 9999 .* knows {schema.HEAD} at most: install nashr 7.0"):
        restoring.restore(empty, stores, archive, newer, nothing)
    assert inside.scalar("SELECT count(*) FROM site") == 0


def test_a_newer_database_is_not_restored_into(
    blank: str, empty: Engine, inside: Inside, stores: Stores, tmp_path: Path
) -> None:
    """Rows would miss what its last migration makes of them: it is the newer nashr that restores."""
    archive, manifest = older(blank, tmp_path / "backup")
    inside.run("UPDATE alembic_version SET version_num = '9999'")
    try:
        with pytest.raises(Damaged, match="this database has schema 9999"):
            restoring.restore(empty, stores, archive, manifest, nothing)
    finally:
        inside.run("UPDATE alembic_version SET version_num = :head", head=schema.HEAD)


def test_who_may_make_no_schema_hears_it(
    blank: str, empty: Engine, stores: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal names the right that is missing; a backup of today's schema needs none."""
    archive, manifest = older(blank, tmp_path / "backup")
    monkeypatch.setattr(dumping, "may_stage", lambda _: False)

    with pytest.raises(Damaged, match="GRANT CREATE ON DATABASE"):
        restoring.restore(empty, stores, archive, manifest, nothing)
    with db.statement(empty) as conn:
        restoring.refuse_unless_empty(conn, replace(manifest, schema=schema.HEAD))
