"""related at any size: signatures by corpus, postings by newest and heaviest, counts of all terms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What can be computed from the texts is: each site's ``reindex`` step signs its articles anew."""
    op.drop_table("posting")
    op.drop_table("term")
    op.drop_table("signature")
    op.create_table(
        "corpus",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("site", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("articles", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corpus")),
        sa.UniqueConstraint(
            "site", "language", "generation", name=op.f("uq_corpus_site_language_generation")
        ),
    )
    op.create_table(
        "signature",
        sa.Column("article", sa.Integer(), nullable=False),
        sa.Column("corpus", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=True),
        sa.Column("places", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("text_hash", sa.LargeBinary(), nullable=False),
        sa.Column("terms", sa.LargeBinary(), nullable=False),
        sa.Column("weights", sa.LargeBinary(), nullable=False),
        sa.Column("title_terms", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["article"], ["article.number"], name=op.f("fk_signature_article")),
        sa.PrimaryKeyConstraint("article", name=op.f("pk_signature")),
        postgresql_with={"autovacuum_vacuum_scale_factor": "0.05"},
    )
    op.create_table(
        "wording",
        sa.Column("article", sa.Integer(), nullable=False),
        sa.Column("shingles", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["article"], ["article.number"], name=op.f("fk_wording_article")),
        sa.PrimaryKeyConstraint("article", name=op.f("pk_wording")),
    )
    op.create_table(
        "posting",
        sa.Column("corpus", sa.Integer(), nullable=False),
        sa.Column("term", sa.Integer(), nullable=False),
        sa.Column("article", sa.Integer(), nullable=False),
        sa.Column("weight", sa.SmallInteger(), nullable=False),
    )
    op.create_index(
        "ix_posting_newest", "posting", ["corpus", "term", "article"], unique=True,
        postgresql_include=["weight"],
    )  # fmt: skip
    op.create_index(
        "ix_posting_heaviest", "posting", ["corpus", "term", "weight", "article"],
        postgresql_where=sa.text("weight >= 6554"),
    )  # fmt: skip
    op.create_table(
        "term",
        sa.Column("corpus", sa.Integer(), nullable=False),
        sa.Column("term", sa.Integer(), nullable=False),
        sa.Column("articles", sa.Integer(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("corpus", "term", name=op.f("pk_term")),
        postgresql_with={"autovacuum_vacuum_scale_factor": "0.05"},
    )
    _narrow_links()
    op.execute("DELETE FROM step WHERE kind = 'reweigh'")
    op.execute(_REINDEX)


def _narrow_links() -> None:
    op.execute("CREATE TEMPORARY TABLE earlier ON COMMIT DROP AS SELECT * FROM link")
    op.drop_table("link")
    op.create_table(
        "link",
        sa.Column("src", sa.Integer(), nullable=False),
        sa.Column("dst", sa.Integer(), nullable=False),
        sa.Column("similarity", sa.REAL(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("reason", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["dst"], ["article.number"], name=op.f("fk_link_dst")),
        sa.ForeignKeyConstraint(["src"], ["article.number"], name=op.f("fk_link_src")),
        postgresql_with={"autovacuum_vacuum_scale_factor": "0.05"},
    )
    op.create_index("ix_link_src", "link", ["src"], unique=False)
    op.create_index("ix_link_dst", "link", ["dst"], unique=False)
    op.execute(_LINKS)


_LINKS = """INSERT INTO link (src, dst, similarity, place, reason)
SELECT src, dst, score, position + CASE slot WHEN 'see_also' THEN 0 ELSE 100 END,
    CASE reason WHEN 'pinned' THEN 0 WHEN 'similar' THEN 1 ELSE 2 END
FROM earlier ORDER BY src, 4"""

_REINDEX = """INSERT INTO step (site, kind, key, priority)
SELECT id, 'reindex', id, 2 FROM site WHERE EXISTS (SELECT 1 FROM article WHERE article.site = site.id)"""


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose what the newer version wrote")
