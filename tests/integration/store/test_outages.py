"""What does not answer costs no step its life; what may be the step's own fault does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from nashr import settings
from nashr.domain.errors import NotYet, Retryable
from nashr.observability import metrics
from nashr.ports import CdnUnavailable, StoreUnavailable
from nashr.runtime.sandbox import SandboxUnavailable
from nashr.runtime.worker import Commit, Worker
from nashr.steps import STEPS
from nashr.store import queue
from nashr.store.database import DatabaseUnavailable, StatementTooSlow, run, transaction
from nashr.store.queue import Step
from ruamel.yaml import YAML

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.integration.store.conftest import Inside

ALERTS = Path(__file__).resolve().parents[3] / "infra/prometheus/alerts.yml"
MOST = STEPS["images"].max_attempts


def attempt(engine: Engine, inside: Inside, step: int, error: Exception, *, times: int) -> None:
    """Has a worker try it so often, each time as soon as it may."""

    def images(step: Step) -> Commit:
        raise error

    worker = Worker("images", settings=settings.load(), engine=engine, handlers={"images": images})
    for _ in range(times):
        inside.due(step)
        worker.attempt(step)


@pytest.fixture
def step(engine: Engine) -> int:
    with transaction(engine) as conn:
        return queue.add(conn, "images", "as_1", site="s", data={})[0]


@pytest.mark.parametrize("away", [StoreUnavailable, CdnUnavailable, DatabaseUnavailable, SandboxUnavailable])
def test_an_outage_of_any_length_makes_nothing_dead(
    engine: Engine, inside: Inside, step: int, away: type[Exception]
) -> None:
    """It comes again ever later, at most 15 s, and keeps attempts for what may be its own fault."""
    attempt(engine, inside, step, away("no answer"), times=3 * MOST)
    row = inside.step(step)
    assert (row["state"], row["error"], row["attempts"]) == ("ready", "no answer", queue.BLAMELESS)
    assert 7 - 1 < row["in_seconds"] <= 15
    assert min(kind.max_attempts for kind in STEPS.values()) - queue.BLAMELESS >= 5


@pytest.mark.parametrize(
    "error",
    [Retryable("no such file"), StatementTooSlow("30 s are over"), ZeroDivisionError("no such number")],
)
def test_its_own_failures_end_it(engine: Engine, inside: Inside, step: int, error: Exception) -> None:
    """After its kind's attempts it is dead; a person replays it."""
    attempt(engine, inside, step, error, times=MOST)
    assert inside.step(step)["state"] == "ready"
    attempt(engine, inside, step, error, times=1)
    row = inside.step(step)
    assert (row["state"], row["error"]) == ("dead", f"given up after {MOST} attempts")


def test_an_outage_does_not_undo_what_was_counted(engine: Engine, inside: Inside, step: int) -> None:
    """A step that crashes and meets outages in turns is dead in the end."""
    for _ in range(MOST):
        attempt(engine, inside, step, ZeroDivisionError(), times=1)
        attempt(engine, inside, step, StoreUnavailable("no answer"), times=1)
    attempt(engine, inside, step, ZeroDivisionError(), times=1)
    assert inside.step(step)["state"] == "dead"


def test_a_statement_that_takes_too_long_is_its_own_fault(engine: Engine) -> None:
    """Perhaps it always will: no outage that passes by itself."""

    def sleep() -> None:
        with transaction(engine) as conn:
            run(conn, "SET LOCAL statement_timeout = '50ms'")
            run(conn, "SELECT pg_sleep(9)")

    with pytest.raises(StatementTooSlow):
        sleep()


@pytest.mark.parametrize(
    ("error", "alarms"),
    [(StoreUnavailable("no answer"), True), (ZeroDivisionError(), True), (NotYet("a photo"), False)],
)
def test_an_outage_raises_an_alarm(
    engine: Engine, inside: Inside, step: int, error: Exception, *, alarms: bool
) -> None:
    """Nothing else would show it: the alert counts how its kind ended, and not what only waits."""
    (rule,) = (
        rule
        for group in YAML(typ="safe").load(ALERTS)["groups"]
        for rule in group["rules"]
        if rule["alert"] == "NashrStepsFail"
    )
    asked = re.search(r'(nashr_\w+){kind!="notify", outcome=~"([^"]+)"}', rule["expr"])
    assert asked
    metrics.drain()
    attempt(engine, inside, step, error, times=3)
    counted = {
        json.loads(labels)["outcome"]: value
        for (name, labels), value in metrics.drain().items()
        if name == asked[1] and json.loads(labels)["kind"] == "images"
    }
    assert list(counted.values()) == [3]
    assert all(bool(re.fullmatch(asked[2], outcome)) == alarms for outcome in counted)
