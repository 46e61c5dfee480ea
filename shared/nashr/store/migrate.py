"""Brings a database to the installed schema, and gives each service's role its rights on it.

Versions N and N-1 of the code run side by side on it: what this code does not know yet it leaves alone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from nashr.store import roles, schema
from nashr.store.database import DatabaseUnavailable, connect, run, statement, transaction, translated
from nashr.store.roles import Role

ONE_AT_A_TIME = 1835626354
"""The advisory lock of migrations, which migrations/env.py takes too."""

PATIENCE: Final = 120.0
"""Seconds for which a version is tried again while others hold the tables that it changes."""

_PAUSE: Final = 0.5  # seconds for those who came behind us
_OTHERS_HOLD_IT: Final = frozenset({"55P03", "40P01"})
"""lock_not_available; deadlock_detected, which PostgreSQL looks for after as long as we wait."""


@dataclass(frozen=True)
class Unsettled:
    """What was left to somebody else.

    ``missing``: roles that we may not make. ``elsewhere``: roles whose password another nashr on this
    server has set, by the name of its database.
    """

    missing: Sequence[Role] = ()
    elsewhere: Mapping[Role, str] = field(default_factory=dict)


def config(url: str) -> Config:
    """Alembic's configuration for our migrations, without an ini file."""
    made = Config()
    made.set_main_option("script_location", str(schema.MIGRATIONS))
    made.attributes["url"] = "postgresql+psycopg://" + url.partition("://")[2]
    return made


def upgrade(url: str, *, patience: float = PATIENCE) -> None:
    """Applies what is missing, version by version: each whole or not at all. Raises DatabaseUnavailable.

    A version waits a second at most for a table that somebody holds, for others wait behind it; then it
    lets them pass and tries again. A database of a newer nashr is left as it is.
    """
    engine = connect(url, pool=1, application="nashr-migrate")
    try:
        end = time.monotonic() + patience
        while (version := _next(engine)) is not None:
            if not _apply(url, version):
                if time.monotonic() > end:
                    raise DatabaseUnavailable(
                        f"version {version} of the schema waits for tables that others hold "
                        "(pg_stat_activity shows the oldest transactions)"
                    )
                time.sleep(_PAUSE)
    finally:
        engine.dispose()


def _next(engine: Engine) -> str | None:
    """The version to apply; all at once where nobody works yet."""
    with statement(engine) as conn:
        now = schema.found(conn)
    return schema.following(now) if now else schema.HEAD


def _apply(url: str, version: str) -> bool:
    """False where somebody held a table for too long; nothing has changed then."""
    with translated():
        try:
            command.upgrade(config(url), version)
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) not in _OTHERS_HOLD_IT:
                raise
            return False
    return True


def upgrade_within(conn: Connection, version: str) -> None:
    """Brings the schema that the search path names to ``version``, as part of a transaction at hand."""
    made = Config()
    made.set_main_option("script_location", str(schema.MIGRATIONS))
    made.attributes["connection"] = conn
    command.upgrade(made, version)


def give_rights(url: str, *, passwords: Mapping[Role, str]) -> Unsettled:
    """Makes the services' roles where we may, and settles their passwords (where not empty) and rights.

    A newer nashr has given the rights of its own schema: they stay. Raises DatabaseUnavailable.
    """
    engine = connect(url, pool=1, application="nashr-migrate")
    try:
        with transaction(engine) as conn:
            run(conn, "SELECT pg_advisory_xact_lock(:lock)", lock=ONE_AT_A_TIME)
            if schema.found(conn) > schema.HEAD:
                return Unsettled()
            missing = tuple(roles.missing(conn))
            if missing and roles.may_create(conn):
                roles.create(conn, missing)
                missing = ()
            there = [role for role in roles.ROLES if role not in missing]
            given = {role: passwords[role] for role in there if passwords.get(role)}
            elsewhere = roles.settle_passwords(conn, given)
            roles.grant(conn, there)
            return Unsettled(missing, elsewhere)
    finally:
        engine.dispose()


def is_current(url: str) -> bool:
    """Whether the database is at the installed version, or a newer one. Raises DatabaseUnavailable."""
    engine = connect(url, pool=1, application="nashr-migrate")
    try:
        with statement(engine) as conn:
            return schema.found(conn) >= schema.HEAD
    finally:
        engine.dispose()
