"""photos in use: which articles show a photo, what made a file, since when nobody uses it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("asset", sa.Column("found_x", sa.Double(), nullable=True))
    op.add_column("asset", sa.Column("found_y", sa.Double(), nullable=True))
    op.add_column("asset", sa.Column("made", sa.Text(), nullable=True))
    op.add_column(
        "asset", sa.Column("words_read", sa.Boolean(), server_default="false", nullable=False)
    )  # fmt: skip
    op.add_column("asset", sa.Column("shown", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("asset", sa.Column("withdrawal", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("object", sa.Column("source", sa.Text(), nullable=True))
    op.add_column("object", sa.Column("unused_since", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_object_source", "object", ["source"], postgresql_where=sa.text("source IS NOT NULL"))
    op.create_index(
        "ix_object_unused", "object", ["unused_since"], postgresql_where=sa.text("unused_since IS NOT NULL")
    )
    op.create_table(
        "article_asset",
        sa.Column("article", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("teaser", sa.Boolean(), nullable=False),
        sa.Column("card", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["article"], ["article.id"], name=op.f("fk_article_asset_article")),
        sa.ForeignKeyConstraint(["asset"], ["asset.id"], name=op.f("fk_article_asset_asset")),
        sa.PrimaryKeyConstraint("article", "asset", name=op.f("pk_article_asset")),
    )
    op.create_index("ix_article_asset_asset", "article_asset", ["asset"])

    op.execute(_RENDITIONS)
    op.execute(_ARTICLES)
    op.execute(_FILES)
    op.execute(_SWEEPS)
    op.execute(_ENDS)


_RENDITIONS = """UPDATE asset SET renditions = (
    SELECT jsonb_agg(item || '{"crop": null, "frames": 1}' ORDER BY place)
    FROM jsonb_array_elements(renditions) WITH ORDINALITY AS each(item, place))
WHERE jsonb_array_length(renditions) > 0"""

_ARTICLES = """INSERT INTO article_asset (article, asset, site, teaser, card)
SELECT a.id, use.asset, a.site, use.asset = r.doc->'hero'->>'asset',
    use.asset = COALESCE(r.doc->'social_image'->>'asset', r.doc->'hero'->>'asset', '')
FROM article a JOIN revision r ON r.article = a.id AND r.number = a.live_revision
CROSS JOIN LATERAL (
    SELECT DISTINCT found->>'asset' AS asset
    FROM jsonb_path_query(r.doc, 'strict $.**{0 to 3} ? (exists (@.asset))') AS found) AS use
WHERE EXISTS (SELECT 1 FROM asset WHERE asset.id = use.asset)"""

_FILES = """UPDATE object SET source = asset.id
FROM asset JOIN site ON site.id = asset.site, jsonb_array_elements(asset.renditions) AS item
WHERE object.key = COALESCE(site.config->>'prefix', site.id || '/') || ltrim(item->>'path', '/')"""


_SWEEPS = """INSERT INTO step (site, kind, key, priority) SELECT id, 'sweep', id, 2 FROM site"""

_ENDS = """INSERT INTO step (site, kind, key, input, available_at)
SELECT site, 'expire', id, jsonb_build_object('asset', id), CAST(rights->>'expires_at' AS timestamptz)
FROM asset WHERE rights->>'expires_at' IS NOT NULL"""


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose what the newer version wrote")
