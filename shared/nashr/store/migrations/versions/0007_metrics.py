"""metric: what processes have counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Counts begin at nothing. The version before this one ignores the table."""
    op.create_table(
        "metric",
        sa.Column("series", sa.Text, primary_key=True),
        sa.Column("labels", sa.Text, primary_key=True),
        sa.Column("value", sa.Double, nullable=False),
        postgresql_with={"fillfactor": "50"},
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose what the newer version wrote")
