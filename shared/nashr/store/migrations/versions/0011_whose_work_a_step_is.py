"""step.traceparent: the trace that a step belongs to, taken from the transaction that makes it due."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No row is written anew. The version before this one leaves the column alone."""
    op.execute(
        "ALTER TABLE step ADD COLUMN traceparent text"
        " DEFAULT NULLIF(current_setting('nashr.traceparent', true), '')"
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose what the newer version wrote")
