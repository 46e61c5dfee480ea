"""THE registry of metrics, and what this process has counted since it last told the database.

Processes count in memory; nashr.runtime.reporting adds that to one table every few seconds, and
``GET /metrics`` reads the table: what a worker has counted outlives it, wherever it ran.
docs/operations.md shows the registry.
"""

from __future__ import annotations

import json
import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]
Deltas: TypeAlias = Mapping[tuple[str, str], float]
"""By name of a series and its labels as sorted JSON."""

_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
_BRIEF: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

_lock = threading.Lock()
_counted: defaultdict[tuple[str, str], float] = defaultdict(float)


@dataclass(frozen=True)
class Metric:
    """One metric; ``buckets`` are a histogram's upper bounds, without infinity."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    meaning: str
    buckets: tuple[float, ...] = ()

    def add(self, amount: float = 1.0, **labels: str) -> None:
        """Counts. Raises ValueError for labels that the registry does not name, or too few."""
        assert self.kind == "counter"
        with _lock:
            _counted[self.name, self._key(labels)] += amount

    def observe(self, value: float, **labels: str) -> None:
        """Takes one measurement; see ``add``."""
        assert self.kind == "histogram"
        bounds = [*map(str, self.buckets), "+Inf"]
        bucket = bounds[bisect_left(self.buckets, value)]
        key = self._key(labels)
        with _lock:
            _counted[f"{self.name}_bucket", _json({**labels, "le": bucket})] += 1
            _counted[f"{self.name}_sum", key] += max(0.0, value)

    def _key(self, labels: Mapping[str, str]) -> str:
        if set(labels) != set(self.labels):
            raise ValueError(f"{self.name} has the labels {self.labels}, not {tuple(labels)}")
        return _json(labels)


def drain() -> Deltas:
    """What was counted since the last call; give it back with ``undo`` if it could not be told."""
    with _lock:
        found = dict(_counted)
        _counted.clear()
    return found


def undo(deltas: Deltas) -> None:
    """Counts again what ``drain`` returned."""
    with _lock:
        for key, value in deltas.items():
            _counted[key] += value


def _json(labels: Mapping[str, str]) -> str:
    return json.dumps(labels, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


ACCEPTED: Final = Metric(
    "nashr_publications_accepted_total", "counter", ("priority",), "Publications that got their 202"
)
PUBLISH_LAG: Final = Metric(
    "nashr_publish_lag_seconds", "histogram", ("priority",),
    "From when a publication was due until the store had acknowledged its page", _SECONDS,
)  # fmt: skip
PROOF_LAG: Final = Metric(
    "nashr_proof_lag_seconds", "histogram", ("priority",),
    "From when a publication was due until the edge served it to a reader", _SECONDS,
)  # fmt: skip
STEPS: Final = Metric(
    "nashr_steps_ended_total", "counter", ("kind", "outcome"),
    "Runs of steps: done, waits (for something else), retry (failed, comes again), crashed (so too, by an "
    "error of nashr's own), dead, fenced (somebody else had taken over)",
)  # fmt: skip
STEP_SECONDS: Final = Metric(
    "nashr_step_seconds", "histogram", ("kind",), "How long a run took that did its work", _SECONDS
)
STEP_WAIT: Final = Metric(
    "nashr_step_wait_seconds", "histogram", ("kind",), "How long a step had been due when it was claimed",
    _SECONDS,
)  # fmt: skip
LEASES_EXPIRED: Final = Metric(
    "nashr_leases_expired_total", "counter", ("kind",),
    "Steps that were taken over because whoever worked on them had stopped to say so",
)  # fmt: skip
SUPERSEDED: Final = Metric(
    "nashr_publications_superseded_total", "counter", (),
    "Publications that a newer one of the same article overtook before they were live",
)  # fmt: skip
STORE_CONFLICTS: Final = Metric(
    "nashr_store_conflicts_total", "counter", (),
    "Writes of pages that met another version than they were to replace, and decided again",
)  # fmt: skip
STORE_AHEAD: Final = Metric(
    "nashr_store_ahead_total", "counter", (),
    "Pages of which the store held a newer version than was to be written: a late writer, or an old backup",
)  # fmt: skip
HINTS: Final = Metric("nashr_hints_total", "counter", (), "Hints that the relay has sent to workers")
VALKEY_SILENT: Final = Metric(
    "nashr_valkey_silent_total", "counter", ("service",),
    "Looks of workers for Valkey that were not answered; each looks up to ten times a second then",
)  # fmt: skip
HINTS_IN_VAIN: Final = Metric(
    "nashr_hints_in_vain_total", "counter", ("service",),
    "Hints whose step was not there to be taken: they came twice, or after somebody had taken it",
)  # fmt: skip
RELAY_SECONDS: Final = Metric(
    "nashr_relay_seconds", "histogram", (), "How long a turn of the relay took: look, send hints, commit",
    _BRIEF,
)  # fmt: skip
REPAIRS: Final = Metric(
    "nashr_repairs_total", "counter", ("by", "what"),
    "What was missing or wrong and is set right: pages, files, orphans by verify --repair; files by delivery",
)  # fmt: skip
REQUESTS: Final = Metric(
    "nashr_requests_total", "counter", ("operation", "status"), "Answers of the API; none: no such address"
)
REQUEST_SECONDS: Final = Metric(
    "nashr_request_seconds", "histogram", ("operation",), "How long the API took to answer", _BRIEF
)
WAITING: Final = Metric(
    "nashr_steps", "gauge", ("kind", "state"), "Steps now: due, later, leased (being worked on) and dead"
)
OLDEST_DUE: Final = Metric(
    "nashr_oldest_due_seconds", "gauge", ("kind", "priority"),
    "How long the oldest step has been due that nobody works on: grows whenever workers stand still",
)  # fmt: skip
UNPROVEN: Final = Metric(
    "nashr_publications_unproven",
    "gauge",
    (),
    "Publications that are due and that no reader was seen to get yet",
)
OLDEST_UNPROVEN: Final = Metric(
    "nashr_oldest_unproven_seconds", "gauge", (), "How long the oldest of these has been due"
)
SCHEDULE_OVERDUE: Final = Metric(
    "nashr_schedule_overdue_seconds", "gauge", (),
    "How far past its hour a scheduled publication is that was not released: it waits while clocks disagree",
)  # fmt: skip
CLOCK_SKEW: Final = Metric(
    "nashr_clock_skew_seconds", "gauge", (), "The API's clock less the database's; half a round trip is in it"
)
STORE_DISPUTED: Final = Metric(
    "nashr_store_verdicts_disputed", "gauge", (),
    "Stores of which two probes came to different verdicts on conditional writes, until one comes out again",
)  # fmt: skip

NOTICES: Final = Metric(
    "nashr_notices_total", "counter", ("to", "outcome"),
    "Attempts to tell a webhook, a hub or IndexNow: taken, failed (comes again), blocked (the address is not "
    "to be reached), gone (410)",
)  # fmt: skip
NOTICE_SECONDS: Final = Metric(
    "nashr_notice_seconds", "histogram", ("to",), "How long a receiver took to answer", _BRIEF
)
OLDEST_UNTOLD: Final = Metric(
    "nashr_oldest_untold_seconds", "gauge", ("webhook",),
    "How long the oldest event has waited that an active webhook was not told yet",
)  # fmt: skip
WEBHOOKS: Final = Metric(
    "nashr_webhooks", "gauge", ("state",),
    "Webhooks: active, failing (nothing gets through), or paused because somebody asked (asked), nothing got "
    "through for three days (given_up) or the receiver wants no more (gone)",
)  # fmt: skip

REGISTRY: Final[Mapping[str, Metric]] = {
    metric.name: metric
    for metric in (
        ACCEPTED, PUBLISH_LAG, PROOF_LAG, STEPS, STEP_SECONDS, STEP_WAIT, LEASES_EXPIRED, SUPERSEDED,
        STORE_CONFLICTS, STORE_AHEAD, HINTS, VALKEY_SILENT, HINTS_IN_VAIN, RELAY_SECONDS, REPAIRS, REQUESTS,
        REQUEST_SECONDS, WAITING, OLDEST_DUE, UNPROVEN, OLDEST_UNPROVEN, SCHEDULE_OVERDUE, CLOCK_SKEW,
        STORE_DISPUTED, NOTICES, NOTICE_SECONDS, OLDEST_UNTOLD, WEBHOOKS,
    )
}  # fmt: skip
