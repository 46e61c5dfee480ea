"""Page rows on a real PostgreSQL: wanted, waited for, woken, locked in order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from nashr.pages import REST, Fact, PageKind, PageSpec
from nashr.steps import Priority
from nashr.store import pagerows, queue
from nashr.store.database import transaction
from nashr.store.listen import Listener
from nashr.store.pagerows import PageRow

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.integration.store.conftest import Inside

PATH = "/politics/خبر/"


def page(engine: Engine, path: str = PATH, kind: PageKind = PageKind.article) -> PageRow:
    with transaction(engine) as conn:
        return pagerows.lock(conn, "s", [PageSpec(path, kind, "ar_1")])[path]


def want(engine: Engine, row: PageRow, **options: float) -> None:
    with transaction(engine) as conn:
        locked = pagerows.lock_ids(conn, [row.id])
        pagerows.want(conn, locked, priority=Priority.normal, delay=options.get("delay", 0.0))


def needing(engine: Engine, row: PageRow, keys: list[str], *, seconds: float = 30.0) -> list[int]:
    """Steps that the page waits for, and its delivery due when the wait ends."""
    with transaction(engine) as conn:
        steps = [queue.add(conn, "images", key, site="s", data={})[0] for key in keys]
        locked = pagerows.lock_ids(conn, [row.id])
        for step in steps:
            pagerows.wait_for(conn, locked[0], step, seconds)
        pagerows.want(conn, locked, delay=seconds)
    return steps


def finish(engine: Engine, step: int) -> None:
    """What a worker does at the end of a step."""
    claimed = queue.claim(engine, step, owner="images:1", lease=10)
    assert claimed is not None
    with transaction(engine) as conn:
        queue.finish(conn, claimed)
        pagerows.wake(conn, step, priority=Priority.normal)


def deliver(engine: Engine, inside: Inside, path: str = PATH) -> queue.Step:
    """Claims the page's delivery."""
    claimed = queue.claim(engine, inside.deliver(path)["id"], owner="delivery:1", lease=10)
    assert claimed is not None
    return claimed


def test_wanting_a_page_makes_its_one_delivery_due(engine: Engine, inside: Inside) -> None:
    """Each want raises ``wanted``; however many there are, one delivery step is armed."""
    row = page(engine)
    for _ in range(3):
        want(engine, row)
    assert inside.page(PATH)["wanted"] == 3
    assert inside.deliver(PATH)["in_seconds"] <= 0
    assert inside.scalar("SELECT count(*) FROM step WHERE kind = 'deliver'") == 1


def test_a_path_is_one_row_for_ever(engine: Engine) -> None:
    """Locking a path that exists finds its row with its counters; kind and subject stay as they are."""
    first = page(engine)
    want(engine, first)
    again = page(engine, kind=PageKind.redirect)
    assert (again.id, again.kind, again.wanted) == (first.id, "article", 1)


def test_a_listing_rests_between_deliveries(engine: Engine, inside: Inside) -> None:
    """A feed that has just gone out is due after its rest, not at once; an article's page has no rest."""
    for path, kind in (("/feeds/rss.xml", PageKind.rss), (PATH, PageKind.article)):
        row = page(engine, path, kind)
        inside.run("UPDATE page SET live_at = clock_timestamp() WHERE id = :id", id=row.id)
        want(engine, row)
    assert REST[PageKind.rss] - 3 < inside.deliver("/feeds/rss.xml")["in_seconds"] <= REST[PageKind.rss]
    assert inside.deliver(PATH)["in_seconds"] <= 0


def test_a_page_waits_for_what_it_needs(engine: Engine, inside: Inside) -> None:
    """While a needed step runs the delivery is due only at the end of the wait."""
    row = page(engine)
    needing(engine, row, ["photo"])
    with transaction(engine) as conn:
        until = pagerows.waiting_until(conn, row.id)
    assert until is not None
    assert timedelta(seconds=20) < until - datetime.now(UTC) <= timedelta(seconds=31)
    assert inside.deliver(PATH)["in_seconds"] > 20


def test_the_last_needed_step_pulls_the_delivery_forward(engine: Engine, inside: Inside) -> None:
    """Of two needed steps the first changes nothing; with the second the delivery is due at once, once."""
    row = page(engine)
    first, second = needing(engine, row, ["a", "b"])
    finish(engine, first)
    assert inside.deliver(PATH)["in_seconds"] > 20
    finish(engine, second)
    assert inside.deliver(PATH)["in_seconds"] <= 0
    assert inside.page(PATH)["wanted"] == 1
    assert inside.scalar("SELECT count(*) FROM need") == 0


def test_what_comes_after_the_page_went_out_wants_it_again(engine: Engine, inside: Inside) -> None:
    """A step that ends when its page is out already raises ``wanted`` and makes the delivery due."""
    row = page(engine)
    (step,) = needing(engine, row, ["late"])
    inside.due(inside.deliver(PATH)["id"])
    with transaction(engine) as conn:
        queue.finish(conn, deliver(engine, inside))
    finish(engine, step)
    armed = inside.deliver(PATH)
    assert (inside.page(PATH)["wanted"], armed["state"]) == (2, "ready")
    assert armed["in_seconds"] <= 0


def test_what_comes_while_the_page_is_made_wants_it_again(engine: Engine, inside: Inside) -> None:
    """A step that ends during the delivery may have missed its snapshot: ``wanted`` rises."""
    row = page(engine)
    (step,) = needing(engine, row, ["late"])
    inside.due(inside.deliver(PATH)["id"])
    running = deliver(engine, inside)
    finish(engine, step)
    armed = inside.deliver(PATH)
    assert (inside.page(PATH)["wanted"], armed["state"], armed["fence"]) == (2, "leased", running.fence)


def test_a_wait_that_ended_holds_nothing(engine: Engine, inside: Inside) -> None:
    """A needed step that never ends stops holding the page after its wait."""
    row = page(engine)
    needing(engine, row, ["slow"])
    inside.run("UPDATE need SET until = clock_timestamp() - interval '1 second'")
    with transaction(engine) as conn:
        assert pagerows.waiting_until(conn, row.id) is None


def test_two_pages_may_wait_for_one_photo(engine: Engine, inside: Inside) -> None:
    """A photo that two articles use wakes both pages."""
    for path in ("/a1/", "/a2/"):
        needing(engine, page(engine, path), ["shared"])
    finish(engine, inside.scalar("SELECT id FROM step WHERE key = 'shared'"))
    assert [inside.deliver(path)["in_seconds"] <= 0 for path in ("/a1/", "/a2/")] == [True, True]


def test_pages_are_locked_in_one_order(engine: Engine, inside: Inside) -> None:
    """Many writers that want the same pages in any order never lock each other out, and lose no want."""
    paths = [f"/p{number}/" for number in range(6)]

    def bump(number: int) -> None:
        turned = paths[number:] + paths[:number]
        with transaction(engine) as conn:
            locked = pagerows.lock(conn, "s", [PageSpec(path, PageKind.short) for path in turned])
            pagerows.want(conn, locked.values())

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(bump, [*range(6)] * 4))
    assert {inside.page(path)["wanted"] for path in paths} == {24}


def test_a_path_can_change_what_it_shows(engine: Engine, inside: Inside) -> None:
    """An article's path that becomes a redirect keeps its counters."""
    row = page(engine)
    want(engine, row)
    with transaction(engine) as conn:
        pagerows.claim_path(conn, pagerows.lock_ids(conn, [row.id])[0], PageKind.redirect, "ar_2")
    found = inside.page(PATH)
    assert (found["kind"], found["subject"], found["wanted"]) == ("redirect", "ar_2", 1)


def test_a_breaking_page_that_is_pulled_wakes_the_direct_slots(engine: Engine, database: str) -> None:
    """Also when the step it waited for had been claimed as ordinary work."""
    row = page(engine)
    with transaction(engine) as conn:
        pagerows.want(conn, [row], priority=Priority.breaking, delay=60.0)
        step, _ = queue.add(conn, "cards", "c", site="s", data={})
        pagerows.wait_for(conn, row, step, 60.0)
    with Listener(database, queue.DIRECT) as listener:
        listener.wait(0.01)
        with transaction(engine) as conn:
            pagerows.wake(conn, step, priority=Priority.normal)
        assert listener.heard(30) == {"delivery"}


def test_a_page_remembers_its_last_reasons(engine: Engine, inside: Inside) -> None:
    """Five, newest first, each with the facts that its kind of page is made from; never more."""
    for number in range(7):
        with transaction(engine) as conn:
            locked = pagerows.lock(conn, "s", [PageSpec(PATH, PageKind.rss)])
            why = pagerows.Why({Fact.teaser, Fact.links}, f"ar_{number}")
            pagerows.want(conn, locked.values(), why=why)
    kept = inside.page(PATH)["reasons"]

    assert [(one["version"], one["cause"]) for one in kept] == [(n + 1, f"ar_{n}") for n in (6, 5, 4, 3, 2)]
    assert {one["facts"] for one in kept} == {"teaser"}


def test_a_version_that_was_tried_is_never_tried_again(engine: Engine, inside: Inside) -> None:
    """An attempt may have stored its text before it failed: the next one is another version."""
    row = page(engine)
    want(engine, row)
    with transaction(engine) as conn:
        pagerows.want_by_itself(conn, row.id)
    assert inside.page(PATH)["wanted"] == 1  # due, and not tried yet
    inside.run("UPDATE page SET attempted = wanted")
    with transaction(engine) as conn:
        pagerows.want_by_itself(conn, row.id)
    assert (inside.page(PATH)["wanted"], inside.page(PATH)["live"]) == (2, 0)
