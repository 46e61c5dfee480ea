"""Brings a database to the installed schema, and gives each service's role its rights on it.

Versions N and N-1 of the code run side by side on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from nashr.store import roles
from nashr.store.database import connect, run, transaction, translated
from nashr.store.roles import Role

ONE_AT_A_TIME = 1835626354
"""The advisory lock of migrations, which migrations/env.py takes too."""


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


def give_rights(url: str, *, passwords: Mapping[Role, str]) -> Sequence[Role]:
    """Makes the services' roles where we may, and settles their passwords (where not empty) and rights.

    Returns the roles that are missing still: somebody with the right to make them has to. Raises
    DatabaseUnavailable.
    """
    engine = connect(url, pool=1, application="nashr-migrate")
    try:
        with transaction(engine) as conn:
            run(conn, "SELECT pg_advisory_xact_lock(:lock)", lock=ONE_AT_A_TIME)
            missing = roles.missing(conn)
            if missing and roles.may_create(conn):
                roles.create(conn, missing)
                missing = ()
            there = [role for role in roles.ROLES if role not in missing]
            for role in there:
                if passwords.get(role):
                    roles.set_password(conn, role, passwords[role])
            roles.grant(conn, there)
            return missing
    finally:
        engine.dispose()


def is_current(url: str) -> bool:
    """Whether the database is at the installed version. Raises DatabaseUnavailable."""
    made = create_engine(config(url).attributes["url"])
    try:
        with translated(), made.connect() as conn:
            found = MigrationContext.configure(conn).get_current_revision()
    finally:
        made.dispose()
    return found == ScriptDirectory.from_config(config(url)).get_current_head()
