"""webhook, who is told of events; indexes of the steps that tell them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_NOW = sa.text("clock_timestamp()")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nobody is told anything at first. The version before this one has no ``notify`` steps and adds none."""
    op.create_table(
        "webhook",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("site", sa.Text, sa.ForeignKey("site.id"), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("events", ARRAY(sa.Text), nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("old_secret", sa.Text),
        sa.Column("old_secret_until", _TIME),
        sa.Column("state", sa.Text, nullable=False, server_default="active"),
        sa.Column("why", sa.Text),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at", _TIME, nullable=False, server_default=_NOW),
        sa.Column("updated_at", _TIME, nullable=False, server_default=_NOW),
        sa.Column("failing_since", _TIME),
    )
    op.create_index("ix_webhook_site", "webhook", ["site"])
    op.create_index(
        "ix_step_notice", "step", [sa.text("(input->>'to')"), "id"],
        postgresql_where=sa.text("kind = 'notify'"),
    )  # fmt: skip
    op.create_index(
        "ix_step_untold", "step", [sa.text("(input->>'to')"), sa.text("(input->>'article')")],
        postgresql_where=sa.text("kind = 'notify' AND state IN ('ready', 'leased')"),
    )  # fmt: skip


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose what the newer version wrote")
