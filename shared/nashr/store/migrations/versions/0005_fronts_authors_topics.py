"""fronts, authors and topics: pins and banners, authors, and the shelves that their pages are made of.

What is live already is put on its shelves here; then each site's pages go out again, in bulk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from nashr.domain.topics import topics

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BATCH = 500
_NOW = sa.text("clock_timestamp()")


def upgrade() -> None:
    op.add_column("site", sa.Column("chrome", sa.BigInteger(), server_default="0", nullable=False))
    op.create_index(
        "ix_article_aside", "article", ["site"],
        postgresql_where=sa.text("kind = 'page' AND live_revision IS NOT NULL"),
    )  # fmt: skip
    _create_curated()
    _create_shelves()
    _fill()
    op.execute(
        """INSERT INTO step (site, kind, key, input, priority)
        SELECT id, 'refresh', id, '{}', 2 FROM site ON CONFLICT DO NOTHING"""
    )


def _create_curated() -> None:
    site = sa.Column("site", sa.Text(), sa.ForeignKey("site.id", name="fk_front_site"), nullable=False)
    op.create_table(
        "front",
        site,
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("banner", JSONB(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("site", "name", name="pk_front"),
    )
    op.create_table(
        "pin",
        sa.Column("site", sa.Text(), sa.ForeignKey("site.id", name="fk_pin_site"), nullable=False),
        sa.Column("front", sa.Text(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("article", sa.Text(), sa.ForeignKey("article.id", name="fk_pin_article"), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("site", "front", "slot", name="pk_pin"),
    )
    op.create_index("ix_pin_article", "pin", ["article"])
    op.create_table(
        "author",
        sa.Column("site", sa.Text(), sa.ForeignKey("site.id", name="fk_author_site"), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("bio", sa.Text(), nullable=True),
        sa.Column("photo", sa.Text(), sa.ForeignKey("asset.id", name="fk_author_photo"), nullable=True),
        sa.Column("links", JSONB(), server_default="[]", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("site", "slug", name="pk_author"),
    )
    op.create_index("ix_author_photo", "author", ["photo"], postgresql_where=sa.text("photo IS NOT NULL"))


def _create_shelves() -> None:
    op.create_table(
        "shelf",
        sa.Column("site", sa.Text(), sa.ForeignKey("site.id", name="fk_shelf_site"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("placed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("articles", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("shown", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("changes", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("site", "kind", "slug", name="pk_shelf"),
    )
    op.create_table(
        "shelved",
        sa.Column(
            "article", sa.Text(), sa.ForeignKey("article.id", name="fk_shelved_article"), nullable=False
        ),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("article", "kind", "slug", name="pk_shelved"),
    )
    op.create_index("ix_shelved_place", "shelved", ["site", "kind", "slug", "place"], unique=True)
    op.create_index(
        "ix_shelved_newest", "shelved",
        ["site", "kind", "slug", sa.text("published_at DESC"), sa.text("place DESC")],
    )  # fmt: skip


def _fill() -> None:
    """Every live article, in the order in which they were published."""
    conn = op.get_bind()
    found = conn.execute(
        sa.text(
            """SELECT a.id, a.site, a.published_at, a.front, r.doc->'keywords' AS keywords,
                r.doc->'byline' AS byline
            FROM article a JOIN revision r ON r.article = a.id AND r.number = a.live_revision
            WHERE a.kind <> 'page' AND a.published_at IS NOT NULL ORDER BY a.published_at, a.number"""
        ),
        execution_options={"stream_results": True},
    )
    placed: Counter[tuple[str, str, str]] = Counter()
    labels: dict[tuple[str, str, str], str] = {}
    for batch in found.mappings().partitions(_BATCH):
        _insert("shelved", _places(map(dict, batch), placed, labels))
    shelves = [
        {"site": key[0], "kind": key[1], "slug": key[2], "label": labels[key], "placed": n, "articles": n}
        for key, n in placed.items()
    ]
    for start in range(0, len(shelves), _BATCH):
        _insert("shelf", shelves[start : start + _BATCH])


def _places(
    batch: Iterable[Mapping[str, Any]],
    placed: Counter[tuple[str, str, str]],
    labels: dict[tuple[str, str, str], str],
) -> list[dict[str, Any]]:
    rows = []
    for item in batch:
        for kind, slug, label in _shelves(item):
            key = (item["site"], kind, slug)
            placed[key] += 1
            labels.setdefault(key, label)
            rows.append(
                {"article": item["id"], "site": item["site"], "kind": kind, "slug": slug,
                 "place": placed[key], "published_at": item["published_at"]}
            )  # fmt: skip
    return rows


def _shelves(item: Mapping[str, Any]) -> Sequence[tuple[str, str, str]]:
    named = {who["author"]: who["name"] for who in item["byline"] or () if who.get("author")}
    authors = [("author", slug, name) for slug, name in named.items()]
    if not item["front"]:
        return authors
    return [*authors, *(("topic", slug, word) for slug, word in topics(item["keywords"] or ()).items())]


def _insert(table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    names = list(rows[0])
    into = sa.table(table, *(sa.column(name) for name in names))
    op.get_bind().execute(into.insert(), list(rows))


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose what the newer version wrote")
