"""Idempotency keys: the stored answer of a committed write, per token and route, for 72 hours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from nashr.domain.errors import Refused
from nashr.store.database import row, run, scalar

KEEP_HOURS = 72


@dataclass(frozen=True)
class Answer:
    """What the first request got."""

    status: int
    headers: Mapping[str, str]
    body: Any


def begin(conn: Connection, *, token: str, route: str, key: str, fingerprint: str) -> Answer | None:
    """The stored answer, or None: go ahead in this transaction, then call ``keep``.

    Raises Refused("idempotency_in_progress") while another transaction holds the key, and
    Refused("idempotency_mismatch") when the key came with another request before.
    """
    mine = scalar(
        conn,
        "SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))",
        name=f"{token}\x1f{route}\x1f{key}",
    )
    if not mine:
        raise Refused("idempotency_in_progress", "a request with this Idempotency-Key runs: ask again soon")
    found = row(
        conn,
        "SELECT * FROM idempotency WHERE token = :token AND route = :route AND key = :key",
        token=token, route=route, key=key,
    )  # fmt: skip
    if found is None:
        return None
    if found["fingerprint"] != fingerprint:
        raise Refused(
            "idempotency_mismatch", "this Idempotency-Key came with another request: take a new one"
        )
    return Answer(found["status"], found["headers"], found["body"])


def keep(
    conn: Connection, answer: Answer, *, token: str, route: str, key: str, fingerprint: str, site: str | None
) -> None:
    """Stores the answer in the same transaction as the write it answers."""
    run(
        conn,
        """INSERT INTO idempotency (token, route, key, site, fingerprint, status, headers, body)
        VALUES (:token, :route, :key, :site, :fingerprint, :status, :headers, :body)""",
        token=token, route=route, key=key, site=site, fingerprint=fingerprint, status=answer.status,
        headers=Jsonb(dict(answer.headers)), body=Jsonb(answer.body),
    )  # fmt: skip


def forget_old(conn: Connection) -> int:
    """Deletes answers older than 72 hours; returns how many."""
    return run(
        conn,
        "DELETE FROM idempotency WHERE created_at < clock_timestamp() - make_interval(hours => :hours)",
        hours=KEEP_HOURS,
    )
