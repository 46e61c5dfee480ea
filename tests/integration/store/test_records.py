"""Events in commit order, idempotency keys, and migrations that make what the tables say."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from nashr.domain.errors import Refused
from nashr.store import events, idempotency, migrate
from nashr.store.database import at_end, scalar, statement, transaction
from nashr.store.idempotency import Answer
from nashr.store.tables import metadata

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from tests.conftest import Stack
    from tests.integration.store.conftest import Inside


def emit(conn: Connection, kind: str, *, site: str = "s") -> None:
    events.emit(conn, kind, site=site, article="ar_1", publication="pb_1", revision=1)


def seen(engine: Engine, after: int = 0, *, site: str | None = None) -> list[str]:
    with statement(engine) as conn:
        return [event.type for event in events.after(conn, after, site=site)]


def test_events_become_visible_in_commit_order(engine: Engine, inside: Inside, stack: Stack) -> None:
    """A second writer waits for the first to commit, so a reader of its event misses none before it."""
    waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"

    def second() -> None:
        with transaction(engine) as conn:
            emit(conn, "second")

    with ThreadPoolExecutor(1) as pool:

        def before_the_commit(_: Connection) -> None:
            pool.submit(second)
            stack.until(lambda: inside.scalar(waits), what="the second writer to wait")
            assert seen(engine) == []

        with transaction(engine) as conn:
            emit(conn, "first")
            at_end(conn, before_the_commit)
    assert seen(engine) == ["first", "second"]


def test_a_reader_never_skips_an_event(engine: Engine) -> None:
    """While eight writers append, a reader who asks past the last id sees every event once."""

    def write(number: int) -> None:
        for turn in range(10):
            with transaction(engine) as conn:
                emit(conn, f"{number}.{turn}")

    found: list[tuple[int, str]] = []
    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(write, number) for number in range(8)]
        while len(found) < 80:
            done = all(writer.done() for writer in writers)
            with statement(engine) as conn:
                last = found[-1][0] if found else 0
                found += [(event.id, event.type) for event in events.after(conn, last, site=None)]
            assert not done or len(found) == 80
    assert len({name for _, name in found}) == 80
    for number in range(8):
        own = [name for _, name in found if name.startswith(f"{number}.")]
        assert own == [f"{number}.{turn}" for turn in range(10)]


def test_a_rolled_back_event_never_happened(engine: Engine) -> None:
    """An event is part of its transaction."""

    def write(*, fail: bool) -> None:
        with transaction(engine) as conn:
            emit(conn, "lost" if fail else "kept")
            if fail:
                raise RuntimeError

    with pytest.raises(RuntimeError):
        write(fail=True)
    write(fail=False)
    assert seen(engine) == ["kept"]


def test_readers_see_their_own_site(engine: Engine, inside: Inside) -> None:
    """Events are narrowed to a site; without one all are seen."""
    inside.run("INSERT INTO site (id, config, secret) VALUES ('other', '{}', 'x')")
    for site in ("s", "other", "s"):
        with transaction(engine) as conn:
            emit(conn, f"of {site}", site=site)
    assert seen(engine, site="other") == ["of other"]
    assert len(seen(engine)) == 3


KEY = {"token": "t", "route": "POST /v1/articles", "key": "k", "fingerprint": "f"}
ANSWER = Answer(201, {"ETag": '"1"'}, {"id": "ar_1", "headline": "خبر"})


def keep(engine: Engine, *, fail: bool = False) -> None:
    with transaction(engine) as conn:
        assert idempotency.begin(conn, **KEY) is None
        idempotency.keep(conn, ANSWER, **KEY, site="s")
        if fail:
            raise RuntimeError


def test_a_key_gives_the_stored_answer(engine: Engine) -> None:
    """After the commit the same key and request find the first answer; other tokens and routes do not."""
    keep(engine)
    with transaction(engine) as conn:
        assert idempotency.begin(conn, **KEY) == ANSWER
        assert idempotency.begin(conn, **{**KEY, "token": "other"}) is None
        assert idempotency.begin(conn, **{**KEY, "route": "POST /v1/assets"}) is None


def test_a_key_is_refused_for_another_request(engine: Engine) -> None:
    """The same key with another fingerprint is a mistake of the client's."""
    keep(engine)
    with pytest.raises(Refused) as caught, transaction(engine) as conn:
        idempotency.begin(conn, **{**KEY, "fingerprint": "other"})
    assert caught.value.code == "idempotency_mismatch"


def test_a_key_in_use_is_refused_at_once(engine: Engine) -> None:
    """While the first request runs, a second one with its key is told to come again, not kept waiting."""
    with transaction(engine) as first:
        assert idempotency.begin(first, **KEY) is None
        with pytest.raises(Refused) as caught, transaction(engine) as second:
            idempotency.begin(second, **KEY)
        assert caught.value.code == "idempotency_in_progress"


def test_a_failed_request_frees_its_key(engine: Engine) -> None:
    """A rolled back write leaves no answer behind."""
    with pytest.raises(RuntimeError):
        keep(engine, fail=True)
    keep(engine)


def test_old_answers_are_forgotten(engine: Engine, inside: Inside) -> None:
    """Answers older than 72 hours go, younger ones stay."""
    keep(engine)
    with transaction(engine) as conn:
        assert idempotency.forget_old(conn) == 0
    inside.run("UPDATE idempotency SET created_at = created_at - interval '73 hours'")
    with transaction(engine) as conn:
        assert idempotency.forget_old(conn) == 1


def test_the_migrations_make_what_the_tables_say(engine: Engine, database: str) -> None:
    """A migrated database differs in nothing from the tables that the code knows."""
    with engine.connect() as conn:
        context = MigrationContext.configure(
            conn, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
    assert migrate.is_current(database)


def test_migrating_again_changes_nothing(engine: Engine, database: str) -> None:
    """An upgrade of a current database is a harmless repetition, also while it is in use."""
    with transaction(engine) as conn:
        assert scalar(conn, "SELECT count(*) FROM site") == 1
        migrate.upgrade(database)
    assert migrate.is_current(database)
