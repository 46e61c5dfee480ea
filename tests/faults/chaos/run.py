"""One run: a seed's faults against a stack at work, then peace, then the judge."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.chaos import nemesis, rest
from tests.faults.chaos.clients import Reader, Shared, Writer
from tests.faults.chaos.ground import Ground, proxied
from tests.faults.chaos.httpside import LATEST_SECONDS
from tests.faults.chaos.rest import PATIENCE
from tests.faults.history.promises import HEAL_SECONDS, accepted, judge
from tests.faults.history.records import History, Log
from tests.faults.lab import Lab

__all__ = ["PATIENCE", "Plan", "Verdict", "against"]
WRITERS = 8
PARTING_SECONDS = 60.0


@dataclass(frozen=True)
class Plan:
    """How long and how hard; ``kinds`` narrows the faults by the beginning of their names."""

    seed: int
    seconds: float = 75.0
    faults: int = 45
    writers: int = WRITERS
    kinds: tuple[str, ...] = ("",)


@dataclass(frozen=True)
class Verdict:
    """What came of a run."""

    seed: int
    history: History
    complaints: dict[str, list[str]] = field(default_factory=dict)

    @property
    def broken(self) -> dict[str, list[str]]:
        return {name: found for name, found in self.complaints.items() if found}

    def accepted(self, ops: frozenset[str]) -> int:
        """How many requests of these kinds were answered with yes."""
        return len([call for call in accepted(self.history) if call.op in ops])


def against(lab: Lab, plan: Plan, folder: Path, *, heal: float = HEAL_SECONDS) -> Verdict:
    """Runs the plan on a lab that is up, logs into ``folder`` and judges.

    ``heal``: seconds it may take to recover.
    """
    log = Log(folder)
    with proxied(lab, log, seed=plan.seed) as ground:
        started = rest.note_effects(ground)
        before = rest.keys_of(ground)
        shared = Shared(lab.api, lab.site, lab.tokens["admin"], log, f"{plan.seed:x}")
        shared.photo = lab.upload(lab.photo(320, 200))["id"]
        healed_at, complaints = _storm(ground, plan, shared)
        recovered = rest.wait_recovered(ground, since=healed_at)
        time.sleep(max(0.0, healed_at + LATEST_SECONDS - time.monotonic()))  # what was sent late arrives
        rest.wait_quiet(ground)
        history = log.close(
            rest.dump(ground, started, before=before, healed_at=healed_at, recovered=recovered)
        )
    assert complaints == []
    return Verdict(plan.seed, history, judge(history, heal=heal))


def _storm(ground: Ground, plan: Plan, shared: Shared) -> tuple[float, list[str]]:
    """Clients and nemesis side by side; returns when the last fault was healed, and our own failures."""
    kinds = tuple(kind for kind in nemesis.KINDS if kind.name.startswith(plan.kinds))
    planned = nemesis.plan(plan.seed, seconds=plan.seconds, faults=plan.faults, kinds=kinds)
    writers = [Writer(shared, f"{plan.seed}-{place}") for place in range(plan.writers)]
    reader = Reader(shared, f"{plan.seed}-reader")
    for thread in (*writers, reader):
        thread.start()
    try:
        nemesis.Nemesis(ground, planned, shared.log).run()
        healed_at = time.monotonic()
        shared.ended.set()
        for writer in writers:
            writer.join(max(0.1, healed_at + PARTING_SECONDS - time.monotonic()))
    finally:
        shared.ended.set()
        shared.abandoned.set()
        for thread in (*writers, reader):
            thread.join(20)
    return healed_at, [writer.complaint for writer in writers if writer.complaint]
