"""Alembic's entry: one connection, one advisory lock, short lock waits."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, text

from nashr.store.tables import metadata

engine = create_engine(context.config.attributes["url"])
with engine.begin() as conn:
    conn.execute(text("SELECT pg_advisory_xact_lock(1835626354)"))
    conn.execute(text("SET LOCAL lock_timeout = '5s'"))
    context.configure(connection=conn, target_metadata=metadata, compare_server_default=True)
    context.run_migrations()
engine.dispose()
