"""Bulk publications are refused while those before them wait too long, and no others are."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from nashr.bootstrap import Runtime
from nashr.domain.errors import Refused
from nashr.settings import Settings
from nashr.steps import Priority
from nashr.store import idempotency, queue
from nashr.store.audit import Trail
from nashr.store.database import statement, transaction
from nashr.store.idempotency import Answer
from nashr.store.tokens import Token
from nashr_ingest import backlog
from nashr_ingest.backlog import Backlog
from nashr_ingest.context import Caller
from nashr_ingest.problems import RefusedWith
from nashr_ingest.routes import articles
from nashr_ingest.schemas import Publish
from nashr_ingest.writes import Asked

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from starlette.responses import JSONResponse

    from tests.integration.store.conftest import Inside


@pytest.fixture(autouse=True)
def _looks_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "LOOK_SECONDS", -1.0)


def waiting(engine: Engine, inside: Inside, kind: str, priority: Priority) -> None:
    with transaction(engine) as conn:
        queue.add(conn, kind, f"{kind} {priority}", site="s", data={}, priority=priority)
    inside.run("UPDATE step SET available_at = clock_timestamp() - interval '20 seconds'")


def look(engine: Engine, room: Backlog) -> None:
    with statement(engine) as conn:
        room.check(conn)


@pytest.mark.parametrize("kind", ["related", "cards"])
def test_bulk_that_waits_too_long_keeps_out_more(engine: Engine, inside: Inside, kind: str) -> None:
    """503 and when to come again, as long as the first one waits; then there is room at once."""
    room = Backlog(patience=10)
    look(engine, room)
    waiting(engine, inside, kind, Priority.bulk)
    with pytest.raises(RefusedWith, match=r"wait 2[0-9] s") as refused:
        look(engine, room)
    assert (refused.value.code, refused.value.retry_after) == ("unavailable", 5)
    inside.run("UPDATE step SET state = 'leased', lease_until = clock_timestamp() + interval '9 seconds'")
    look(engine, room)


def test_nothing_else_keeps_bulk_out(engine: Engine, inside: Inside) -> None:
    """Not normal work that is late, not pages in bulk; and nothing where bulk may wait for ever."""
    waiting(engine, inside, "related", Priority.normal)
    waiting(engine, inside, "deliver", Priority.bulk)
    look(engine, Backlog(patience=10))
    waiting(engine, inside, "related", Priority.bulk)
    look(engine, Backlog(patience=0))
    with statement(engine) as conn:
        assert 20 <= queue.bulk_waits(conn) < 200


def test_a_look_lasts_a_moment(engine: Engine, inside: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of bulk costs the database two looks a second."""
    monkeypatch.setattr(backlog, "LOOK_SECONDS", 60.0)
    room = Backlog(patience=10)
    look(engine, room)
    waiting(engine, inside, "related", Priority.bulk)
    look(engine, room)


@pytest.mark.parametrize(("wanted", "looks"), [
    (Publish(priority="bulk"), True),
    (Publish(), False),
    (Publish(priority="breaking"), False),
    (Publish(priority="bulk", publish_at=datetime.now(UTC) + timedelta(days=1)), False),
])  # fmt: skip
def test_only_bulk_that_is_due_now_is_kept_out(
    engine: Engine, inside: Inside, wanted: Publish, looks: bool
) -> None:
    """What is ordinary, urgent or for later gets as far as looking for its article, whatever waits."""
    waiting(engine, inside, "related", Priority.bulk)
    with pytest.raises(Refused) as refused:
        ask(engine, wanted)
    assert refused.value.code == ("unavailable" if looks else "not_found")


def test_an_accepted_publication_is_answered_again(engine: Engine, inside: Inside) -> None:
    """Sent once more with its key it gets its 202, and not that it should come later."""
    waiting(engine, inside, "related", Priority.bulk)
    asked = replace(ASKED, key="once")
    with transaction(engine) as conn:
        idempotency.keep(
            conn, Answer(202, {}, {"id": "pb_1"}), token=WHO.token.id, route=asked.route, key="once",
            fingerprint=asked.fingerprint, site=None,
        )  # fmt: skip
    again = ask(engine, Publish(priority="bulk"), asked)
    assert (again.status_code, json.loads(bytes(again.body))) == (202, {"id": "pb_1"})


ASKED = Asked("POST /v1/articles/ar_1/publish", "as sent")
WHO = Caller(Token("t", "test", "admin", None, datetime.now(UTC), None, None), "test", Trail())


def ask(engine: Engine, wanted: Publish, asked: Asked = ASKED) -> JSONResponse:
    process = Runtime(Settings(), engine)
    return articles.publish(WHO, process, asked, Backlog(patience=10), "ar_1", wanted)
