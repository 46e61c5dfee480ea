"""Orphans in a bucket of their own: whose they are, when they are old enough, and how they leave safely."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from nashr.adapters.s3 import S3ObjectStore, connect
from nashr.domain.site import parse_site
from nashr.pages import PageKind, PageSpec
from nashr.runtime.repair import Repair, TooMany
from nashr.runtime.verifying import HOUR, Comparison, Options
from nashr.settings import load
from nashr.store import pagerows, queue, repairing, sites, sweeping
from nashr.store.database import row, statement, transaction
from nashr.store.drift import Orphan
from nashr.store.ids import keyed_name
from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Engine

from tests.integration.store.newsroom import SITE, until_blocked

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.integration.store.conftest import Inside

ROOT = parse_site({**SITE.to_json(), "prefix": ""})
OTHER = parse_site({**SITE.to_json(), "id": "magazine", "prefix": "magazine/"})
HTML = "text/html; charset=utf-8"


@pytest.fixture
def store(stack: Stack) -> S3ObjectStore:
    """A new bucket of the stack's own store."""
    written = json.loads((stack.data / "stack.json").read_text())
    names = ("s3_endpoint", "s3_access_key", "s3_secret_key")
    client = connect(load(**{name: written[name] for name in names}))
    bucket = f"test-{uuid.uuid4().hex[:12]}"
    client.create_bucket(Bucket=bucket)
    return S3ObjectStore(client, bucket)


@pytest.fixture
def conn(engine: Engine) -> Iterator[Connection]:
    """One connection, with two sites in the database: one at the root of the bucket, one in a folder."""
    with transaction(engine) as made:
        for site in (ROOT, OTHER):
            sites.apply(made, site, actor="test")
    with statement(engine) as made:
        yield made


def page(store: S3ObjectStore, key: str, *, site: str = "paper") -> None:
    meta = {"version": "3", "surrogate-key": f"site-{site} kind-article"}
    store.put(key, b"<p>", content_type=HTML, metadata=meta)


def compared(conn: Connection, store: S3ObjectStore, *, grace: float = 0.0) -> tuple[Comparison, list[str]]:
    """The site at the root compared, without pages; and where its orphans are."""
    found = Comparison(conn, sites.get(conn, "paper"), store, None, ["magazine/"], Options(grace=grace))
    found.listing()
    return found, [one.where for one in found.orphans()]


def test_a_site_at_the_root_leaves_the_others_alone(conn: Connection, store: S3ObjectStore) -> None:
    """Of an empty prefix, folders of other sites and the edge's own key are no part."""
    page(store, "news/nobody/index.html")
    page(store, "magazine/news/nobody/index.html", site="magazine")
    page(store, "magazine/news/copied/index.html")
    page(store, "_nashr/sites.json")
    page(store, "news/theirs/index.html", site="magazine")
    found, orphans = compared(conn, store)
    assert orphans == ["/news/nobody/"]
    assert (found.counts.objects, found.counts.foreign) == (2, 1)


def test_what_is_young_is_left_alone(conn: Connection, store: S3ObjectStore) -> None:
    """A file may be a running step's until an hour has passed."""
    page(store, "news/nobody/index.html")
    assert compared(conn, store, grace=HOUR)[1] == []


def test_known_objects_are_no_orphans(conn: Connection, store: S3ObjectStore, engine: Engine) -> None:
    """An object at the path of a page is that page's, whatever it says."""
    page(store, "index.html")
    page(store, "news/index.html")
    page(store, "robots.txt")
    assert compared(conn, store)[1] == []


@pytest.mark.parametrize(("result", "kinds"), [({"waiting": False}, []), ({"version": 1}, ["page_stuck"])])
def test_only_a_page_that_could_go_out_is_stuck(
    conn: Connection, store: S3ObjectStore, inside: Inside, result: dict[str, object], kinds: list[str]
) -> None:
    """A page whose delivery found nothing to show waits for an editor; else somebody should deliver it."""
    inside.run(
        "UPDATE step SET state = 'done', result = :result WHERE kind = 'deliver' AND input->>'path' = '/'",
        result=Jsonb(result),
    )
    found = Comparison(conn, sites.get(conn, "paper"), store, None)
    assert [one.kind for one in found.pages()] == kinds


def test_a_page_cannot_begin_while_its_orphan_is_deleted(engine: Engine, conn: Connection) -> None:
    """Whoever wants a page at that path waits for the deletion, and then has the path as if it were new."""

    def begin() -> pagerows.PageRow:
        with transaction(engine) as own:
            spec = PageSpec("/news/nobody/", PageKind.article, "a")
            return pagerows.lock(own, "paper", [spec])["/news/nobody/"]

    def delete(pool: ThreadPoolExecutor) -> None:
        with transaction(engine) as own:
            assert repairing.hold_path(own, "paper", "/news/nobody/")
            waiting.append(pool.submit(begin))
            until_blocked(engine)
            raise InterruptedError

    waiting: list[Future[pagerows.PageRow]] = []
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(InterruptedError):
            delete(pool)
        assert waiting[0].result(10).kind == "article"
    with transaction(engine) as own:
        assert not repairing.hold_path(own, "paper", "/news/nobody/")


def test_orphaned_pages_wait_for_the_grace_period(
    engine: Engine, conn: Connection, store: S3ObjectStore
) -> None:
    """A page goes once it is old enough, and leaves no row; until then files are left alone as well."""
    secret, body = sites.get(conn, "paper").secret, b"a photo"
    file = f"media/{keyed_name(secret, body)}.jpg"
    page(store, "news/nobody/index.html")
    store.put(file, body, content_type="image/jpeg")
    found, orphans = compared(conn, store)
    assert sorted(orphans) == ["/news/nobody/", file]
    repair = Repair(engine, found.site, store, None)
    repair.orphans(conn, objects=100, grace=HOUR)
    assert (repair.done.waiting, repair.done.removed, repair.done.adopted) == (2, 0, 0)
    assert store.head("news/nobody/index.html") is not None
    repair.orphans(conn, objects=100, grace=0.0)
    assert (repair.done.removed, repair.done.adopted) == (1, 0)
    assert store.head("news/nobody/index.html") is None
    assert row(conn, "SELECT 1 AS one FROM page WHERE path = '/news/nobody/'") is None
    assert store.head(file) is not None


def test_too_many_orphans_are_none(engine: Engine, conn: Connection, store: S3ObjectStore) -> None:
    """Beyond the limit nothing at all is removed."""
    for number in range(3):
        page(store, f"news/{number}/index.html")
    found, _ = compared(conn, store)
    repair = Repair(engine, found.site, store, None)
    with pytest.raises(TooMany, match="3 of 10 objects"):
        repair.orphans(conn, objects=10, grace=0.0, most=20.0)
    assert len(list(store.keys())) == 3


def test_an_adopted_file_is_not_forgotten_while_a_step_of_its_site_runs(
    engine: Engine, conn: Connection, inside: Inside
) -> None:
    """That step may have met the old file in the store: it sees the row when it ends, and stores it again."""
    key, now = "media/x.jpg", inside.scalar("SELECT clock_timestamp()")
    orphan = Orphan(key, "/media/x.jpg", sha256(b"x").hexdigest(), "image/jpeg", 1, now)
    with transaction(engine) as own:
        assert repairing.adopt(own, "paper", [orphan]) == 1
        assert repairing.adopt(own, "paper", [orphan]) == 0
        step, _ = queue.add(own, "cards", "k", site="paper", data={})
    claimed = queue.claim(engine, step, owner="test", lease=10)
    assert claimed is not None
    with transaction(engine) as own:
        assert sweeping.mark(own, ROOT, sweeping.ADOPTED, [key]) == [key]
    with transaction(engine) as own:
        assert sweeping.forget(own, [key]) == 1
        queue.finish(own, claimed)
    with transaction(engine) as own:
        assert sweeping.forget(own, [key]) == 0
