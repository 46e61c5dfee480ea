"""The nemesis: a seed gives a plan of faults; each is done, undone after its time, and logged."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

import psycopg
from redis import Redis

from tests.faults.chaos import crowd, disk, hints
from tests.faults.chaos.ground import SERVICES, Ground
from tests.faults.chaos.httpside import MISDEEDS, Misdeed
from tests.faults.chaos.tcp import TROUBLES, Trouble
from tests.faults.history.records import Fault, Log, now
from tests.faults.lab import FAILPOINTS, IN_STEPS, frozen, is_stopped

SERVERS: Final = ("postgres", "valkey", "s3")
LEASE_SECONDS: Final = 10.0
ROLL_SECONDS: Final = 6.0
IN_STEPS_SECONDS: Final = {
    "deliver.finished": 6.0, "purge.before_finish": 6.0, "related.before_finish": 6.0,
    "cards.before_finish": 6.0, "release.before_finish": 15.0, "remove.before_finish": 20.0,
}  # fmt: skip
"""Of the places that every kind of step has, those that writers lead to, and how soon."""
Chance = random.Random
Act = Callable[[Ground, Chance], AbstractContextManager[str]]


@dataclass(frozen=True)
class Kind:
    """One kind of fault and how long it lasts, in seconds."""

    name: str
    seconds: float
    act: Act


@dataclass(frozen=True)
class Planned:
    """One fault to come, ``at`` seconds after the start; ``salt`` seeds its own choices."""

    at: float
    kind: Kind
    salt: int


@contextmanager
def killed(ground: Ground, _chance: Chance, *, program: str, number: int = signal.SIGKILL) -> Iterator[str]:
    pid = ground.lab.program(program).pid
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    yield f"pid {pid}"


@contextmanager
def child_killed(ground: Ground, chance: Chance, *, program: str) -> Iterator[str]:
    """One of the processes that draw or decode; the worker itself lives on."""
    pids = sorted(ground.lab.children(program))
    if pids:
        with suppress(ProcessLookupError):
            os.kill(chance.choice(pids), signal.SIGKILL)
    yield f"one of {pids}"


@contextmanager
def standing(ground: Ground, _chance: Chance, *, program: str) -> Iterator[str]:
    pid = ground.lab.program(program).pid
    pids = ground.lab.postgres() if program == "postgres" and pid else [pid] if pid else []
    with suppress(ProcessLookupError), frozen(*pids):
        yield f"pids {pids}"
        return
    yield "it was gone"


@contextmanager
def backends_ended(ground: Ground, chance: Chance) -> Iterator[str]:
    """Some of the database's connections, whatever they were doing."""
    with (
        suppress(psycopg.Error),
        psycopg.connect(ground.real["database_url"], autocommit=True, connect_timeout=5) as conn,
    ):
        pids = [row[0] for row in conn.execute(
            "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = 'nashr'"
        )]  # fmt: skip
        for pid in chance.sample(pids, (len(pids) + 1) // 2):
            conn.execute("SELECT pg_terminate_backend(%s)", [pid])
    yield ""


@contextmanager
def flushed(ground: Ground, _chance: Chance) -> Iterator[str]:
    with suppress(Exception), Redis.from_url(ground.real["redis_url"], socket_timeout=2) as valkey:
        valkey.flushall()
    yield ""


@contextmanager
def hinted(ground: Ground, chance: Chance, *, what: str) -> Iterator[str]:
    with suppress(Exception):
        yield f"{hints.send(ground.real, chance, what=what)} messages"
        return
    yield "Valkey was away"


@contextmanager
def wire(ground: Ground, chance: Chance, *, where: str, trouble: Trouble) -> Iterator[str]:
    amount = chance.uniform(0.05, 0.5) if trouble == "delay" else float(chance.randint(10, 2000))
    ground.loop.run(ground.tcp[where].begin(trouble, amount))
    try:
        yield f"{amount:.2f}"
    finally:
        ground.loop.run(ground.tcp[where].end())


@contextmanager
def store_misbehaves(ground: Ground, chance: Chance, *, misdeed: Misdeed) -> Iterator[str]:
    share = chance.uniform(0.3, 1.0)
    ground.store.misdeed, ground.store.share = misdeed, share
    try:
        yield f"{share:.0%} of requests"
    finally:
        ground.store.share = 0.0


@contextmanager
def purges_denied(ground: Ground, _chance: Chance) -> Iterator[str]:
    ground.edge.deny = True
    try:
        yield ""
    finally:
        ground.edge.deny = False


@contextmanager
def failpoint(ground: Ground, _chance: Chance, *, name: str) -> Iterator[str]:
    """Armed until its end; whoever stands still there goes on then, its lease long over."""
    ground.lab.arm(name)
    try:
        yield ""
    finally:
        ground.lab.disarm(name)
        for service in SERVICES:
            pid = ground.lab.program(service).pid
            if pid is not None and is_stopped(pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)


@contextmanager
def disk_full(ground: Ground, _chance: Chance, *, program: str) -> Iterator[str]:
    with disk.full(ground.lab, program):
        yield ""


@contextmanager
def rolled(ground: Ground, _chance: Chance) -> Iterator[str]:
    """Each service is asked to end, one after the other, as in an upgrade; none is waited for too long."""
    waited = []
    for service in SERVICES:
        before, began = ground.lab.program(service), time.monotonic()
        if before.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(before.pid, signal.SIGTERM)
        while time.monotonic() < began + ROLL_SECONDS:
            after = ground.lab.program(service)
            if after.restarts > before.restarts and after.state == "ready":
                break
            time.sleep(0.05)
        waited.append(time.monotonic() - began)
    yield f"{max(waited):.1f} s at most"


@contextmanager
def crowded(ground: Ground, chance: Chance, *, seconds: float) -> Iterator[str]:
    yield crowd.burst(ground, chance, seconds=seconds)


def _staged() -> Iterator[Kind]:
    for name, action in FAILPOINTS.items():
        if action.startswith("stop"):
            yield Kind(f"failpoint {name}", LEASE_SECONDS + 3, partial(failpoint, name=name))
        elif action.startswith("exit") and (name not in IN_STEPS or name in IN_STEPS_SECONDS):
            seconds = IN_STEPS_SECONDS.get(name, 6.0)
            yield Kind(f"failpoint {name}", seconds, partial(failpoint, name=name))


def _kinds() -> Iterator[Kind]:
    for program in (*SERVICES, *SERVERS):
        yield Kind(f"kill {program}", 0.0, partial(killed, program=program))
    yield Kind("kill child of cards", 0.0, partial(child_killed, program="cards"))
    yield Kind("stop postgres at once", 0.0, partial(killed, program="postgres", number=signal.SIGQUIT))
    for program, seconds in (
        ("postgres", 4.0), ("valkey", 6.0), ("s3", 4.0), ("edge", 3.0), ("ingest", 3.0), ("relay", 6.0),
        ("delivery", LEASE_SECONDS + 3), ("related", LEASE_SECONDS + 3),
    ):  # fmt: skip
        yield Kind(f"freeze {program}", seconds, partial(standing, program=program))
    yield Kind("end backends", 0.0, backends_ended)
    yield Kind("flush valkey", 0.0, flushed)
    for what in hints.KINDS:
        yield Kind(f"hints {what}", 0.0, partial(hinted, what=what))
    for where in ("postgres", "valkey", "s3", "edge"):
        for trouble in TROUBLES:
            yield Kind(f"{where} {trouble}", 3.0, partial(wire, where=where, trouble=trouble))
    for misdeed in MISDEEDS:
        yield Kind(f"store {misdeed}", 4.0, partial(store_misbehaves, misdeed=misdeed))
    yield Kind("purges denied", 3.0, purges_denied)
    for program in ("postgres", "s3"):
        yield Kind(f"disk full {program}", 4.0, partial(disk_full, program=program))
    yield Kind("rolling restart", 0.0, rolled)
    yield Kind("overload", 0.0, partial(crowded, seconds=4.0))
    yield from _staged()


KINDS: Final = tuple(_kinds())


def plan(seed: int, *, seconds: float, faults: int, kinds: tuple[Kind, ...] = KINDS) -> list[Planned]:
    """``faults`` of them, evenly spread with some chance; each kind comes before any comes twice."""
    chance = random.Random(f"plan {seed}")
    order: list[Kind] = []
    while len(order) < faults:
        order += chance.sample(kinds, len(kinds))
    pause = seconds / faults
    return [
        Planned((place + chance.random()) * pause, kind, chance.getrandbits(32))
        for place, kind in enumerate(order[:faults])
    ]


class Nemesis:
    """Carries out a plan; faults that last go on beside the next ones."""

    def __init__(self, ground: Ground, planned: list[Planned], log: Log) -> None:
        self._ground = ground
        self._planned = planned
        self._log = log

    def run(self) -> None:
        """Returns when the last fault is healed."""
        started = time.monotonic()
        running = []
        for one in self._planned:
            time.sleep(max(0.0, started + one.at - time.monotonic()))
            thread = threading.Thread(target=self._do, args=(one,), name=one.kind.name, daemon=True)
            thread.start()
            running.append(thread)
        for thread in running:
            thread.join(60)

    def _do(self, one: Planned) -> None:
        begun, said = now(), ""
        try:
            with one.kind.act(self._ground, random.Random(one.salt)) as said:
                time.sleep(one.kind.seconds)
        except Exception as error:  # a fault that cannot be done is written down as such
            said = f"failed: {error!r}"
        self._log.add(Fault(**begun, until=time.monotonic(), name=one.kind.name, detail=said))
