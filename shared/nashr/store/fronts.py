"""What editors decide about a front: pins and a banner. The rest of a front is newest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from nashr.pages import FRONT_LENGTH, Fact, front_page
from nashr.steps import Priority
from nashr.store import events, pagerows
from nashr.store.database import at_end, row, rows, run
from nashr.store.pagerows import Why


@dataclass(frozen=True)
class Pin:
    """An article held at a slot of a front, from 1 on; ``until`` None: until somebody takes it away."""

    article: str
    slot: int
    until: datetime | None


@dataclass(frozen=True)
class Front:
    """A front as its editor left it, without what has run out. Version 0: nobody has touched it yet."""

    pins: tuple[Pin, ...] = ()
    banner: Mapping[str, Any] | None = None
    version: int = 0


def read(conn: Connection, site: str, name: str) -> Front:
    """The front called ``name``: home, or a section's slug."""
    found = row(
        conn,
        """SELECT version, CASE WHEN (banner->>'until')::timestamptz <= clock_timestamp() THEN NULL
            ELSE banner END AS banner FROM front WHERE site = :site AND name = :name""",
        site=site, name=name,
    )  # fmt: skip
    pins = rows(
        conn,
        """SELECT article, slot, until FROM pin WHERE site = :site AND front = :name
            AND (until IS NULL OR until > clock_timestamp()) ORDER BY slot""",
        site=site, name=name,
    )  # fmt: skip
    return Front(
        tuple(Pin(**item) for item in pins),
        found["banner"] if found else None,
        found["version"] if found else 0,
    )


def lock(conn: Connection, site: str, name: str) -> int:
    """The version of a front, which nobody else changes until the transaction ends."""
    run(conn, "SELECT pg_advisory_xact_lock(hashtextextended(:front, 2))", front=f"{site}/{name}")
    return read(conn, site, name).version


def put(
    conn: Connection,
    site: str,
    name: str,
    *,
    pins: Sequence[Pin],
    banner: Mapping[str, Any] | None,
    actor: str,
) -> int:
    """Replaces what is decided about a locked front, and has it delivered at once; returns its version."""
    run(conn, "DELETE FROM pin WHERE site = :site AND front = :name", site=site, name=name)
    run(
        conn,
        """INSERT INTO pin (site, front, slot, article, until)
        SELECT :site, :name, slot, article, until FROM unnest(CAST(:slots AS smallint[]),
            CAST(:articles AS text[]), CAST(:untils AS timestamptz[])) AS new(slot, article, until)""",
        site=site, name=name, slots=[pin.slot for pin in pins], articles=[pin.article for pin in pins],
        untils=[pin.until for pin in pins],
    )  # fmt: skip
    stored = row(
        conn,
        """INSERT INTO front (site, name, banner) VALUES (:site, :name, :banner)
        ON CONFLICT (site, name) DO UPDATE SET banner = excluded.banner, version = front.version + 1,
            updated_at = clock_timestamp()
        RETURNING version""",
        site=site, name=name, banner=Jsonb(dict(banner)) if banner else None,
    )  # fmt: skip
    events.record(
        conn, "front.put", name, site=site, actor=actor, pins=[pin.article for pin in pins],
        banner=banner is not None,
    )  # fmt: skip
    at_end(conn, lambda conn: _deliver(conn, site, name))
    assert stored is not None
    return int(stored["version"])


def _deliver(conn: Connection, site: str, name: str) -> None:
    """Before other work and without a rest: an editor watches."""
    locked = pagerows.lock(conn, site, [front_page(name)])
    why = Why({Fact.front}, f"front {name}")
    pagerows.want(conn, locked.values(), priority=Priority.breaking, at_once=True, why=why)


def arranged(
    pinned: Mapping[int, Mapping[str, Any]], newest: Sequence[Mapping[str, Any]]
) -> Sequence[Mapping[str, Any]]:
    """Each pinned article at its slot, the newest around them, nothing twice.

    Where there are too few articles to reach a slot, its article moves up to the end.
    """
    held = {item["id"] for item in pinned.values()}
    rest = iter([item for item in newest if item["id"] not in held])
    slots = (pinned.get(slot) or next(rest, None) for slot in range(1, FRONT_LENGTH + 1))
    return [item for item in slots if item is not None]


def pinned_on(conn: Connection, article: str) -> tuple[str, ...]:
    """The fronts that an article is pinned to."""
    found = rows(
        conn,
        """SELECT front FROM pin WHERE article = :article
            AND (until IS NULL OR until > clock_timestamp()) ORDER BY front""",
        article=article,
    )
    return tuple(item["front"] for item in found)
