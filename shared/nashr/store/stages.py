"""When a publication reached its stages, on the database's clock: written once, when it goes live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from nashr.domain.stages import Stage, timeline
from nashr.store.database import run
from nashr.store.publishing import Publication


@dataclass(frozen=True)
class Spent:
    """Seconds of a delivery until its page was rendered, acknowledged and purged; None: not done."""

    rendered: float
    stored: float | None = None
    purged: float | None = None


def record(conn: Connection, publication: str, page: int, spent: Spent) -> None:
    """Keeps the stages of a publication that goes live by this delivery, unless it has some.

    Enriched is when the last of its inputs was done; the begin of the delivery where one was not waited for
    any longer.
    """
    run(
        conn,
        """UPDATE publication SET detail = detail || jsonb_build_object('stages', jsonb_strip_nulls(
            jsonb_build_object(
                'enriched', GREATEST(released_at, (
                    SELECT max(CASE WHEN s.state = 'done' AND s.finished_at < deliver.started_at
                        THEN s.finished_at ELSE deliver.started_at END)
                    FROM publication_step p JOIN step s ON s.id = p.step WHERE p.publication = :id)),
                'rendered', deliver.started_at + make_interval(secs => :rendered),
                'stored', deliver.started_at + make_interval(secs => CAST(:stored AS float8)),
                'purged', deliver.started_at + make_interval(secs => CAST(:purged AS float8)))))
        FROM step AS deliver
        WHERE publication.id = :id AND deliver.kind = 'deliver' AND deliver.key = :page
            AND NOT detail ? 'stages'""",
        id=publication, page=str(page), rendered=spent.rendered, stored=spent.stored, purged=spent.purged,
    )  # fmt: skip


def of(found: Publication) -> tuple[Stage, ...]:
    """What is known of a publication's stages so far."""
    kept = {name: datetime.fromisoformat(at) for name, at in found.detail.get("stages", {}).items()}
    receipt = found.receipt or {}
    proven = datetime.fromisoformat(receipt["verified_at"]) if receipt else None
    return tuple(
        timeline({"accepted": found.requested_at, "released": found.released_at, **kept, "proven": proven})
    )


def lag(found: Publication) -> float | None:
    """Publish lag: seconds from the hour a publication was due until the edge was seen to serve it."""
    last = of(found)[-1]
    return round((last.at - found.due_at).total_seconds(), 3) if last.stage == "proven" else None
