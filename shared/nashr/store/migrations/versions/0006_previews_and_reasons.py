"""previews, links without a token; reasons, why a page was wanted lately; indexes for large archives."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NOW = sa.text("clock_timestamp()")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Pages that were wanted before have no reason on record. The version before this one ignores both."""
    op.create_table(
        "preview",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("article", sa.Text, sa.ForeignKey("article.id"), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", _TIME, nullable=False, server_default=_NOW),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("revoked_at", _TIME),
    )
    op.create_index("ix_preview_article_id", "preview", ["article", "id"])
    op.create_index("ix_publication_page", "publication", ["page", sa.text("number DESC")])
    op.create_index(
        "ix_page_months",
        "page",
        ["site", sa.text("split_part(subject, '/', 1)"), sa.text("subject DESC")],
        postgresql_where=sa.text("kind = 'archive' AND subject LIKE '%/1'"),
    )
    op.add_column("page", sa.Column("reasons", JSONB, nullable=False, server_default="[]"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose what the newer version wrote")
