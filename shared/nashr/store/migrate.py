"""Brings a database to the installed schema; versions N and N-1 of the code run side by side on it."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from nashr.store.database import translated


def config(url: str) -> Config:
    """Alembic's configuration for our migrations, without an ini file."""
    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    made.attributes["url"] = "postgresql+psycopg://" + url.partition("://")[2]
    return made


def upgrade(url: str) -> None:
    """Applies what is missing. Raises DatabaseUnavailable."""
    with translated():
        command.upgrade(config(url), "head")


def is_current(url: str) -> bool:
    """Whether the database is at the installed version. Raises DatabaseUnavailable."""
    made = create_engine(config(url).attributes["url"])
    try:
        with translated(), made.connect() as conn:
            found = MigrationContext.configure(conn).get_current_revision()
    finally:
        made.dispose()
    return found == ScriptDirectory.from_config(config(url)).get_current_head()
