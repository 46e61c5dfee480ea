"""Previews in the database: when one opens, what is recorded, what is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from nashr.domain.article import content
from nashr.store import articles, previews, publishing
from nashr.store.articles import Article
from nashr.store.database import rows, scalar, statement, transaction
from nashr.store.previews import Preview
from sqlalchemy import Connection, Engine

from tests.integration.store.newsroom import SITE, begin

if TYPE_CHECKING:
    from tests.integration.store.conftest import Inside

DOC = {
    "headline": "Harvest", "section": "news", "language": "en", "kind": "news",
    "body": [{"type": "paragraph", "html": "Wheat and barley"}],
}  # fmt: skip


@pytest.fixture
def article(engine: Engine) -> Article:
    """A draft that nobody has asked to publish."""
    begin(engine)
    with transaction(engine) as conn:
        return articles.create(conn, SITE, DOC, actor="test")


def make(engine: Engine, article: Article, *, seconds: int = 60) -> Preview:
    with transaction(engine) as conn:
        return previews.create(conn, article, 1, seconds=seconds, actor="layla")


def opens(engine: Engine, preview: Preview) -> bool:
    with statement(engine) as conn:
        found = previews.find(conn, preview.id)
        return found is not None and previews.opens(conn, found)


def test_a_preview_expires_by_the_databases_clock(engine: Engine, inside: Inside, article: Article) -> None:
    """It opens until its time has come, and is listed as long."""
    made = make(engine, article)
    assert opens(engine, made)
    inside.run("UPDATE preview SET expires_at = clock_timestamp()")

    with statement(engine) as conn:
        assert previews.standing(conn, article.id, before=None, limit=9) == []
    assert not opens(engine, made)


def test_a_text_that_was_taken_back_opens_no_more(engine: Engine, article: Article) -> None:
    """A kill closes the links to every revision there was; an unpublishing does not."""
    made = make(engine, article)
    for kind, open_still in (("unpublish", True), ("kill", False)):
        with transaction(engine) as conn:
            publishing.request(conn, SITE, article, publishing.Request(1), actor="test")
            now = articles.find(conn, article.id)
            assert now is not None
            publishing.remove(conn, now, kind, {"reason": "x"}, actor="test")
        assert opens(engine, made) is open_still


def test_making_and_revoking_are_in_the_audit_trail(engine: Engine, article: Article) -> None:
    """Who made a link to which revision, and who took it back, once."""
    made = make(engine, article)
    for _ in range(2):
        with transaction(engine) as conn:
            previews.revoke(conn, made, actor="karim")

    with statement(engine) as conn:
        found = rows(
            conn, "SELECT action, actor, detail FROM audit WHERE subject = :id ORDER BY id", id=made.id
        )
    assert [(one["action"], one["actor"]) for one in found] == [
        ("preview.create", "layla"), ("preview.revoke", "karim"),
    ]  # fmt: skip
    assert (found[0]["detail"]["article"], found[0]["detail"]["revision"]) == (article.id, 1)


def test_long_expired_ones_are_forgotten(engine: Engine, inside: Inside, article: Article) -> None:
    """Making one forgets those of the article that expired more than 30 days ago, and no others."""
    old, recent = make(engine, article), make(engine, article)
    inside.run("UPDATE preview SET expires_at = now() - interval '31 days' WHERE id = :id", id=old.id)
    inside.run("UPDATE preview SET expires_at = now() - interval '29 days' WHERE id = :id", id=recent.id)
    new = make(engine, article)

    with statement(engine) as conn:
        kept = {item["id"] for item in rows(conn, "SELECT id FROM preview")}
    assert kept == {recent.id, new.id}


def test_only_a_fresh_drafts_links_are_drawn(engine: Engine, article: Article) -> None:
    """A preview has related stories drawn for an article that was never asked for, and for no other."""
    other = content({**DOC, "headline": "Another text"}, SITE)
    with transaction(engine) as conn:
        previews.ask_for_links(conn, article, content(DOC, SITE), 1)
        assert _related(conn) == 1
        publishing.request(conn, SITE, article, publishing.Request(1), actor="test")
        previews.ask_for_links(conn, article, other, 1)
        assert _related(conn) == 1


def _related(conn: Connection) -> int:
    return int(scalar(conn, "SELECT count(*) FROM step WHERE kind = 'related'"))
