"""Migrating an archive: what was live before there were shelves is on them afterwards."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg
from alembic import command
from nashr.store import migrate

if TYPE_CHECKING:
    from tests.conftest import Stack

SITE = """INSERT INTO site (id, config, secret) VALUES ('s', '{}', 'x')"""
ARTICLE = """INSERT INTO article (id, site, short_id, slug, section, kind, language, headline, created_by,
        latest_revision, live_revision, front, published_at)
    VALUES (%(id)s, 's', %(id)s, %(id)s, 'news', %(kind)s, 'ar', 'x', 'x', 1, %(live)s, %(front)s, %(at)s)"""
REVISION = "INSERT INTO revision (article, number, site, doc, actor) VALUES (%s, 1, 's', %s, 'x')"


def test_an_archive_is_put_on_its_shelves(stack: Stack) -> None:
    """Live stories, oldest first, by author and topic; drafts, pages and what stays off fronts as always."""
    server = json.loads((stack.data / "stack.json").read_text())["database_url"]
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    url = urlsplit(server)._replace(path=f"/{name}").geturl()
    try:
        command.upgrade(migrate.config(url), "0004")
        with psycopg.connect(url) as connection:
            connection.execute(SITE.encode())
            for number, (kind, live, front) in enumerate(
                [("news", 1, True), ("news", 1, False), ("news", None, True), ("page", 1, True)]
            ):
                values = {"id": f"a{number}", "kind": kind, "live": live, "front": front}
                connection.execute(ARTICLE.encode(), {**values, "at": f"2026-01-0{9 - number}"})
                byline = [{"name": "ليلى", "author": "layla"}]
                doc = {"keywords": ["المُوازنة", "الموازنه", "!"], "byline": byline}
                connection.execute(REVISION.encode(), (f"a{number}", json.dumps(doc)))
        migrate.upgrade(url)
        with psycopg.connect(url) as connection:
            shelved = connection.execute(
                "SELECT kind, slug, place, article FROM shelved ORDER BY 1, 2, 3"
            ).fetchall()
            shelf = connection.execute(
                "SELECT kind, slug, label, placed, articles, shown FROM shelf"
            ).fetchall()
            steps = connection.execute("SELECT key, state FROM step WHERE kind = 'refresh'").fetchall()
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
    assert shelved == [
        ("author", "layla", 1, "a1"), ("author", "layla", 2, "a0"), ("topic", "الموازنه", 1, "a0"),
    ]  # fmt: skip
    assert sorted(shelf) == [
        ("author", "layla", "ليلى", 2, 2, False), ("topic", "الموازنه", "المُوازنة", 1, 1, False),
    ]  # fmt: skip
    assert steps == [("s", "ready")]
