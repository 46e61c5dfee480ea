"""What processes have counted, kept in one table; and what can be counted in the database itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from nashr.observability import metrics
from nashr.observability.metrics import Deltas
from nashr.steps import Priority
from nashr.store import clocks, verdicts
from nashr.store.database import rows, run, scalar


@dataclass(frozen=True)
class Sample:
    """One value of one series: ``nashr_step_seconds_bucket``, say, with its labels."""

    series: str
    labels: Mapping[str, str]
    value: float


def add(conn: Connection, deltas: Deltas) -> None:
    """Adds to the table; in one order, so that processes never wait for each other in a circle."""
    keys = sorted(deltas)
    run(
        conn,
        """INSERT INTO metric AS m (series, labels, value)
        SELECT * FROM unnest(CAST(:series AS text[]), CAST(:labels AS text[]), CAST(:added AS float8[]))
        ON CONFLICT (series, labels) DO UPDATE SET value = m.value + excluded.value""",
        series=[series for series, _ in keys], labels=[labels for _, labels in keys],
        added=[deltas[key] for key in keys],
    )  # fmt: skip


def kept(conn: Connection) -> list[Sample]:
    """What processes have counted until they last told."""
    found = rows(conn, "SELECT series, labels, value FROM metric ORDER BY series, labels")
    return [Sample(item["series"], json.loads(item["labels"]), item["value"]) for item in found]


def current(conn: Connection) -> list[Sample]:
    """The gauges: how things stand now."""
    skew = Sample(metrics.CLOCK_SKEW.name, {}, clocks.measure(conn).seconds)
    disputed = Sample(metrics.STORE_DISPUTED.name, {}, verdicts.disputed(conn))
    return [*_steps(conn), *_publications(conn), *_webhooks(conn), skew, disputed]


def _steps(conn: Connection) -> list[Sample]:
    found = rows(
        conn,
        """SELECT kind, priority, count(*) AS n,
            CASE WHEN state = 'ready' AND available_at > clock_timestamp() THEN 'later'
                WHEN state = 'ready' THEN 'due' ELSE state END AS standing,
            EXTRACT(epoch FROM clock_timestamp() - min(available_at))::float8 AS age
        FROM step WHERE state IN ('ready', 'leased') GROUP BY kind, priority, standing
        UNION ALL SELECT kind, 1, count(*), state, 0 FROM step WHERE state = 'dead' GROUP BY kind, state""",
    )
    counts: dict[tuple[str, str], float] = {}
    for item in found:
        key = item["kind"], item["standing"]
        counts[key] = counts.get(key, 0.0) + item["n"]
    standing = [
        Sample(metrics.WAITING.name, {"kind": kind, "state": state}, value)
        for (kind, state), value in sorted(counts.items())
    ]
    oldest = [
        Sample(
            metrics.OLDEST_DUE.name,
            {"kind": item["kind"], "priority": Priority(item["priority"]).name}, item["age"],
        )
        for item in found if item["standing"] == "due"
    ]  # fmt: skip
    return standing + oldest


def _webhooks(conn: Connection) -> list[Sample]:
    standing = rows(
        conn,
        """SELECT CASE WHEN state = 'active' AND failing_since IS NULL THEN 'active'
            WHEN state = 'active' THEN 'failing' WHEN why = 'failing' THEN 'given_up' ELSE why END AS state,
            count(*) AS n FROM webhook GROUP BY 1""",
    )
    untold = rows(
        conn,
        """SELECT input->>'to' AS hook, EXTRACT(epoch FROM clock_timestamp() - min(created_at))::float8 AS age
        FROM step WHERE kind = 'notify' AND state IN ('ready', 'leased') AND input ? 'event' GROUP BY 1""",
    )
    return [
        *(Sample(metrics.WEBHOOKS.name, {"state": item["state"]}, item["n"]) for item in standing),
        *(Sample(metrics.OLDEST_UNTOLD.name, {"webhook": item["hook"]}, item["age"]) for item in untold),
    ]


def _publications(conn: Connection) -> list[Sample]:
    unproven = rows(
        conn,
        """SELECT count(*) AS n,
            COALESCE(EXTRACT(epoch FROM clock_timestamp() - min(due_at)), 0)::float8 AS age
        FROM publication WHERE receipt IS NULL AND state IN ('live', 'running')
            AND due_at <= clock_timestamp()""",
    )[0]
    overdue = scalar(
        conn,
        """SELECT COALESCE(EXTRACT(epoch FROM clock_timestamp() - min(p.due_at)), 0)::float8
        FROM step s JOIN publication p ON p.id = s.key
        WHERE s.kind = 'release' AND s.state IN ('ready', 'leased') AND p.due_at <= clock_timestamp()""",
    )
    return [
        Sample(metrics.UNPROVEN.name, {}, unproven["n"]),
        Sample(metrics.OLDEST_UNPROVEN.name, {}, unproven["age"]),
        Sample(metrics.SCHEDULE_OVERDUE.name, {}, overdue),
    ]
