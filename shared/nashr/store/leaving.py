"""What a site holds, as its owner would take it along: articles with every revision, photos, authors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sqlalchemy import Connection

from nashr.store.database import rows

GONE: Final = frozenset({"killed", "taken_down"})
"""The states of articles that are not taken along as drafts."""

_BATCH: Final = 200


def articles(conn: Connection, site: str) -> Iterator[Mapping[str, Any]]:
    """Articles of a site in the order in which they were made; memory for one batch."""
    after = 0
    while found := rows(
        conn,
        """SELECT number, id, external_id, short_id, slug, slug_frozen, section, language, status, removal,
            latest_revision, live_revision, path, translation_of, published_at, modified_at, created_at,
            updated_at, created_by
        FROM article WHERE site = :site AND number > :after ORDER BY number LIMIT :limit""",
        site=site, after=after, limit=_BATCH,
    ):  # fmt: skip
        ids = [item["id"] for item in found]
        revisions = _by_article(
            conn,
            """SELECT article, number AS revision, doc, note, actor, created_at FROM revision
            WHERE article = ANY(:ids) ORDER BY article, number""",
            ids,
        )
        corrections = _by_article(
            conn,
            """SELECT article, kind, text, actor, at FROM correction
            WHERE article = ANY(:ids) ORDER BY article, id""",
            ids,
        )
        for item in found:
            yield {
                **item,
                "revisions": revisions.get(item["id"], []),
                "corrections": corrections.get(item["id"], []),
            }
        after = found[-1]["number"]


def _by_article(conn: Connection, sql: str, ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    made: dict[str, list[dict[str, Any]]] = {}
    for item in rows(conn, sql, ids=ids):
        made.setdefault(item["article"], []).append({k: v for k, v in item.items() if k != "article"})
    return made


def external_ids(conn: Connection, site: str) -> Mapping[str, str]:
    """What other editions' articles are called that articles of the site are translations of, by id.

    Without those that were killed or taken down: nobody can send them again.
    """
    found = rows(
        conn,
        """SELECT DISTINCT o.id, o.external_id FROM article a JOIN article o ON o.id = a.translation_of
        WHERE a.site = :site AND o.status <> ALL(:gone)""",
        site=site, gone=sorted(GONE),
    )  # fmt: skip
    return {item["id"]: external_id(item) for item in found}


def external_id(article: Mapping[str, Any]) -> str:
    """The CMS's own id; of an article that has none, one made of nashr's."""
    return article["external_id"] or f"nashr-{article['id']}"


def photos(conn: Connection, site: str) -> Iterator[Mapping[str, Any]]:
    """Photos of a site whose original is kept and may be shown."""
    after = ""
    while found := rows(
        conn,
        """SELECT id, sha256, content_type, width, height, bytes, original_key, focal_x, focal_y, caption,
            credit, rights, digital_source_type, created_by, created_at
        FROM asset WHERE site = :site AND id > :after AND withdrawn_at IS NULL
            AND state NOT IN ('erased', 'failed') ORDER BY id LIMIT :limit""",
        site=site, after=after, limit=_BATCH,
    ):  # fmt: skip
        yield from found
        after = found[-1]["id"]


def authors(conn: Connection, site: str) -> list[Mapping[str, Any]]:
    return rows(
        conn, "SELECT slug, name, bio, photo, links FROM author WHERE site = :site ORDER BY slug", site=site
    )
