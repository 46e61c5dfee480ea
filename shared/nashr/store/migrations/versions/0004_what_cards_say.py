"""what cards say: the day of an article's first publication, known before it is live."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is live keeps the day that its page says; delivery asks anew for cards that were on their way."""
    op.add_column("article", sa.Column("dated_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE article SET dated_at = published_at WHERE published_at IS NOT NULL")
    op.execute("UPDATE step SET state = 'void' WHERE kind = 'cards' AND state IN ('ready', 'leased', 'dead')")


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose what the newer version wrote")
