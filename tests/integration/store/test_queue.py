"""The step queue on a real PostgreSQL: claims, fences, leases, retries, hints."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from nashr.domain.errors import Fenced
from nashr.steps import Priority
from nashr.store import queue
from nashr.store.database import statement, transaction
from nashr.store.listen import Listener
from nashr.store.queue import Step

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.integration.store.conftest import Inside


def add(engine: Engine, key: str = "k", *, kind: str = "cards", priority: int = Priority.normal) -> int:
    with transaction(engine) as conn:
        return queue.add(conn, kind, key, site="s", data={"n": 1}, priority=priority)[0]


def rearm(engine: Engine, key: str = "p", **options: Any) -> int:
    with transaction(engine) as conn:
        return queue.rearm(conn, "deliver", key, site="s", data={}, **options)


def claim(engine: Engine, step: int, *, owner: str = "cards:1", lease: float = 10.0) -> Step:
    claimed = queue.claim(engine, step, owner=owner, lease=lease)
    assert claimed is not None
    return claimed


def finish(engine: Engine, step: Step, **options: Any) -> None:
    with transaction(engine) as conn:
        queue.finish(conn, step, **options)


def hints(engine: Engine, *, redispatch: float = 3.0, per_queue: int = 64) -> list[int]:
    with transaction(engine) as conn:
        return [hint.step for hint in queue.take_due(conn, redispatch=redispatch, per_queue=per_queue)]


def test_a_claim_counts_before_anything_runs(engine: Engine, inside: Inside) -> None:
    """Claiming raises fence and attempts and takes a lease; whoever asks next gets nothing."""
    step = add(engine)
    claimed = claim(engine, step, owner="cards:7", lease=10)
    assert (claimed.fence, claimed.attempts, claimed.input) == (1, 1, {"n": 1})
    row = inside.step(step)
    assert (row["state"], row["lease_owner"], row["attempts"]) == ("leased", "cards:7", 1)
    assert 5 < row["leased_for"] <= 10
    assert queue.claim(engine, step, owner="cards:8", lease=10) is None


def test_only_due_work_is_claimed(engine: Engine) -> None:
    """Nothing is claimed before its time, after its end, or that does not exist."""
    later = rearm(engine, delay=60.0)
    done = add(engine)
    finish(engine, claim(engine, done))
    for step in (later, done, 10**9):
        assert queue.claim(engine, step, owner="x:1", lease=10) is None


def test_one_of_many_claimers_wins(engine: Engine) -> None:
    """Eight claimers of one step at the same moment: one has it, seven have nothing."""
    step, start = add(engine), threading.Barrier(8)

    def attempt(number: int) -> Step | None:
        start.wait()
        return queue.claim(engine, step, owner=f"cards:{number}", lease=10)

    with ThreadPoolExecutor(8) as pool:
        won = [one for one in pool.map(attempt, range(8)) if one is not None]
    assert [one.fence for one in won] == [1]


def test_simultaneous_workers_share_the_work(engine: Engine) -> None:
    """Eight workers that take whatever is next claim each of 40 steps exactly once, past locked rows."""
    steps = [add(engine, f"k{n}") for n in range(40)]

    def work(number: int) -> list[int]:
        found = []
        while (step := queue.claim_next(engine, ["cards"], owner=f"cards:{number}", lease=60)) is not None:
            found.append(step.id)
        return found

    with ThreadPoolExecutor(8) as pool:
        taken = [step for part in pool.map(work, range(8)) for step in part]
    assert sorted(taken) == steps


def test_the_next_step_is_the_most_urgent(engine: Engine) -> None:
    """claim_next takes breaking, then normal, then bulk, of its own kinds and as ``where`` allows."""
    bulk = add(engine, "b", priority=Priority.bulk)
    normal = add(engine, "n")
    other = add(engine, "o", kind="images", priority=Priority.breaking)
    breaking = add(engine, "x", priority=Priority.breaking)
    only = queue.claim_next(engine, ["cards"], owner="c:1", lease=10, where="priority = 2")
    assert only is not None
    order = [only.id]
    while (step := queue.claim_next(engine, ["cards"], owner="c:1", lease=10)) is not None:
        order.append(step.id)
    assert order == [bulk, breaking, normal]
    assert queue.claim(engine, other, owner="i:1", lease=10) is not None


def test_an_expired_lease_is_anyones(engine: Engine, inside: Inside) -> None:
    """After its lease a step is claimed with a higher fence, and the first holder can no longer end it."""
    step = add(engine)
    late = claim(engine, step)
    inside.expire(step)
    now = claim(engine, step, owner="cards:2")
    assert (now.fence, now.attempts) == (2, 2)
    with pytest.raises(Fenced):
        finish(engine, late, result={"by": "late"})
    with transaction(engine) as conn:
        queue.retry(conn, late, "late")
        assert not queue.bury(conn, late, "late")
    row = inside.step(step)
    assert (row["state"], row["lease_owner"], row["fence"], row["error"]) == ("leased", "cards:2", 2, None)
    finish(engine, now, result={"by": "now"})
    assert inside.step(step)["result"] == {"by": "now"}
    with pytest.raises(Fenced):
        finish(engine, now)


def test_a_fenced_finish_takes_its_effects_back(engine: Engine, inside: Inside) -> None:
    """What a late worker wrote in its finishing transaction is rolled back with it."""
    step = add(engine)
    late = claim(engine, step)
    inside.expire(step)
    claim(engine, step, owner="cards:2")

    def finish_late() -> None:
        with transaction(engine) as conn:
            queue.add(conn, "cards", "follow-up", site="s", data={})
            queue.finish(conn, late)

    with pytest.raises(Fenced):
        finish_late()
    assert inside.scalar("SELECT count(*) FROM step WHERE key = 'follow-up'") == 0


def test_a_heartbeat_extends_only_what_is_held(engine: Engine, inside: Inside) -> None:
    """A beat lengthens the lease of the present fence; that of an old fence changes nothing."""
    held, lost = claim(engine, add(engine, "a")), claim(engine, add(engine, "b"))
    inside.expire(lost.id)
    claim(engine, lost.id, owner="cards:2", lease=5)
    queue.beat(engine, [(held.id, held.fence), (lost.id, lost.fence)], lease=100)
    assert inside.step(held.id)["leased_for"] > 50
    assert inside.step(lost.id)["leased_for"] <= 5


@pytest.mark.parametrize(("attempts", "longest"), [(1, 0.25), (2, 0.5), (5, 4.0), (12, 15.0)])
def test_a_retry_waits_longer_each_time(
    engine: Engine, inside: Inside, attempts: int, longest: float
) -> None:
    """A failed step is due again after a back-off that doubles up to 15 s, with jitter in its upper half."""
    step = add(engine)
    inside.run("UPDATE step SET attempts = :n WHERE id = :id", n=attempts - 1, id=step)
    with transaction(engine) as conn:
        queue.retry(conn, claim(engine, step), "no route to host")
    row = inside.step(step)
    assert (row["state"], row["error"], row["lease_owner"]) == ("ready", "no route to host", None)
    assert longest / 2 - 1.0 < row["in_seconds"] <= longest


def test_what_waits_for_something_else_has_not_tried(engine: Engine, inside: Inside) -> None:
    """A step that cannot run yet comes again soon, however often: its attempts are kept for failures."""
    step = add(engine)
    for _ in range(3):
        inside.due(step)
        with transaction(engine) as conn:
            queue.retry(conn, claim(engine, step), "a file is being deleted", waits=4.0)
    row = inside.step(step)
    assert (row["state"], row["attempts"]) == ("ready", 0)
    assert 1 < row["in_seconds"] <= 4.0


def test_a_buried_step_rests_until_it_is_asked_for_again(engine: Engine, inside: Inside) -> None:
    """A dead step is not claimed; adding it again tries it afresh with its attempts at zero."""
    step = add(engine)
    with transaction(engine) as conn:
        assert queue.bury(conn, claim(engine, step), "not an image")
    row = inside.step(step)
    assert (row["state"], row["error"]) == ("dead", "not an image")
    assert queue.claim(engine, step, owner="x:1", lease=10) is None
    assert add(engine) == step
    again = claim(engine, step)
    assert (again.attempts, again.fence) == (1, 2)


def test_done_work_is_not_done_again(engine: Engine) -> None:
    """Adding a step whose input was worked on costs nothing: it is the same row, and done."""
    step = add(engine)
    finish(engine, claim(engine, step), result={"card": 1})
    with transaction(engine) as conn:
        assert queue.add(conn, "cards", "k", site="s", data={"n": 1}) == (step, True)
    assert queue.claim(engine, step, owner="x:1", lease=10) is None


def test_adding_again_only_hurries(engine: Engine, inside: Inside) -> None:
    """A second request for a step raises its urgency, never lowers it."""
    step = add(engine, priority=Priority.normal)
    add(engine, priority=Priority.bulk)
    assert inside.step(step)["priority"] == Priority.normal
    add(engine, priority=Priority.breaking)
    assert inside.step(step)["priority"] == Priority.breaking


def test_rearming_a_ready_step_takes_the_sooner_time(engine: Engine, inside: Inside) -> None:
    """A step that waits keeps the earlier of both times and the more urgent class."""
    step = rearm(engine, delay=30.0, priority=Priority.bulk)
    assert rearm(engine, delay=60.0) == step
    assert 20 < inside.step(step)["in_seconds"] <= 30
    rearm(engine, delay=5.0, priority=Priority.breaking)
    rearm(engine, delay=90.0, priority=Priority.bulk)
    row = inside.step(step)
    assert row["in_seconds"] <= 5
    assert (row["state"], row["priority"]) == ("ready", Priority.breaking)


def test_rearming_a_running_step_leaves_it_alone(engine: Engine, inside: Inside) -> None:
    """A step that runs keeps lease and fence; its worker finishes it as due again."""
    step = rearm(engine)
    held = claim(engine, step)
    rearm(engine, delay=0.0)
    row = inside.step(step)
    assert (row["state"], row["fence"]) == ("leased", held.fence)
    finish(engine, held, again_at=datetime.now(UTC) - timedelta(seconds=1))
    again = claim(engine, step)
    assert (again.fence, again.attempts) == (2, 1)


def test_rearming_a_done_step_makes_it_due(engine: Engine, inside: Inside) -> None:
    """A finished page step is due again with the new class and no memory of attempts."""
    step = rearm(engine, priority=Priority.breaking)
    finish(engine, claim(engine, step))
    rearm(engine, priority=Priority.bulk, delay=7.0)
    row = inside.step(step)
    assert (row["state"], row["priority"], row["attempts"]) == ("ready", Priority.bulk, 0)
    assert 0 < row["in_seconds"] <= 7


def test_pulling_makes_a_waiting_step_due_now(engine: Engine, inside: Inside) -> None:
    """pull brings a ready step forward and touches neither a running nor a finished one."""
    step, running = rearm(engine, "a", delay=60.0), rearm(engine, "b")
    held = claim(engine, running)
    with transaction(engine) as conn:
        queue.pull(conn, step)
        queue.pull(conn, held.id)
    assert inside.step(step)["in_seconds"] <= 0
    assert inside.step(running)["state"] == "leased"


def test_due_work_is_hinted_once_and_again_when_nobody_came(engine: Engine, inside: Inside) -> None:
    """A hint is not repeated until the redispatch time has passed without a claim."""
    step = add(engine)
    rearm(engine, "later", delay=60.0)
    assert hints(engine) == [step]
    assert hints(engine) == []
    inside.run("UPDATE step SET dispatched_at = dispatched_at - interval '4 seconds' WHERE id = :id", id=step)
    assert hints(engine) == [step]
    claim(engine, step)
    assert hints(engine, redispatch=0.0) == []
    inside.expire(step)
    assert hints(engine, redispatch=0.0) == [step]


def test_a_backlog_is_hinted_in_portions(engine: Engine) -> None:
    """At most ``per_queue`` hints per kind and class are out; another class still gets its own."""
    cards = [add(engine, f"k{n}", priority=Priority.bulk) for n in range(10)]
    photos = [add(engine, f"i{n}", kind="images", priority=Priority.bulk) for n in range(2)]
    breaking = add(engine, "now", priority=Priority.breaking)
    first = hints(engine, per_queue=4)
    assert first[0] == breaking
    assert set(first[1:]) == {*cards[:4], *photos}
    assert hints(engine, per_queue=4) == []
    finish(engine, claim(engine, cards[0]))
    assert hints(engine, per_queue=4) == [cards[4]]


def test_two_relays_share_the_hints(engine: Engine) -> None:
    """Relays that look at the same moment hint each step once: locked rows are passed over."""
    steps = [add(engine, f"k{n}") for n in range(6)]
    with transaction(engine) as conn:
        first = [hint.step for hint in queue.take_due(conn, redispatch=3.0, per_queue=3)]
        second = hints(engine, per_queue=64)
    assert sorted(first + second + hints(engine)) == steps


def test_a_dead_process_gives_back_what_it_held(engine: Engine, inside: Inside) -> None:
    """Releasing an owner makes its steps ready at once, and nobody else's."""
    mine, other = (
        claim(engine, add(engine, "a"), owner="cards:1"),
        claim(engine, add(engine, "b"), owner="cards:11"),
    )
    assert queue.release(engine, "cards:1") == 1
    assert inside.step(mine.id)["state"] == "ready"
    assert inside.step(other.id)["state"] == "leased"
    assert claim(engine, mine.id).fence == 2


def test_the_relay_knows_how_long_it_may_sleep(engine: Engine) -> None:
    """Seconds to the next due step; below zero while one has no hint; None when nothing waits."""
    with statement(engine) as conn:
        assert queue.seconds_to_next(conn) is None
        rearm(engine, delay=30.0)
        assert 20 < (queue.seconds_to_next(conn) or 0) <= 30
        unhinted = add(engine)
        assert (queue.seconds_to_next(conn) or 0) < 0
        assert hints(engine) == [unhinted]
        assert 20 < (queue.seconds_to_next(conn) or 0) <= 30


def test_overdue_work_is_counted(engine: Engine, inside: Inside) -> None:
    """Work that nobody claimed for long counts as overdue; what runs, waits or is another kind does not."""
    inside.due(add(engine, "old"), ago=20)
    inside.due(add(engine, "photo", kind="images"), ago=20)
    add(engine, "young")
    running = add(engine, "running")
    inside.due(running, ago=20)
    claim(engine, running)
    assert queue.overdue(engine, ["cards"], seconds=8) == 1
    inside.run(
        "UPDATE step SET lease_until = clock_timestamp() - interval '10 seconds' WHERE id = :id", id=running
    )
    assert queue.overdue(engine, ["cards"], seconds=8) == 2


def test_the_backlog_is_told(engine: Engine, inside: Inside) -> None:
    """People on call see the age of the oldest due work, with and without bulk, and what is dead."""
    inside.due(add(engine, "bulk", priority=Priority.bulk), ago=100)
    inside.due(add(engine, "normal"), ago=10)
    with transaction(engine) as conn:
        queue.bury(conn, claim(engine, add(engine, "bad")), "x")
    claim(engine, add(engine, "busy"))
    with statement(engine) as conn:
        found = queue.backlog(conn)
    assert (found.due, found.leased, found.dead) == (2, 1, 1)
    assert found.oldest_due_seconds >= 100
    assert 10 <= found.oldest_due_seconds_outside_bulk < 90


def test_a_commit_wakes_the_relay_and_a_rollback_does_not(engine: Engine, database: str) -> None:
    """notify reaches a listener when the transaction commits."""

    def work(*, fail: bool) -> None:
        with transaction(engine) as conn:
            queue.notify(conn)
            if fail:
                raise RuntimeError

    with Listener(database, queue.CHANNEL) as listener:
        listener.wait(0.01)
        with pytest.raises(RuntimeError):
            work(fail=True)
        assert not listener.wait(0.2)
        work(fail=False)
        assert listener.wait(30)
