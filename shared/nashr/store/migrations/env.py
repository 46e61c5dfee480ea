"""Alembic's entry: a connection of its own, one advisory lock, short lock waits; or a transaction given."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, NullPool, create_engine, text

from nashr.store.migrate import ONE_AT_A_TIME
from nashr.store.tables import metadata

ALONE = text(f"SELECT pg_advisory_xact_lock({ONE_AT_A_TIME})")


def migrate(conn: Connection) -> None:
    context.configure(connection=conn, target_metadata=metadata, compare_server_default=True)
    context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    given.execute(ALONE)
    migrate(given)
else:
    engine = create_engine(context.config.attributes["url"], poolclass=NullPool)
    with engine.begin() as own:
        # Another migration is waited for as long as it takes, tables are not.
        own.execute(ALONE)
        own.execute(text("SET LOCAL lock_timeout = '1s'"))  # whoever comes behind us waits no longer
        own.execute(text("SET LOCAL statement_timeout = 0"))
        migrate(own)
