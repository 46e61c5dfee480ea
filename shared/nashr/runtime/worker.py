"""The shell around every worker's handlers: claim, heartbeat, finish, fail, watch, leave.

A handler is a plain function: step in, Outcome out. It never sees leases, Celery or retries.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Any, Literal, TypeAlias

from sqlalchemy import Connection, Engine

from nashr import failpoints
from nashr.adapters.transport import Pulse, consume
from nashr.domain.errors import Fenced, Later, NotYet, Permanent, Retryable
from nashr.observability import metrics, tracing
from nashr.observability.logs import logger
from nashr.runtime.abroad import Abroad
from nashr.runtime.giving_way import Way
from nashr.runtime.reporting import Reporter
from nashr.settings import Settings
from nashr.steps import STEPS, Priority, kinds_of
from nashr.store import notices, pagerows, queue
from nashr.store.database import transaction
from nashr.store.listen import Listener
from nashr.store.queue import Step

STEPS_PER_HINT = 16
BULK_NICENESS = 10
"""Of threads for bulk: what has begun when breaking news comes takes a tenth of a processor from it."""
LOOK_SECONDS = 1.0  # from look to look for work without hints
BULK_HINTS = 64  # kept until it is their turn: the relay sends again what is forgotten


@dataclass(frozen=True)
class Finish:
    """How a step ends: its result; and where it is rearmed, when it is due again, and in which class."""

    result: Mapping[str, Any] | None = None
    again_at: datetime | None = None
    priority: Priority | None = None


Commit: TypeAlias = Callable[[Connection], Finish]
Handler: TypeAlias = Callable[[Step], Commit]
Burial: TypeAlias = Callable[[Connection, Step, str], None]
Slot: TypeAlias = Literal["hinted", "direct", "bulk"]


@dataclass
class _Run:
    step: Step
    slot: Slot
    since: float = field(default_factory=time.monotonic)


class Worker:
    """One worker process of a service.

    ``handlers`` by kind; ``burials`` by kind say what follows when a step is dead.
    """

    def __init__(
        self,
        service: str,
        *,
        settings: Settings,
        engine: Engine,
        handlers: Mapping[str, Handler],
        burials: Mapping[str, Burial] | None = None,
    ) -> None:
        self.service = service
        self.kinds = tuple(kind for kind in kinds_of(service) if not STEPS[kind].abroad)
        self._abroad = tuple(kind for kind in kinds_of(service) if STEPS[kind].abroad)
        self.owner = queue.owner_name(service, os.getpid())
        self._settings = settings
        self._engine = engine
        self._handlers = handlers
        self._burials = burials or {}
        self._runs: dict[int, _Run] = {}
        self._lock = threading.Lock()
        self._alone = {kind: threading.Lock() for kind in self.kinds if STEPS[kind].alone}
        self._claiming = 0
        self._way = Way(hold=0.6, trickle=1.0, most=4.0)
        self._bulk: Queue[int] = Queue(BULK_HINTS)
        self._niceness = 0
        self._last_claim = time.monotonic()
        self._heard = -inf  # when a hint came last
        self._unheard: float | None = None  # since when hints go unheard that were sent
        self._stopping = threading.Event()

    def run(self, *, threads: int, bulk: int = 1, niceness: int = 0) -> None:
        """Works until SIGTERM; returns after the steps in hand are finished or given back.

        At most ``threads`` steps at once, one of them breaking only, and ``bulk`` of class bulk beside them.
        The threads for these are ``niceness`` behind: 0 where they start children, which would inherit it.
        """
        self._niceness = niceness
        slots = [self._work_in_bulk] * max(1, bulk)
        for target in (self._beat, self._claim_directly, self._watch, *slots):
            threading.Thread(target=target, name=target.__name__, daemon=True).start()
        if self._abroad:
            threading.Thread(target=self._work_abroad, name="_work_abroad", daemon=True).start()
        reporter = Reporter(self._engine)
        reporter.start()
        self._say_ready()
        consume(
            self._settings.redis_url,
            self.service,
            threads=max(1, threads - 1),
            attempt=self.attempt,
            on_ready=self._say_ready,
            on_stop=self._leave,
        )
        self._settle()
        reporter.stop()
        tracing.flush()

    def attempt(self, step_id: int, priority: int = Priority.normal) -> None:
        """A hint: what is bulk waits for the slots that bulk has, anything else is worked on here."""
        failpoints.reached(f"{self.service}.before_claim")
        self._heard, self._unheard = time.monotonic(), None
        if priority < Priority.bulk:
            self._follow(step_id)
        else:
            with suppress(Full):
                self._bulk.put_nowait(step_id)

    def _work_in_bulk(self) -> None:
        """A slot of bulk. Few begin and few run: each takes processors that breaking news may want next."""
        if self._niceness:
            with suppress(OSError):  # Linux alone has threads of different niceness
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._niceness)
        while not self._stopping.is_set():
            with self._surviving():
                try:
                    step_id = self._bulk.get(timeout=LOOK_SECONDS)
                except Empty:
                    step_id = None
                while (pause := self._pause()) and not self._stopping.is_set():
                    self._stopping.wait(pause)
                self._follow(step_id, slot="bulk")

    def _pause(self) -> float:
        """Seconds that bulk waits now. Breaking work of long steps holds it back while it runs here."""
        with self._lock:
            urgent = any(run.step.priority == Priority.breaking for run in self._runs.values())
        if urgent:
            self._way.breaking()
        return self._way.pause()

    def _follow(self, step_id: int | None, *, slot: Slot = "hinted") -> None:
        """Claims a step and runs it, unless someone else has it, it is not due, or we are leaving.

        Then a few more of its class that are due and have no hint yet (what a step leads to, or a backlog),
        and whatever is of a higher class. A slot of bulk does bulk alone; without a hint, what is late.
        """
        with self._engaged(), suppress(Retryable):
            if self._stopping.is_set():
                return
            if step_id is None:
                step = self._claim_next(f"priority = {int(Priority.bulk)} AND {self._late()}")
            else:
                step = self._claim(lambda kinds: queue.claim(
                    self._engine, step_id, kinds, owner=self.owner, lease=self._settings.lease_seconds
                ))  # fmt: skip
                if step is None:
                    metrics.HINTS_IN_VAIN.add(service=self.service)
            own = int(step.priority) if step else 0
            others = f"priority = {own} AND dispatched_at IS NULL"
            if slot != "bulk":
                others = f"(priority < {own} OR {others})"
            left = STEPS_PER_HINT
            while step is not None:
                self._work(step, slot)
                left -= 1
                waits = slot == "bulk" and self._pause() > 0
                go_on = left > 0 and not waits and not self._stopping.is_set()
                step = self._claim_next(others) if go_on else None

    @contextmanager
    def _surviving(self) -> Iterator[None]:
        """Around each turn of a slot that nobody starts again: whatever goes wrong, the next turn comes."""
        try:
            yield
        except Exception as error:
            logger().error("worker.slot_failed", error=repr(error), exc_info=True)
            self._stopping.wait(LOOK_SECONDS)

    @contextmanager
    def _engaged(self) -> Iterator[None]:
        """Around every claim: who leaves waits for it."""
        with self._lock:
            self._claiming += 1
        try:
            yield
        finally:
            with self._lock:
                self._claiming -= 1

    def _work(self, step: Step, slot: Slot) -> str:
        """Runs a claimed step; returns how that ended."""
        self._note_claim(step)
        metrics.STEP_WAIT.observe(step.waited, kind=step.kind)
        if step.taken_over:
            metrics.LEASES_EXPIRED.add(kind=step.kind)
        with self._lock:
            self._runs[step.id] = _Run(step, slot)
        try:
            with tracing.span(
                step.kind,
                parent=step.traceparent,
                kind="consumer",
                step=step.id,
                key=step.key,
                attempt=step.attempts,
            ) as span:
                outcome = self._run_once(step)
                if span is not None:
                    span.set_attribute("outcome", outcome)
            return outcome
        finally:
            with self._lock:
                self._runs.pop(step.id, None)
            if step.kind in self._alone:
                self._alone[step.kind].release()
            self._note_claim(step)
            if slot == "hinted":
                self._unheard = None

    def _note_claim(self, step: Step) -> None:
        """What is done abroad says nothing about the threads that the watchdog watches."""
        if step.kind in self.kinds:
            self._last_claim = time.monotonic()

    def _run_once(self, step: Step) -> str:
        """Runs a claimed step, whatever comes of it; returns that in a word, as metrics count it."""
        started = time.perf_counter()
        log = logger().bind(step=step.id, kind=step.kind, key=step.key, site=step.site, attempt=step.attempts)
        try:
            if step.attempts > STEPS[step.kind].max_attempts:
                raise Permanent(f"given up after {step.attempts - 1} attempts")
            failpoints.reached(f"{step.kind}.claimed")
            commit = self._handlers[step.kind](step)
            failpoints.reached(f"{step.kind}.before_finish")
            self._finish(step, commit)
            failpoints.reached(f"{step.kind}.finished")
            seconds, outcome = time.perf_counter() - started, "done"
            log.info("step.done", ms=round(seconds * 1000, 1), waited=step.waited)
            metrics.STEP_SECONDS.observe(seconds, kind=step.kind)
        except Fenced:
            outcome = "fenced"
            log.info("step.fenced")
        except Permanent as error:
            outcome = "dead"
            log.error("step.dead", error=str(error))
            self._bury(step, str(error))
        except Retryable as error:
            outcome = "waits" if isinstance(error, NotYet) else "retry"
            log.warning("step.retry", error=str(error))
            self._retry(step, error)
        except Exception as error:
            outcome = "crashed"
            log.error("step.crashed", error=repr(error), exc_info=True)
            self._retry(step, Retryable(repr(error)))
        metrics.STEPS.add(kind=step.kind, outcome=outcome)
        return outcome

    def _finish(self, step: Step, commit: Commit) -> None:
        with transaction(self._engine) as conn:
            if not STEPS[step.kind].rearms:
                queue.hold(conn, step)
            finish = commit(conn)
            queue.finish(conn, step, result=finish.result, again_at=finish.again_at, priority=finish.priority)
            if not STEPS[step.kind].rearms:
                pagerows.wake(conn, step.id, priority=step.priority)
            if finish.again_at is not None:
                queue.notify(conn)
                if step.priority == Priority.breaking:
                    queue.wake_direct(conn, step.kind)

    def _retry(self, step: Step, error: Retryable) -> None:
        """Also without a database: then the lease runs out and the step is claimed again."""
        waits = error.seconds if isinstance(error, NotYet) else None
        least = error.seconds if isinstance(error, Later) else 0.0
        with suppress(Retryable), transaction(self._engine) as conn:
            queue.retry(conn, step, str(error), waits=waits, least=least, blameless=error.blameless)
            queue.notify(conn)

    def _bury(self, step: Step, error: str) -> None:
        """Ends it as dead, and does what follows. Where that itself fails it is dead without: dead work is
        listed, while a step that cannot be buried would come again for ever.
        """
        try:
            with suppress(Retryable), transaction(self._engine) as conn:
                if queue.bury(conn, step, error):
                    if step.kind in self._burials:
                        self._burials[step.kind](conn, step, error)
                    pagerows.wake(conn, step.id, priority=step.priority)
        except Exception as failure:
            logger().error("step.burial_failed", step=step.id, error=repr(failure), exc_info=True)
            with suppress(Retryable), transaction(self._engine) as conn:
                queue.bury(conn, step, f"{error}; and what was to follow failed: {failure!r}")

    def _beat(self) -> None:
        """Extends the leases of what runs, but not past its kind's limit: then it is anyone's."""
        while not self._stopping.wait(self._settings.heartbeat_seconds) or self._runs:
            with self._lock:
                held = [(run.step.id, run.step.fence) for run in self._runs.values() if not _overran(run)]
            if held:
                with suppress(Retryable):
                    queue.beat(self._engine, held, lease=self._settings.lease_seconds)
            if self._stopping.is_set():
                time.sleep(0.2)

    def _claim_directly(self) -> None:
        """The slot kept for breaking work; and, while Valkey is away or mute, for any work.

        Of breaking work elsewhere it hears too: bulk gives way to that here.
        """
        pulse, alive = Pulse(self._settings.redis_url), True
        metrics.VALKEY_SILENT.add(0, service=self.service)  # what begins with an outage does not increase
        with Listener(self._settings.database_url, queue.DIRECT) as listener:
            looked = -inf
            while not self._stopping.is_set():
                with self._surviving(), suppress(Retryable):
                    heard = listener.heard(LOOK_SECONDS if alive else 0.1)
                    if heard - {""}:
                        self._way.breaking()
                    others = heard and not heard & {"", self.service}
                    if others and time.monotonic() - looked < LOOK_SECONDS:
                        continue
                    with self._engaged():
                        alive = pulse.alive()
                        if not alive:
                            metrics.VALKEY_SILENT.add(service=self.service)
                        self._drain(alive=alive)
                    looked = time.monotonic()

    def _drain(self, *, alive: bool) -> None:
        while not self._stopping.is_set():
            step = self._claim_next(self._without_hint() if alive else "true")
            if step is None:
                return
            if alive and self._unheard is None and _went_unheard(step):
                self._unheard = time.monotonic()
            self._work(step, "direct")

    def _without_hint(self) -> str:
        """Breaking work; and what is late, where no hint has come for a while that this process took up.

        While hints come, what is late waits behind others like it: taken here, a backlog of bulk would fill
        the slot that is kept for breaking news (measured: benchmarks/load/README.md).
        """
        breaking, since = f"priority = {int(Priority.breaking)}", time.monotonic() - self._late_seconds()
        with self._lock:
            hears = self._heard > since or any(
                run.slot == "hinted" and run.since > since for run in self._runs.values()
            )
        return breaking if hears else f"({breaking} OR {self._late()})"

    def _late_seconds(self) -> float:
        return 2 * self._settings.redispatch_seconds

    def _late(self) -> str:
        """What has been due for so long that its hints seem to be lost, and has none on its way just now."""
        return f"""available_at < clock_timestamp() - interval '{self._late_seconds()} seconds'
            AND (dispatched_at IS NULL OR dispatched_at < clock_timestamp() - interval '1 second')"""

    def _claim_next(self, where: str) -> Step | None:
        return self._claim(lambda kinds: queue.claim_next(
            self._engine, kinds, owner=self.owner, lease=self._settings.lease_seconds, where=where
        ))  # fmt: skip

    def _claim(self, claim: Callable[[Sequence[str]], Step | None]) -> Step | None:
        """Claims among the kinds that may run now: of one that runs alone, none while another runs."""
        free = {kind for kind, lock in self._alone.items() if lock.acquire(blocking=False)}
        step = None
        try:
            step = claim([kind for kind in self.kinds if kind not in self._alone or kind in free])
        finally:
            for kind in free - {step.kind if step else ""}:
                self._alone[kind].release()
        return step

    def _work_abroad(self) -> None:
        """What waits for servers of others, in threads that page work never waits for."""
        abroad = Abroad(self._claim_abroad, self._run_abroad, stopping=self._stopping)
        with Listener(self._settings.database_url, queue.ABROAD) as listener:
            abroad.run(listener.wait)

    def _claim_abroad(self, closed: Collection[str]) -> Step | None:
        with self._engaged():
            return queue.claim_next(
                self._engine, self._abroad, owner=self.owner, lease=self._settings.lease_seconds,
                where=notices.IN_TURN, closed=list(closed),
            )  # fmt: skip

    def _run_abroad(self, step: Step) -> str:
        with self._engaged():
            return self._work(step, "direct")

    def _watch(self) -> None:
        """Leaves with an error when it cannot do its work: the supervisor starts a fresh process."""
        limit = self._settings.watchdog_seconds
        while not self._stopping.wait(1.0):
            with self._lock:
                stuck = [run.step.id for run in self._runs.values() if _overran(run, by=limit)]
                running = any(run.step.kind in self.kinds for run in self._runs.values())
                idle = not running and time.monotonic() - self._last_claim > limit
                deaf = self._is_deaf()
            if stuck or deaf or (idle and self._overdue(limit)):
                idle_seconds = time.monotonic() - self._last_claim
                logger().error("worker.wedged", stuck=stuck, deaf=deaf, idle_seconds=idle_seconds)
                self._give_back()
                os._exit(70)

    def _is_deaf(self) -> bool:
        """The slot that needs no hints found work whose hint was not taken up, and none was since."""
        unheard = self._unheard
        return (
            unheard is not None
            and time.monotonic() - unheard > self._settings.redispatch_seconds
            and all(run.slot != "hinted" for run in self._runs.values())
        )

    def _overdue(self, seconds: float) -> bool:
        try:
            return queue.overdue(self._engine, self.kinds, seconds=seconds) > 0
        except Retryable:
            return False

    def _say_ready(self) -> None:
        if path := os.environ.get("NASHR_READY_FILE"):
            Path(path).touch()

    def _leave(self) -> None:
        """SIGTERM: no new claims; what is still running after a while is given back and the process ends."""
        self._stopping.set()
        threading.Thread(target=self._leave_late, name="leave", daemon=True).start()

    def _leave_late(self) -> None:
        self._settle()
        tracing.flush()
        os._exit(0)

    def _settle(self) -> None:
        """Waits a while for what is in hand, and gives back the rest."""
        deadline = time.monotonic() + 8
        while self._claiming and time.monotonic() < deadline:
            time.sleep(0.05)
        self._give_back()

    def _give_back(self) -> None:
        with suppress(Retryable):
            queue.release(self._engine, self.owner)


def _went_unheard(step: Step) -> bool:
    """Hinted, and yet nobody had tried it.

    Breaking work is taken without waiting for its hint; what runs alone was perhaps hinted while another ran.
    """
    expected = step.priority != Priority.breaking and not STEPS[step.kind].alone
    return step.hinted and step.attempts == 1 and expected


def _overran(run: _Run, *, by: float = 0.0) -> bool:
    return time.monotonic() - run.since > STEPS[run.step.kind].limit + by
