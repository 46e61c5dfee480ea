"""The step queue: add, claim, beat, finish, fail, release. PostgreSQL is the queue of record.

Every change of a claimed step names its fence; zero rows changed means another worker holds it now.
Locks are taken in one order everywhere: input steps, then pages by path, then page steps, then events.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Engine

from nashr.domain.errors import Fenced
from nashr.steps import STEPS, Priority, backoff_seconds
from nashr.store.database import at_end, row, rows, run, scalar, statement

_UNHINTED = "(dispatched_at IS NULL OR dispatched_at < statement_timestamp() - make_interval(secs => :again))"

_EACH_QUEUE = "unnest(CAST(:kinds AS text[]), CAST(:classes AS smallint[])) AS each(kind, class)"
"""Kind by kind and class by class, as the index has them: what waits for another hour is not read."""

BLAMELESS = 7
"""No more are counted of the attempts that ended because something else does not answer: so the back-off gets
as long as it can, and the count stays below every kind's ``max_attempts``."""

_SEVERAL = 16  # of a queue: others may be about to claim the first ones

CHANNEL = "nashr_step"
DIRECT = "nashr_direct"  # wakes the slot of each worker that needs no hints
ABROAD = "nashr_abroad"  # wakes the threads for servers of others

_HINTED = tuple(kind.name for kind in STEPS.values() if not kind.abroad)
_ABROAD = tuple(kind.name for kind in STEPS.values() if kind.abroad)

_DUE = """available_at <= statement_timestamp()
    AND (state = 'ready' OR (state = 'leased' AND lease_until < statement_timestamp()))"""
"""By the time of the statement, which an index can be searched with; the clock's own runs on meanwhile."""


REARM = """ON CONFLICT (kind, key) DO UPDATE SET
            state = CASE WHEN s.state = 'leased' THEN 'leased' ELSE 'ready' END,
            available_at = CASE s.state WHEN 'leased' THEN s.available_at
                WHEN 'ready' THEN LEAST(s.available_at, excluded.available_at) ELSE excluded.available_at END,
            priority = CASE s.state WHEN 'done' THEN excluded.priority
                ELSE LEAST(s.priority, excluded.priority) END,
            attempts = CASE WHEN s.state IN ('ready', 'leased') THEN s.attempts ELSE 0 END,
            dispatched_at = CASE WHEN s.state = 'leased' THEN s.dispatched_at END,
            traceparent = CASE s.state WHEN 'leased' THEN s.traceparent
                WHEN 'ready' THEN COALESCE(excluded.traceparent, s.traceparent)
                ELSE excluded.traceparent END"""
"""What becomes of the one step of a page that is wanted again: sooner if it waits, left alone if it runs."""


@dataclass(frozen=True)
class Step:
    """A claimed step: what to do, and the fence that proves the claim."""

    id: int
    site: str
    kind: str
    key: str
    input: Mapping[str, Any]
    priority: int
    attempts: int
    fence: int
    waited: float
    result: Mapping[str, Any] | None
    hinted: bool = False
    traceparent: str | None = None
    taken_over: bool = False


@dataclass(frozen=True)
class Hint:
    """What the relay tells the transport: look at this step."""

    step: int
    kind: str
    priority: int


def owner_name(service: str, pid: int) -> str:
    """Who holds a lease. A supervisor on the same machine can tell it from the process id alone.

    The machine is part of it: in containers every worker has the same process id.
    """
    return f"{service}:{socket.gethostname()}:{pid}"


def notify(conn: Connection) -> None:
    """Wakes the relay when the transaction commits, once however often it is asked for."""
    at_end(conn, _notify)


def _notify(conn: Connection) -> None:
    run(conn, f"NOTIFY {CHANNEL}")


def wake_direct(conn: Connection, kind: str = "") -> None:
    """Has workers look by themselves when the transaction commits.

    There is breaking work of ``kind``, for which all others make way; or, without one, no transport.
    """
    at_end(conn, _WakeDirect(STEPS[kind].service if kind else ""))


@dataclass(frozen=True)
class _WakeDirect:
    service: str

    def __call__(self, conn: Connection) -> None:
        run(conn, "SELECT pg_notify(:channel, :service)", channel=DIRECT, service=self.service)


def add(
    conn: Connection,
    kind: str,
    key: str,
    *,
    site: str,
    data: Mapping[str, Any],
    priority: int = Priority.normal,
) -> tuple[int, bool]:
    """Inserts an input-hashed step unless it exists; returns its id and whether it is done.

    The row stays locked until the transaction ends, so that a finish and a publish see each other.
    A dead step is tried afresh: asking again is the editor's replay. So is a void one, whose result is gone.
    """
    found = row(
        conn,
        """INSERT INTO step (site, kind, key, input, priority) VALUES (:site, :kind, :key, :data, :priority)
        ON CONFLICT (kind, key) DO UPDATE SET
            priority = LEAST(step.priority, excluded.priority),
            attempts = CASE WHEN step.state IN ('dead', 'void') THEN 0 ELSE step.attempts END,
            state = CASE WHEN step.state IN ('dead', 'void') THEN 'ready' ELSE step.state END
        RETURNING id, state""",
        site=site, kind=kind, key=key, data=Jsonb(data), priority=priority,
    )  # fmt: skip
    assert found is not None
    if priority == Priority.breaking:
        wake_direct(conn, kind)
    return found["id"], found["state"] == "done"


def rearm(
    conn: Connection,
    kind: str,
    key: str,
    *,
    site: str,
    data: Mapping[str, Any],
    priority: int = Priority.normal,
    delay: float = 0.0,
) -> int:
    """Makes the one step of this kind and key due ``delay`` seconds from now, or sooner if it was.

    A step that runs at this moment is left alone: its finish looks whether more was wanted.
    """
    step = scalar(
        conn,
        f"""INSERT INTO step AS s (site, kind, key, input, priority, available_at)
        VALUES (:site, :kind, :key, :data, :priority, clock_timestamp() + make_interval(secs => :delay))
        {REARM}
        RETURNING id""",
        site=site, kind=kind, key=key, data=Jsonb(data), priority=priority, delay=delay,
    )  # fmt: skip
    if priority == Priority.breaking:
        wake_direct(conn, kind)
    return int(step)


def pull(conn: Connection, step: int) -> None:
    """Makes a ready step due now."""
    run(
        conn,
        """UPDATE step SET available_at = clock_timestamp(), dispatched_at = NULL
        WHERE id = :step AND state = 'ready' AND available_at > clock_timestamp()""",
        step=step,
    )


def claim(
    engine: Engine, step: int, kinds: Sequence[str] = tuple(STEPS), *, owner: str, lease: float
) -> Step | None:
    """Takes a due step of one of ``kinds``: raises its fence and counts the attempt before anything runs."""
    where = f"id = :step AND kind = ANY(:kinds) AND {_DUE}"
    with statement(engine) as conn:
        return _claim(conn, where, owner=owner, lease=lease, step=step, kinds=list(kinds))


def claim_next(
    engine: Engine, kinds: Sequence[str], *, owner: str, lease: float, where: str = "true", **values: Any
) -> Step | None:
    """Takes the first due step of these kinds that also satisfies ``where``, past locked rows."""
    query = f"""id = (
            WITH found AS MATERIALIZED (SELECT first.id FROM {_EACH_QUEUE} CROSS JOIN LATERAL (
                SELECT id FROM step WHERE kind = each.kind AND priority = each.class AND {_DUE} AND {where}
                ORDER BY available_at, id LIMIT {_SEVERAL}) AS first)
            SELECT id FROM found JOIN step USING (id) WHERE {_DUE} AND {where}
            ORDER BY priority, available_at, id LIMIT 1 FOR UPDATE OF step SKIP LOCKED)"""
    with statement(engine) as conn:
        return _claim(conn, query, owner=owner, lease=lease, **_queues(kinds), **values)


def _queues(kinds: Iterable[str]) -> dict[str, list[Any]]:
    pairs = [(kind, int(priority)) for kind in kinds for priority in Priority]
    return {"kinds": [kind for kind, _ in pairs], "classes": [priority for _, priority in pairs]}


def _claim(conn: Connection, where: str, *, owner: str, lease: float, **values: Any) -> Step | None:
    """What was still leased when the statement began is taken over.

    RETURNING reads that from the row's page, which is at hand: 2 µs of 190 (EXPLAIN ANALYZE, 20 000 steps).
    """
    found = row(
        conn,
        f"""UPDATE step SET state = 'leased', fence = fence + 1, attempts = attempts + 1,
            lease_owner = :owner, started_at = clock_timestamp(),
            lease_until = clock_timestamp() + make_interval(secs => :lease)
        WHERE {where}
        RETURNING id, site, kind, key, input, priority, attempts, fence, result, traceparent,
            EXTRACT(EPOCH FROM clock_timestamp() - available_at)::float8 AS waited,
            dispatched_at IS NOT NULL AS hinted,
            (SELECT before.state = 'leased' FROM step AS before WHERE before.id = step.id) AS taken_over""",
        owner=owner, lease=lease, **values,
    )  # fmt: skip
    return Step(**found) if found else None


def beat(engine: Engine, held: Iterable[tuple[int, int]], *, lease: float) -> None:
    """Extends the leases of (step, fence) pairs that are still ours; a locked one is being finished."""
    steps, fences = zip(*held, strict=True)
    with statement(engine) as conn:
        run(
            conn,
            """WITH held AS (
                SELECT id FROM step
                JOIN unnest(CAST(:steps AS bigint[]), CAST(:fences AS bigint[])) AS h(id, fence)
                    USING (id, fence)
                WHERE state = 'leased' ORDER BY id FOR NO KEY UPDATE OF step SKIP LOCKED)
            UPDATE step SET lease_until = clock_timestamp() + make_interval(secs => :lease)
            WHERE id IN (SELECT id FROM held)""",
            lease=lease, steps=list(steps), fences=list(fences),
        )  # fmt: skip


def hold(conn: Connection, step: Step) -> None:
    """Locks a claimed input step before the locks of what it leads to. Raises Fenced when it is another's."""
    found = scalar(
        conn,
        "SELECT id FROM step WHERE id = :id AND fence = :fence AND state = 'leased' FOR NO KEY UPDATE",
        id=step.id, fence=step.fence,
    )  # fmt: skip
    if found is None:
        raise Fenced(f"step {step.id} is no longer held with fence {step.fence}")


def finish(
    conn: Connection,
    step: Step,
    *,
    result: Mapping[str, Any] | None = None,
    again_at: datetime | None = None,
    priority: Priority | None = None,
) -> None:
    """Ends a step as done, or as due again at ``again_at``, in class ``priority`` if that is another now.

    Raises Fenced when it is another's.
    """
    changed = run(
        conn,
        """UPDATE step SET
            state = CASE WHEN CAST(:again AS timestamptz) IS NULL THEN 'done' ELSE 'ready' END,
            available_at = COALESCE(CAST(:again AS timestamptz), available_at), error = NULL,
            attempts = CASE WHEN CAST(:again AS timestamptz) IS NULL THEN attempts ELSE 0 END,
            priority = COALESCE(CAST(:priority AS smallint), priority),
            result = :result, finished_at = clock_timestamp(),
            lease_owner = NULL, lease_until = NULL, dispatched_at = NULL
        WHERE id = :id AND fence = :fence AND state = 'leased'""",
        id=step.id, fence=step.fence, again=again_at, priority=priority,
        result=Jsonb(result) if result is not None else None,
    )  # fmt: skip
    if not changed:
        raise Fenced(f"step {step.id} is no longer held with fence {step.fence}")


def retry(
    conn: Connection,
    step: Step,
    error: str,
    *,
    waits: float | None = None,
    least: float = 0.0,
    blameless: bool = False,
) -> None:
    """Puts a step back with a back-off; full jitter within the upper half, but not before ``least`` seconds.

    What only waits for something else comes again in ``waits`` seconds, the attempt forgotten. A
    ``blameless`` attempt counts no further than BLAMELESS: enough for the back-off, never for death.
    """
    delay = backoff_seconds(step.attempts, step.kind) if waits is None else waits
    forgotten = waits is not None or (blameless and step.attempts > BLAMELESS)
    delay = max(least, delay * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load only
    run(
        conn,
        """UPDATE step SET state = 'ready', error = :error, lease_owner = NULL, lease_until = NULL,
            attempts = attempts - :forgotten, dispatched_at = NULL,
            available_at = clock_timestamp() + make_interval(secs => :delay)
        WHERE id = :id AND fence = :fence AND state = 'leased'""",
        id=step.id, fence=step.fence, error=_said(error), forgotten=int(forgotten), delay=delay,
    )  # fmt: skip


def _said(error: str) -> str:
    """As a column of text can hold it."""
    return error.replace("\0", "")[:2000]


def bury(conn: Connection, step: Step, error: str) -> bool:
    """Ends a step as dead; false when it is another's by now."""
    return bool(
        run(
            conn,
            """UPDATE step SET state = 'dead', error = :error, finished_at = clock_timestamp(),
                lease_owner = NULL, lease_until = NULL, dispatched_at = NULL
            WHERE id = :id AND fence = :fence AND state = 'leased'""",
            id=step.id, fence=step.fence, error=_said(error),
        )
    )  # fmt: skip


def release(engine: Engine, owner: str) -> int:
    """Gives back at once what a dead or leaving process held; returns how many steps.

    From the third attempt on with a back-off: what kills its process must not kill the next one before
    others had their turn.
    """
    with statement(engine) as conn:
        return run(
            conn,
            f"""WITH held AS (SELECT id FROM step WHERE state = 'leased' AND lease_owner = :owner
                ORDER BY id FOR UPDATE SKIP LOCKED),
            freed AS (UPDATE step SET state = 'ready', lease_owner = NULL, lease_until = NULL,
                dispatched_at = NULL, available_at = CASE WHEN attempts < 3 THEN available_at
                    ELSE GREATEST(available_at, clock_timestamp() + make_interval(
                        secs => LEAST(15, 0.25 * 2 ^ LEAST(attempts - 2, 10)) * (0.5 + random() / 2))) END
            WHERE id IN (SELECT id FROM held) RETURNING id)
            SELECT pg_notify('{CHANNEL}', ''), id FROM freed""",
            owner=owner,
        )


def take_due(conn: Connection, *, redispatch: float, per_queue: int) -> list[Hint]:
    """Marks due steps as hinted and returns them, breaking first.

    Of each kind and class the first ``per_queue`` have a hint out at a time, so that a long backlog costs
    the relay nothing while it waits.
    """
    run(conn, "SET LOCAL synchronous_commit TO off")  # a hint forgotten in a crash is sent again
    taken = rows(
        conn,
        f"""WITH found AS MATERIALIZED (
            SELECT first.id FROM {_EACH_QUEUE} CROSS JOIN LATERAL (
                SELECT id, dispatched_at FROM step WHERE kind = each.kind AND priority = each.class AND {_DUE}
                ORDER BY available_at, id LIMIT :per_queue) AS first
            WHERE {_UNHINTED}
        ), chosen AS MATERIALIZED (
            SELECT id FROM found JOIN step USING (id) WHERE {_DUE} AND {_UNHINTED}
            ORDER BY id FOR NO KEY UPDATE OF step SKIP LOCKED
        )
        UPDATE step SET dispatched_at = clock_timestamp() FROM chosen WHERE step.id = chosen.id
        RETURNING step.id AS step, step.kind, step.priority""",
        again=redispatch, per_queue=per_queue, **_queues(_HINTED),
    )  # fmt: skip
    hints = [Hint(**item) for item in taken]
    return sorted(hints, key=lambda hint: (hint.priority, hint.step))


def seconds_to_next(conn: Connection) -> float | None:
    """Seconds until the next step becomes due; below zero while a due one has no hint; None for neither."""
    found = scalar(
        conn,
        f"""SELECT EXTRACT(EPOCH FROM min(next.available_at) - clock_timestamp())::float8
        FROM {_EACH_QUEUE} CROSS JOIN LATERAL (
            SELECT available_at FROM step WHERE kind = each.kind AND priority = each.class
                AND state = 'ready' AND (available_at > statement_timestamp() OR dispatched_at IS NULL)
            ORDER BY available_at LIMIT 1) AS next""",
        **_queues(_HINTED),
    )
    return None if found is None else float(found)


def overdue(engine: Engine, kinds: Sequence[str], *, seconds: float) -> int:
    """How many steps of these kinds have been due, and unclaimed, for longer than ``seconds``."""
    with statement(engine) as conn:
        return int(
            scalar(
                conn,
                f"""SELECT count(*) FROM step WHERE kind = ANY(:kinds) AND {_DUE}
                    AND GREATEST(available_at, COALESCE(lease_until, available_at))
                        < clock_timestamp() - make_interval(secs => :seconds)""",
                kinds=list(kinds), seconds=seconds,
            )
        )  # fmt: skip


@dataclass(frozen=True)
class Backlog:
    """The state of the queue for people on call."""

    oldest_due_seconds: float
    oldest_due_seconds_outside_bulk: float
    due: int
    leased: int
    dead: int


def backlog(conn: Connection) -> Backlog:
    """Ages in seconds; zero when nothing is due. What waits for servers of others counts as bulk."""
    age = "COALESCE(EXTRACT(EPOCH FROM clock_timestamp() - min(available_at)"
    found = row(
        conn,
        f"""SELECT {age} FILTER (WHERE {_DUE}))::float8, 0) AS oldest_due_seconds,
            {age} FILTER (WHERE priority < 2 AND kind <> ALL(:abroad) AND {_DUE}))::float8, 0)
                AS oldest_due_seconds_outside_bulk,
            count(*) FILTER (WHERE {_DUE}) AS due, count(*) FILTER (WHERE state = 'leased') AS leased,
            count(*) FILTER (WHERE state = 'dead') AS dead
        FROM step WHERE state <> 'done'""",
        abroad=list(_ABROAD),
    )
    assert found is not None
    return Backlog(**found)


def bulk_waits(conn: Connection) -> float:
    """Seconds for which the first bulk publication has waited for its links or its cards; 0: none waits."""
    return float(
        scalar(
            conn,
            f"""SELECT COALESCE(EXTRACT(EPOCH FROM clock_timestamp() - min(first.available_at)), 0)::float8
            FROM {_EACH_QUEUE} CROSS JOIN LATERAL (
                SELECT available_at FROM step WHERE kind = each.kind AND priority = each.class
                    AND state = 'ready' AND available_at <= statement_timestamp()
                ORDER BY available_at LIMIT 1) AS first""",
            kinds=["related", "cards"], classes=[int(Priority.bulk)] * 2,
        )
    )  # fmt: skip


def wait_of(kind: str, *, first: bool) -> float:
    """Seconds a page waits for a step of this kind."""
    return STEPS[kind].first_wait if first else STEPS[kind].wait
