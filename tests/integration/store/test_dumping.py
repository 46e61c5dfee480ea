"""Every table out of a snapshot and back, on a real PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from nashr.ports import Entry
from nashr.store import drift, dumping, recovering
from nashr.store.database import rows, run, scalar, snapshot, transaction
from psycopg.errors import LockNotAvailable

from tests.integration.store.newsroom import SITE, Newsroom, begin

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from tests.integration.store.conftest import Inside


@pytest.fixture
def newsroom(engine: Engine) -> Newsroom:
    return begin(engine)


def dumped(engine: Engine) -> dict[str, bytes]:
    with snapshot(engine) as conn:
        found = {}
        for table in dumping.TABLES:
            file = BytesIO()
            dumping.dump(conn, table, file)
            found[table.name] = file.getvalue()
    return found


def load(conn: Connection, found: dict[str, bytes]) -> None:
    dumping.clear(conn)
    for table in dumping.TABLES:
        dumping.load(conn, table.name, dumping.columns(table), [found[table.name]])


def test_what_goes_out_comes_back(newsroom: Newsroom, engine: Engine) -> None:
    """Every row of every table is as it was, and new rows are numbered behind them."""
    newsroom.article(1, newsroom.photo())
    before = dumped(engine)
    assert before["article"]
    assert before["object"]
    last = {}
    with transaction(engine) as conn:
        for name in ("article", "page", "step"):
            column = "number" if name == "article" else "id"
            last[name] = scalar(conn, f"SELECT COALESCE(max({column}), 0) FROM {name}")
        load(conn, before)
    assert dumped(engine) == before
    with transaction(engine) as conn:
        new = "INSERT INTO page (site, path, kind) VALUES ('paper', '/new/', 'home') RETURNING id"
        assert scalar(conn, new) > last["page"]


def test_a_load_that_is_cut_short_changes_nothing(newsroom: Newsroom, engine: Engine) -> None:
    """The tables of before are there, to the last row."""
    newsroom.article(1, newsroom.photo())
    before = dumped(engine)

    def cut_short() -> None:
        with transaction(engine) as conn:
            dumping.clear(conn)
            dumping.load(conn, "article", ["id", "nosuch"], [])

    with pytest.raises(dumping.Unlike, match="article has no column nosuch"):
        cut_short()
    assert dumped(engine) == before


def test_an_installation_says_what_it_holds(newsroom: Newsroom, engine: Engine) -> None:
    """Sites, articles, photos and pages are content; a database without them is empty."""
    newsroom.article(1, newsroom.photo())
    with transaction(engine) as conn:
        assert {"site", "article", "asset"} <= dumping.content(conn).keys()
        dumping.clear(conn)
        assert dumping.content(conn) == {}
        run(conn, "ROLLBACK")
        run(conn, "BEGIN")


def test_nobody_writes_while_a_backup_is_loaded(newsroom: Newsroom, engine: Engine) -> None:
    """A step that is claimed or added waits for the restore; counts, which no backup holds, go on."""
    newsroom.listing("/x/")
    with transaction(engine) as conn, transaction(engine) as other:
        dumping.close(conn)
        run(other, "INSERT INTO metric (series, labels, value) VALUES ('x', '{}', 1)")
        run(other, "SET LOCAL lock_timeout = '50ms'")
        run(other, "SAVEPOINT before")
        with pytest.raises(LockNotAvailable):
            run(other, "UPDATE step SET state = state")
        run(other, "ROLLBACK TO before")
    assert "metric" not in dumped(engine)


def test_a_page_stands_where_its_own_key_is_listed(newsroom: Newsroom, engine: Engine) -> None:
    """Another object with the same path, as a folder's mark is, is not the page's."""
    both = newsroom.listing("/both/")
    newsroom.listing("/mark/")
    keys = ("both/", "both/index.html", "mark/")
    entries = [Entry(SITE.prefix + key, 1, datetime(2026, 1, 1, tzinfo=UTC)) for key in keys]
    with transaction(engine) as conn:
        drift.begin_listing(conn)
        drift.add_to_listing(conn, SITE, entries)
        drift.end_listing(conn)
        found = [page for batch in recovering.standing(conn, SITE) for page in batch]
    assert found == [recovering.Standing(both.id, "/both/", f"{SITE.prefix}both/index.html")]


def test_counters_go_past_what_the_store_holds(newsroom: Newsroom, engine: Engine, inside: Inside) -> None:
    """A page that is behind takes the store's version, and all get the store's ETag; none goes back."""
    behind, ahead = newsroom.listing("/behind/"), newsroom.listing("/ahead/")
    inside.run("UPDATE page SET wanted = 7")
    with transaction(engine) as conn:
        found = [
            recovering.Stored(behind.id, 9, "nine", "200"),
            recovering.Stored(ahead.id, 5, "five", "200"),
        ]
        assert recovering.raise_past(conn, found) == 1
        list(recovering.want_all(conn, "paper"))
        stands = {
            item["path"]: (item["wanted"], item["etag"])
            for item in rows(
                conn, "SELECT path, wanted, etag FROM page WHERE path IN ('/behind/', '/ahead/')"
            )
        }
    assert stands == {"/behind/": (10, "nine"), "/ahead/": (8, "five")}
