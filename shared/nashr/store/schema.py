"""Which version of the schema this code was made for, and whether a database has it. Needs no Alembic.

Versions are numbers of four digits, so that their text tells which is the newer one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine

from nashr.domain.errors import Retryable
from nashr.observability.logs import logger
from nashr.store.database import scalar, statement

MIGRATIONS: Final = Path(__file__).parent / "migrations"
VERSIONS: Final[Sequence[str]] = sorted(
    path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9][0-9][0-9][0-9]_*.py")
)
HEAD: Final = VERSIONS[-1]

_LOOK_SECONDS: Final = 1.0
_TELL_SECONDS: Final = 30.0


def found(conn: Connection) -> str:
    """The version of a database; empty where there is no schema of ours."""
    if scalar(conn, "SELECT to_regclass('alembic_version')") is None:
        return ""
    return str(scalar(conn, "SELECT version_num FROM alembic_version") or "")


def following(version: str) -> str | None:
    """The version after ``version``; None for the newest that this code knows, and for any beyond."""
    return next((one for one in VERSIONS if one > version), None)


def wait(engine: Engine, *, for_answer: bool = True) -> None:
    """Returns once the database has this code's version or a newer one, and says what it waits for.

    On an older one every step would fail until it is dead. ``for_answer``: wait also for a database that
    does not answer; false for those who have something to say meanwhile.
    """
    told = -_TELL_SECONDS
    while (version := _ask(engine)) is None or version < HEAD:
        if version is None and not for_answer:
            return
        if version is not None and time.monotonic() - told >= _TELL_SECONDS:
            told = time.monotonic()
            logger().warning("schema.behind", found=version, wanted=HEAD, advice="run nashr migrate")
        time.sleep(_LOOK_SECONDS)


def _ask(engine: Engine) -> str | None:
    try:
        with statement(engine) as conn:
            return found(conn)
    except Retryable:
        return None
