"""Events reach those who asked for them: once, in order, signed, and again until it is done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import pytest
from nashr.domain.errors import Fenced, Refused
from nashr.store import dead, events, notices, queue, webhooks
from nashr.store.database import at_end, rows, run, statement, transaction
from standardwebhooks import Webhook as Library

from tests.integration.store.desk import SECRET, Desk
from tests.integration.store.newsroom import until_blocked
from tests.receivers import Receiver, Says, receiver

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from tests.integration.store.conftest import Inside

BASE64 = "whsec_YSBzZWNyZXQgb2YgdGhlIHRlc3QncyBvd24="  # SECRET as a library takes it


@pytest.fixture
def desk(engine: Engine) -> Desk:
    with transaction(engine) as conn:
        run(conn, "TRUNCATE webhook")
    return Desk(engine)


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def test_an_event_is_told_as_server_sent_events_tell_it(desk: Desk, there: Receiver) -> None:
    """The same envelope, signed; a library verifies it; the id is the event's."""
    hook = desk.hook(there.url)
    desk.emit(revision=3, url="https://s/x", first=True, priority="breaking", actor="ليلى")
    assert desk.run() == "done"
    with statement(desk.engine) as conn:
        (event,) = events.after(conn, 0, site="s")
    (told,) = there.told
    assert told.json == events.envelope(event)
    assert list(told.json)[:10] == [
        "id", "type", "at", "site", "article", "revision", "url", "first", "priority", "actor",
    ]  # fmt: skip
    assert Library(BASE64).verify(told.body, dict(told.headers)) is not None
    assert told.headers["webhook-id"] == str(event.id)
    assert told.headers["content-type"] == "application/json"
    (line,) = desk.log(hook)
    assert (line.state, line.attempts, line.result["status"]) == ("done", 1, 204)
    assert desk.claim() is None


def test_whoever_did_not_ask_is_not_told(desk: Desk, there: Receiver) -> None:
    """Other types, other sites, and publications with notify false write no step; the event is there."""
    desk.hook(there.url, ["article.removed"])
    desk.emit("article.live")
    desk.emit("article.removed", notify=False)
    Desk(desk.engine, site="elsewhere").emit("article.removed")
    with statement(desk.engine) as conn:
        found = events.after(conn, 0, site=None)
    assert [event.type for event in found] == ["article.live", "article.removed", "article.removed"]
    assert all("notify" not in events.envelope(event) for event in found)
    assert desk.claim() is None


def test_an_event_rolled_back_is_told_to_nobody(desk: Desk, there: Receiver) -> None:
    """The step is written by the transaction that makes the event, or not at all."""
    desk.hook(there.url)

    def fail(conn: Connection) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError), transaction(desk.engine) as conn:  # noqa: PT012
        events.emit(conn, "article.live", site="s", article="ar_1")
        at_end(conn, fail)
    assert desk.claim() is None


def test_a_failure_comes_again_later_and_later(desk: Desk, there: Receiver, inside: Inside) -> None:
    """5 s, doubling, 8 h at most; Retry-After is kept to; the log has status, error and 200 characters."""
    hook = desk.hook(there.url)
    desk.emit()
    there.will(Says(500, "نص طويل ".encode() * 100))
    assert desk.run() == "retry"
    (line,) = desk.log(hook)
    found = inside.step(line.id)
    assert 2 < found["in_seconds"] <= 5
    assert (line.state, line.attempts, line.error) == ("ready", 1, "answered 500")
    assert (line.result["status"], len(line.result["said"])) == (500, 200)
    for attempts, least, most in ((4, 39, 81), (23, 4 * 3600 - 1, 8 * 3600)):
        inside.run(
            "UPDATE step SET attempts = :n, available_at = now() WHERE id = :id", n=attempts, id=line.id
        )
        assert desk.run() == ("retry" if attempts < 23 else "dead")
        if attempts < 23:
            assert least < inside.step(line.id)["in_seconds"] <= most
    for said in ("7000", format_datetime(datetime.now(UTC) + timedelta(seconds=7000), usegmt=True)):
        there.will(Says(503, headers={"Retry-After": said}))
        inside.run(
            "UPDATE step SET state = 'ready', attempts = 0, available_at = now() WHERE id = :id", id=line.id
        )
        assert desk.run() == "retry"
        assert 6900 < inside.step(line.id)["in_seconds"] <= 7000
    there.will(Says())
    inside.due(line.id)
    assert desk.run() == "done"
    assert len({told.headers["webhook-id"] for told in there.told}) == 1
    assert desk.find(hook).failing_since is None


def test_what_was_given_up_is_dead_work_and_comes_back(desk: Desk, there: Receiver, inside: Inside) -> None:
    """nashr dead and the API list it under its webhook, with the last error; replayed it is told."""
    hook = desk.hook(there.url)
    desk.emit()
    there.will(Says(500), Says())
    inside.run("UPDATE step SET attempts = 23")
    assert desk.run() == "dead"
    with transaction(desk.engine) as conn:
        (found,) = dead.every(conn, kinds=["notify"])
        assert (found.subject, found.error) == (hook.id, "answered 500: given up after 24 attempts")
        dead.replay(conn, dead.find(conn, found.id), actor="test")
    assert desk.run() == "done"


def test_events_of_an_article_are_told_in_order(desk: Desk, there: Receiver, inside: Inside) -> None:
    """A later one waits while an earlier one is on its way or tried; other articles do not; not for ever."""
    desk.hook(there.url)
    for number in (1, 2):
        desk.emit("article.updated", article="ar_1", revision=number)
    desk.emit("article.live", article="ar_2")
    first, other = desk.claim(), desk.claim()
    assert first is not None
    assert other is not None
    assert (first.input["article"], other.input["article"]) == ("ar_1", "ar_2")
    assert desk.claim() is None
    there.will(Says(500))
    assert desk.run(first) == "retry"
    assert desk.claim() is None
    inside.run("UPDATE step SET attempts = 8 WHERE id = :id", id=first.id)
    second = desk.claim()
    assert second is not None
    there.will(Says())
    assert desk.run(second) == "done"
    assert there.told[-1].json["revision"] == 2


def test_breaking_news_goes_first(desk: Desk, there: Receiver) -> None:
    """Before what was waiting already."""
    desk.hook(there.url)
    desk.emit(article="ar_1", priority="normal")
    desk.emit(article="ar_2", priority="breaking")
    step = desk.claim()
    assert step is not None
    assert step.input["article"] == "ar_2"


def test_a_paused_webhook_is_told_when_it_is_resumed(desk: Desk, there: Receiver) -> None:
    """What waited and what happened meanwhile, in order; nothing is due before."""
    hook = desk.hook(there.url)
    desk.emit(article="ar_1")
    ran = desk.claim()
    desk.emit(article="ar_2")
    with transaction(desk.engine) as conn:
        webhooks.pause(conn, hook.id, "asked", actor="test")
    desk.emit(article="ar_3")
    assert desk.run(ran) == "fenced"
    assert desk.claim() is None
    assert [line.state for line in desk.log(hook)] == ["held"] * 3
    assert there.told == []
    with transaction(desk.engine) as conn:
        webhooks.resume(conn, hook.id, actor="test")
    for _ in range(3):
        assert desk.run() == "done"
    assert [told.json["article"] for told in there.told] == ["ar_1", "ar_2", "ar_3"]


def test_gone_pauses_a_webhook(desk: Desk, there: Receiver) -> None:
    """410: the receiver wants no more; what it was told is kept."""
    hook = desk.hook(there.url)
    desk.emit()
    there.will(Says(410))
    assert desk.run() == "fenced"
    assert (desk.find(hook).state, desk.find(hook).why) == ("paused", "gone")
    assert [line.state for line in desk.log(hook)] == ["held"]


def test_three_days_of_failures_pause_a_webhook(desk: Desk, there: Receiver, inside: Inside) -> None:
    """Not one day before; an answer in between begins the time anew."""
    hook = desk.hook(there.url)
    there.will(Says(500))
    desk.emit(article="ar_1")
    assert desk.run() == "retry"
    assert desk.find(hook).failing_since is not None
    inside.run("UPDATE webhook SET failing_since = now() - interval '2 days 23 hours'")
    desk.emit(article="ar_2")
    assert desk.run() == "retry"
    assert desk.find(hook).state == "active"
    inside.run("UPDATE webhook SET failing_since = now() - interval '3 days 1 hour'")
    desk.emit(article="ar_3")
    assert desk.run() == "fenced"
    assert (desk.find(hook).state, desk.find(hook).why) == ("paused", "failing")
    assert {line.state for line in desk.log(hook)} == {"held"}


def test_everything_since_a_time_is_told_again(desk: Desk, there: Receiver) -> None:
    """Also what is gone from the log; in order, under the same ids; too much is refused whole."""
    hook = desk.hook(there.url)
    for number in range(3):
        desk.emit("article.updated", revision=number)
        desk.run()
    desk.emit("article.updated", revision=9, notify=False)
    with transaction(desk.engine) as conn:
        run(conn, "DELETE FROM step WHERE id = :id", id=desk.log(hook)[1].id)
        since = datetime.now(UTC) - timedelta(hours=1)
        assert notices.again_since(conn, hook.id, since=since, limit=2) == 3
    assert desk.claim() is None
    with transaction(desk.engine) as conn:
        assert notices.again_since(conn, hook.id, since=since, limit=3) == 3
    for _ in range(3):
        assert desk.run() == "done"
    ids = [told.json["id"] for told in there.told]
    assert ids[3:] == ids[:3]
    assert desk.claim() is None


def test_one_delivery_is_told_again(desk: Desk, there: Receiver) -> None:
    """That one and no other, though it had arrived."""
    hook = desk.hook(there.url)
    desk.emit()
    desk.run()
    with transaction(desk.engine) as conn:
        notices.again(conn, hook.id, desk.log(hook)[0].id)
    assert desk.run() == "done"
    assert len(there.told) == 2


def test_a_test_is_sent_once_whatever_comes_back(desk: Desk, there: Receiver) -> None:
    """Also to a webhook that is paused; its failure is in the log and nowhere else."""
    hook = desk.hook(there.url)
    with transaction(desk.engine) as conn:
        webhooks.pause(conn, hook.id, "asked", actor="test")
        notices.test(conn, hook.id, site="s", name="test_1")
    there.will(Says(418))
    assert desk.run() == "done"
    assert there.told[0].json["type"] == "webhook.test"
    assert Library(BASE64).verify(there.told[0].body, dict(there.told[0].headers)) is not None
    (line,) = desk.log(hook)
    assert (line.event, line.result["error"]) == ("test_1", "answered 418")


def test_a_new_secret_signs_beside_the_old_one_for_a_day(desk: Desk, there: Receiver, inside: Inside) -> None:
    """Receivers change theirs in between; after that the old one is worth nothing."""
    hook = desk.hook(there.url)
    with transaction(desk.engine) as conn:
        webhooks.change(conn, hook, actor="test", secret="another secret of the test")
    desk.emit(article="ar_1")
    desk.run()
    inside.run("UPDATE webhook SET old_secret_until = now()")
    desk.emit(article="ar_2")
    desk.run()
    both, one = (told.headers["webhook-signature"].split(" ") for told in there.told)
    assert (len(both), len(one)) == (2, 1)
    assert Library(BASE64).verify(there.told[0].body, dict(there.told[0].headers)) is not None


def test_a_deleted_webhook_is_told_nothing(desk: Desk, there: Receiver) -> None:
    """Neither what waits, nor what is being sent: that one's end is dropped."""
    hook = desk.hook(there.url)
    desk.emit(article="ar_1")
    ran = desk.claim()
    desk.emit(article="ar_2")
    with transaction(desk.engine) as conn:
        webhooks.delete(conn, hook, actor="test")
    assert desk.run(ran) == "fenced"
    assert desk.claim() is None
    assert there.told == []


def test_a_long_log_is_forgotten_by_and_by(desk: Desk, there: Receiver, inside: Inside) -> None:
    """Deleting takes a bounded piece of it, what waits first; the rest is told to nobody, and swept."""
    hook, other = desk.hook(there.url), desk.hook("https://cms.example/other")
    for number in range(4):
        desk.emit(article=f"ar_{number}")
    inside.run("UPDATE step SET state = 'done' WHERE id <= :id", id=desk.log(hook)[1].id)
    with transaction(desk.engine) as conn:
        run(conn, "DELETE FROM webhook WHERE id = :id", id=hook.id)
        notices.forget(conn, hook.id, limit=3)
    (left,) = desk.log(hook)
    assert left.state == "done"
    inside.run("UPDATE step SET state = 'ready' WHERE id = :id", id=left.id)
    assert desk.run(desk.claim(other.id)) == "done"
    assert there.told == []
    with transaction(desk.engine) as conn:
        assert notices.forget_strays(conn, "s") == 1
    assert desk.log(hook) == []
    assert len(desk.log(other)) == 4


def test_a_webhook_that_is_deleted_while_it_answers_is_gone(desk: Desk, there: Receiver) -> None:
    """Its answer and the deletion meet: whichever comes first, no step of it stays and nothing fails."""
    hook = desk.hook(there.url)
    desk.emit(article="ar_1")
    ran = desk.claim()
    assert ran is not None
    with ThreadPoolExecutor(1) as pool:
        commit = desk.notify(ran)
        with transaction(desk.engine) as conn:
            webhooks.delete(conn, hook, actor="test")

            def finish() -> None:
                with transaction(desk.engine) as other:
                    done = commit(other)
                    queue.finish(other, ran, result=done.result)

            ending = pool.submit(finish)
            until_blocked(desk.engine)
        with pytest.raises(Fenced):
            ending.result(timeout=30)
    assert len(there.told) == 1
    assert desk.log(hook) == []


def test_what_is_told_again_while_a_webhook_is_resumed_is_told(desk: Desk, there: Receiver) -> None:
    """Replay waits for the resumption, and does not put back what that has let go."""
    hook = desk.hook(there.url)
    desk.emit(article="ar_1")
    with transaction(desk.engine) as conn:
        webhooks.pause(conn, hook.id, "asked", actor="test")

    def replay() -> int:
        since = datetime.now(UTC) - timedelta(hours=1)
        with transaction(desk.engine) as conn:
            return notices.again_since(conn, hook.id, since=since, limit=10)

    with ThreadPoolExecutor(1) as pool:
        with transaction(desk.engine) as conn:
            webhooks.resume(conn, hook.id, actor="test")
            again = pool.submit(replay)
            until_blocked(desk.engine)
        assert again.result(timeout=30) == 1
    assert desk.run() == "done"
    assert len(there.told) == 1


def test_secrets_stay_where_they_are(desk: Desk, there: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither steps, log, audit trail nor what is printed has one."""
    hook = desk.hook(there.url)
    desk.emit()
    there.will(Says(500))
    desk.run()
    with statement(desk.engine) as conn:
        written = [*rows(conn, "SELECT * FROM step"), *rows(conn, "SELECT * FROM audit"), hook]
    printed = capsys.readouterr()
    assert SECRET not in json.dumps([str(item) for item in written]) + printed.out + printed.err


def test_a_site_has_each_address_once_and_fifty_at_most(desk: Desk) -> None:
    """The second time is a conflict that says what to do."""
    desk.hook("https://cms.example/0")
    with pytest.raises(Refused, match="has a webhook with this address"):
        desk.hook("https://cms.example/0")
    for number in range(1, webhooks.MOST):
        desk.hook(f"https://cms.example/{number}")
    with pytest.raises(Refused, match="delete one first"):
        desk.hook("https://cms.example/more")


def test_a_blocked_address_fails_without_a_connection(desk: Desk, there: Receiver, inside: Inside) -> None:
    """A name that leads into the network was accepted once: it is tried again, and the log says why."""
    hook = desk.hook("https://10.0.0.7/hook")
    desk.emit()
    assert desk.run() == "retry"
    (line,) = desk.log(hook)
    assert "10.0.0.7" in str(line.error)
    assert line.result["status"] is None


def test_the_queue_of_hints_does_not_know_them(desk: Desk, there: Receiver) -> None:
    """No hint is sent for what runs without; and a slow receiver is no sign of trouble here."""
    desk.hook(there.url)
    desk.emit(priority="breaking")
    with transaction(desk.engine) as conn:
        assert [
            hint for hint in queue.take_due(conn, redispatch=3, per_queue=8) if hint.kind == "notify"
        ] == []
        found = queue.backlog(conn)
    assert (found.due, found.oldest_due_seconds_outside_bulk) == (1, 0)


def test_old_lines_leave_the_log(desk: Desk, there: Receiver, inside: Inside) -> None:
    """What was delivered 30 days ago; what waits or is dead stays."""
    hook = desk.hook(there.url)
    for number in range(3):
        desk.emit(article=f"ar_{number}")
    desk.run()
    desk.run()
    old = desk.log(hook)[0].id
    inside.run("UPDATE step SET finished_at = now() - interval '31 days' WHERE id = :id", id=old)
    with transaction(desk.engine) as conn:
        assert notices.forget_old(conn, "s", days=30) == 1
    assert [line.state for line in desk.log(hook)] == ["done", "ready"]
