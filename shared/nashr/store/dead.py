"""Work that failed for good: what it is, what it holds up, and its two ends: tried again, or closed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from nashr.domain.errors import Refused
from nashr.steps import STEPS, queue_of
from nashr.store import events, pagerows, publishing, queue
from nashr.store.database import row, rows, run

_OF_ONE_PUBLICATION: Final = ("release", "remove")  # their key is the publication's id
_OF_ONE_PAGE: Final = ("deliver", "purge")  # their key is the page's id


@dataclass(frozen=True)
class Blocked:
    """A publication that cannot go on, or has failed, because a step is dead."""

    publication: str
    article: str
    state: str


@dataclass(frozen=True)
class Dead:
    """A dead step. ``subject``: the path, article, photo or site that it was for; ``since``: when it died."""

    id: int
    site: str
    kind: str
    key: str
    subject: str
    priority: int
    attempts: int
    error: str
    since: datetime
    blocks: tuple[Blocked, ...] = ()

    @property
    def queue(self) -> str:
        return queue_of(self.kind, self.priority)


_DEAD = """SELECT s.id, s.site, s.kind, s.key, s.priority, s.attempts, COALESCE(s.error, '') AS error,
        COALESCE(s.finished_at, s.created_at) AS since,
        COALESCE(s.input->>'path', s.input->>'to', s.input->>'article', s.input->>'asset',
            (SELECT article FROM publication WHERE id = s.input->>'publication'), s.site) AS subject
    FROM step s WHERE s.state = 'dead'"""


def every(
    conn: Connection,
    *,
    site: str | None = None,
    kinds: Collection[str] = (),
    before: int | None = None,
    limit: int = 50,
) -> Sequence[Dead]:
    """Dead steps of a site (None: all sites) and of some kinds (none: all), youngest first, below an id."""
    found = rows(
        conn,
        f"""{_DEAD} AND (CAST(:site AS text) IS NULL OR s.site = :site)
            AND (:every OR s.kind = ANY(:kinds)) AND (CAST(:before AS bigint) IS NULL OR s.id < :before)
        ORDER BY s.id DESC LIMIT :limit""",
        site=site, every=not kinds, kinds=list(kinds), before=before, limit=limit,
    )  # fmt: skip
    return _with_blocks(conn, found)


def find(conn: Connection, step: int, *, site: str | None = None) -> Dead:
    """One dead step. Raises Refused("not_found"), also for another site's when ``site`` is given."""
    found = rows(
        conn,
        f"""{_DEAD} AND s.id = :step AND (CAST(:site AS text) IS NULL OR s.site = :site)
        FOR NO KEY UPDATE OF s""",
        step=step, site=site,
    )  # fmt: skip
    if not found:
        raise Refused("not_found", f"no dead step has the number {step}: nashr dead list shows them")
    return _with_blocks(conn, found)[0]


def _with_blocks(conn: Connection, found: Sequence[Mapping[str, Any]]) -> Sequence[Dead]:
    held = _held_up(conn, [item["id"] for item in found])
    return [replace(Dead(**item), blocks=tuple(held.get(item["id"], ()))) for item in found]


def _held_up(conn: Connection, steps: Sequence[int]) -> Mapping[int, list[Blocked]]:
    """The publications that are not live because of these steps.

    One that has failed counts for a kind that blocks, until a newer publication of its article stands.
    """
    found = rows(
        conn,
        """WITH dead AS (SELECT id, kind, key, input FROM step WHERE id = ANY(:steps)), held AS (
            SELECT d.id, d.kind, p.id AS publication FROM dead d JOIN publication p ON p.id = d.key
            WHERE d.kind = ANY(:single)
            UNION SELECT d.id, d.kind, p.id FROM dead d
                JOIN publication p ON p.page = CAST(d.input->>'page' AS bigint) WHERE d.kind = ANY(:paged)
            UNION SELECT d.id, d.kind, l.publication FROM dead d JOIN publication_step l ON l.step = d.id
        )
        SELECT held.id AS step, p.id AS publication, p.article, p.state
        FROM held JOIN publication p ON p.id = held.publication
        WHERE p.state IN ('scheduled', 'pending', 'running') OR (
            p.state = 'failed' AND held.kind = ANY(:blocking) AND NOT EXISTS (
                SELECT 1 FROM publication n WHERE n.article = p.article AND n.number > p.number))
        ORDER BY p.number""",
        steps=list(steps), single=list(_OF_ONE_PUBLICATION), paged=list(_OF_ONE_PAGE),
        blocking=[kind.name for kind in STEPS.values() if kind.on_dead == "block"],
    )  # fmt: skip
    held: dict[int, list[Blocked]] = {}
    for item in found:
        blocked = Blocked(item["publication"], item["article"], item["state"])
        held.setdefault(item["step"], []).append(blocked)
    return held


def replay(conn: Connection, dead: Dead, *, actor: str) -> None:
    """Makes a locked dead step due now, with all its attempts before it.

    The page of the article that it works for goes out again when it has ended.
    """
    run(
        conn,
        """UPDATE step SET state = 'ready', attempts = 0, available_at = clock_timestamp(),
            dispatched_at = NULL, finished_at = NULL WHERE id = :step""",
        step=dead.id,
    )
    if not STEPS[dead.kind].rearms:
        page = row(
            conn,
            """SELECT a.page FROM step s JOIN article a ON a.id = s.input->>'article'
            WHERE s.id = :step AND a.page IS NOT NULL""",
            step=dead.id,
        )
        for found in pagerows.lock_ids(conn, [page["page"]] if page else []):
            pagerows.wait_for(conn, found, dead.id, 0.0)
    events.record(conn, "dead.replay", dead.subject, site=dead.site, actor=actor, **_told(dead))
    queue.notify(conn)


def skip(conn: Connection, dead: Dead, *, actor: str, reason: str | None = None) -> None:
    """Closes a locked dead step: it is void, and runs again only if somebody asks for its work anew.

    Pages that wait for it go out without; publications that cannot be live without it have failed.
    """
    run(conn, "UPDATE step SET state = 'void' WHERE id = :step", step=dead.id)
    if not STEPS[dead.kind].rearms:
        pagerows.wake(conn, dead.id, priority=dead.priority)
    if dead.kind in {*_OF_ONE_PUBLICATION, "deliver"}:
        for blocked in dead.blocks:
            found = publishing.find(conn, blocked.publication)
            assert found is not None
            publishing.fail(conn, found, _outcome(dead, actor))
    events.record(conn, "dead.skip", dead.subject, site=dead.site, actor=actor, reason=reason, **_told(dead))


def _outcome(dead: Dead, actor: str) -> str:
    if dead.kind == "remove":
        return f"{actor} skipped the removal of its files: they may still be in the store ({dead.error})"
    return f"{actor} skipped its {dead.kind} step ({dead.error}): publish again"


def _told(dead: Dead) -> dict[str, Any]:
    return {"step": dead.id, "kind": dead.kind, "attempts": dead.attempts, "error": dead.error}
