"""What the object store was found to keep to: one row for an endpoint and bucket; every process goes by it.

What a mode is, and how it is found, is the adapters' business (s3verdict.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Engine

from nashr.store.database import row, run, scalar, transaction

_TURN: Final = 0x6E617368  # "nash": the class of these locks; the other half is the place's hash


@dataclass(frozen=True)
class Place:
    """Where pages are written."""

    endpoint: str
    bucket: str


@dataclass(frozen=True)
class Verdict:
    """The mode, and what the probe found that led to it."""

    mode: str
    found: Mapping[str, Any]


@contextmanager
def turn(engine: Engine, place: Place) -> Iterator[Connection]:
    """A transaction in which nobody else judges ``place``. Raises DatabaseUnavailable after 5 s of waiting.

    It may stay open while the store is asked: it holds one advisory lock, no row and no snapshot.
    """
    with transaction(engine) as conn:
        run(conn, "SET LOCAL idle_in_transaction_session_timeout = '180s'")
        said = f"{place.endpoint} {place.bucket}"
        run(conn, "SELECT pg_advisory_xact_lock(:turn, hashtext(:said))", turn=_TURN, said=said)
        yield conn


def read(conn: Connection, place: Place) -> Verdict | None:
    """The verdict on ``place``, or None where nobody has probed it."""
    found = row(
        conn, "SELECT mode, found FROM store_verdict WHERE endpoint = :endpoint AND bucket = :bucket",
        endpoint=place.endpoint, bucket=place.bucket,
    )  # fmt: skip
    return Verdict(found["mode"], found["found"]) if found else None


def write(conn: Connection, place: Place, verdict: Verdict) -> None:
    """Puts ``verdict`` in the place of what stood there, and ends a dispute about it."""
    run(
        conn,
        """INSERT INTO store_verdict (endpoint, bucket, mode, found)
        VALUES (:endpoint, :bucket, :mode, :found)
        ON CONFLICT (endpoint, bucket) DO UPDATE SET mode = excluded.mode, found = excluded.found,
            disputed = false, probed_at = clock_timestamp()""",
        endpoint=place.endpoint, bucket=place.bucket, mode=verdict.mode, found=Jsonb(dict(verdict.found)),
    )  # fmt: skip


def dispute(conn: Connection, place: Place) -> None:
    """Two probes of ``place`` came to different verdicts: an alarm, until ``write`` is told one again."""
    run(
        conn, "UPDATE store_verdict SET disputed = true WHERE endpoint = :endpoint AND bucket = :bucket",
        endpoint=place.endpoint, bucket=place.bucket,
    )  # fmt: skip


def disputed(conn: Connection) -> int:
    """How many places are in dispute."""
    return int(scalar(conn, "SELECT count(*) FROM store_verdict WHERE disputed"))
