"""who may and who did: where the audit trail's rows come from, and that nobody changes them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The version before this one goes on writing rows without origin."""
    for name in ("token", "token_name", "operation", "address", "request"):
        op.add_column("audit", sa.Column(name, sa.Text))
    op.add_column("audit", sa.Column("outcome", sa.Text, nullable=False, server_default="accepted"))
    op.create_index("ix_audit_subject", "audit", ["subject", "id"])
    op.execute(
        """CREATE FUNCTION nashr_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the audit trail is only ever added to' USING ERRCODE = 'insufficient_privilege';
        END $$"""
    )
    op.execute(
        """CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
        FOR EACH STATEMENT EXECUTE FUNCTION nashr_append_only()"""
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: going back would lose what the newer version wrote")
