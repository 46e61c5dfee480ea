"""The system at rest: waits for it, and writes down all that it holds, rendered a second time."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import httpx
import psycopg
from nashr.adapters.cdn.embedded import EmbeddedCdn
from nashr.adapters.s3 import S3ObjectStore, connect
from nashr.domain.pageheaders import VERSION
from nashr.domain.site import Site
from nashr.settings import Secret, Settings
from nashr.store import database
from nashr_delivery import load, looks
from sqlalchemy import Engine

from tests.conftest import until
from tests.faults.chaos.ground import Ground
from tests.faults.chaos.httpside import words_in
from tests.faults.history.records import Dump, PageRow, Thing
from tests.faults.newsroom import LATE

PATIENCE: Final = 90.0
_FILES: Final = ("media/", "cards/", "assets/", "_nashr/")
_HREF: Final = re.compile('href="([^"]+)"')
_EFFECTS: Final = (
    "CREATE TABLE IF NOT EXISTS chaos_finish (step bigint, fence bigint)",
    """CREATE OR REPLACE FUNCTION chaos_finish() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    'BEGIN INSERT INTO chaos_finish VALUES (OLD.id, OLD.fence); RETURN NULL; END'""",
    """CREATE OR REPLACE TRIGGER chaos_finish AFTER UPDATE ON step FOR EACH ROW
    WHEN (OLD.state = 'leased' AND NEW.state <> 'leased' AND NEW.finished_at IS DISTINCT FROM OLD.finished_at)
    EXECUTE FUNCTION chaos_finish()""",
)
_OPEN: Final = """SELECT u.id, u.article, u.state, s.kind, s.state AS step, s.attempts, s.error,
        EXTRACT(EPOCH FROM s.available_at - clock_timestamp())::float8 AS due_in
    FROM publication u JOIN article a ON a.id = u.article
    LEFT JOIN step s ON s.kind IN ('deliver', 'purge') AND s.key = a.page::text AND s.state <> 'done'
    WHERE u.kind = 'publish' AND u.state NOT IN ('live', 'superseded', 'failed', 'cancelled')"""
_PAGES: Final = """SELECT id, kind, path, wanted, live, stored FROM page
    WHERE live > 0 AND kind <> 'routes' ORDER BY id"""


def note_effects(ground: Ground) -> datetime:
    """From now on the database itself notes each end of a claim, in the transaction of its effect."""
    with psycopg.connect(ground.real["database_url"], autocommit=True) as conn:
        for sql in _EFFECTS:
            conn.execute(sql)
    started: datetime = ground.lab.rows("SELECT clock_timestamp() AS now")[0]["now"]
    return started


def wait_recovered(ground: Ground, *, since: float) -> float | None:
    """Seconds from ``since`` until everything accepted is live and nothing late; None: too long.

    What it waits for is in recovery.jsonl beside the logs: late steps and open publications, each 0.2 s.
    """
    lab = ground.lab
    with (ground.log.folder / "recovery.jsonl").open("w", encoding="utf-8") as told:
        while (passed := time.monotonic() - since) < PATIENCE:
            try:
                late, still = lab.rows(LATE), lab.rows(_OPEN)
            except psycopg.Error as error:  # it is just starting
                late, still = [{"error": str(error)}], []
            if not late and not still:
                return passed
            print(json.dumps({"seconds": round(passed, 1), "late": late, "open": still}), file=told)
            time.sleep(0.2)
    return None


def wait_quiet(ground: Ground) -> None:
    """Nothing is left to do within the hour; what was delayed on its way has arrived long ago."""
    query = """SELECT count(*) FROM step WHERE state IN ('ready', 'leased')
        AND kind NOT IN ('sweep', 'expire')
        AND available_at < now() + interval '1 hour'"""
    until(lambda: ground.lab.count(query) == 0, what="the stack to come to rest", seconds=PATIENCE)


def dump(
    ground: Ground, started: datetime, *, before: frozenset[str], healed_at: float, recovered: float | None
) -> Dump:
    """Everything the judge compares, of what was asked since ``started``; read past every proxy."""
    lab = ground.lab
    with _opened(ground) as (engine, store, originals):
        objects = dict(_objects(ground, store, ground.prefix))
        pages = tuple(_pages(ground, engine, originals))
    return Dump(
        revisions=tuple(
            (r["article"], r["number"], r["headline"])
            for r in lab.rows("SELECT article, number, doc->>'headline' AS headline FROM revision")
        ),
        publications={
            r["id"]: (r["article"], r["state"])
            for r in lab.rows("SELECT id, article, state FROM publication WHERE requested_at > %s", started)
        },
        articles={
            r["id"]: ground.store_key(r["path"])
            for r in lab.rows("SELECT id, path FROM article")
            if r["path"]
        },
        corrections=tuple(r["text"] for r in lab.rows("SELECT text FROM correction")),
        pages=pages,
        objects=objects,
        finishes=tuple(
            (r["step"], r["fence"], r["n"])
            for r in lab.rows("SELECT step, fence, count(*) AS n FROM chaos_finish GROUP BY 1, 2")
        ),
        unfinished=tuple(r["id"] for r in lab.rows(_UNFINISHED)),
        lives={r["publication"]: r["n"] for r in lab.rows(_LIVES)},
        dead=tuple(f"{r['kind']} {r['key']}: {r['error']}" for r in lab.rows(_DEAD, started)),
        before=before,
        healed_at=healed_at,
        recovered=recovered,
    )


_DEAD: Final = "SELECT kind, key, error FROM step WHERE state = 'dead' AND finished_at > %s"
_LIVES: Final = """SELECT publication, count(*) AS n FROM event
    WHERE type IN ('article.live', 'article.updated') AND publication IS NOT NULL GROUP BY 1"""
_UNFINISHED: Final = """SELECT id FROM step WHERE state = 'done' AND kind <> 'release' AND fence > 0
    AND id IN (SELECT step FROM chaos_finish)
    AND NOT EXISTS (SELECT 1 FROM chaos_finish c WHERE c.step = step.id AND c.fence = step.fence)"""


@contextmanager
def _opened(ground: Ground) -> Iterator[tuple[Engine, S3ObjectStore, S3ObjectStore]]:
    real = ground.real
    settings = Settings(
        s3_endpoint=real["s3_endpoint"], s3_access_key=Secret(real["s3_access_key"]),
        s3_secret_key=Secret(real["s3_secret_key"]), data=Path(ground.lab.data),
    )  # fmt: skip
    client, engine = connect(settings), database.connect(real["database_url"], pool=2)
    try:
        yield (
            engine,
            S3ObjectStore(client, real["s3_bucket"]),
            S3ObjectStore(client, real["s3_private_bucket"]),
        )
    finally:
        engine.dispose()
        client.close()


def keys_of(ground: Ground) -> frozenset[str]:
    """The keys that are in the site's bucket now."""
    with _opened(ground) as (_, store, _originals):
        return frozenset(store.keys(ground.prefix))


def pages_at(ground: Ground, prefix: str) -> dict[str, Thing]:
    """The pages below a prefix of the site's bucket."""
    with _opened(ground) as (_, store, _originals):
        return dict(_objects(ground, store, prefix))


def _objects(ground: Ground, store: S3ObjectStore, prefix: str) -> Iterator[tuple[str, Thing]]:
    """Every page in the bucket; files are named by their bytes."""
    for key in list(store.keys(prefix)):
        if key.removeprefix(prefix).startswith(_FILES):
            continue
        found, body = store.head(key), store.get(key) or b""
        meta: Mapping[str, str] = found.metadata if found else {}
        version = meta.get(VERSION, "0")
        yield (
            key,
            Thing(
                version=int(version) if version.isdecimal() else 0,
                sha256=sha256(body).hexdigest(),
                status=int(meta.get("status", "200")),
                words=words_in(body),
                links=tuple(sorted(set(_links(ground, body)))),
            ),
        )


def _links(ground: Ground, body: bytes) -> Iterator[str]:
    """The keys of the site's pages that a page leads to."""
    for found in _HREF.findall(body.decode(errors="replace")):
        path = unquote(re.split("[?#]", html.unescape(found))[0].removeprefix(ground.lab.site))
        if path.startswith("/") and not path.startswith("//") and not path[1:].startswith(_FILES):
            yield ground.store_key(path)


def _pages(ground: Ground, engine: Engine, originals: S3ObjectStore) -> Iterator[PageRow]:
    look = looks.Looks(originals)
    with httpx.Client(base_url=ground.lab.site, timeout=20, trust_env=False) as reader:
        for row in ground.lab.rows(_PAGES):
            site, body = _rendered(engine, look, row)
            served = reader.get(site.href(row["path"]))
            if row["kind"] == "sitemap_index" and _undated(served.content) == _undated(body):
                body = served.content  # the hours in it follow those of the files with the next story
            if served.content != body:  # what the judge only has the hashes of
                name = ground.log.folder / f"differs-{row['id']}"
                name.with_suffix(".rendered").write_bytes(body)
                name.with_suffix(".served").write_bytes(served.content)
            yield PageRow(
                key=site.key(row["path"]), wanted=row["wanted"], live=row["live"], stored=row["stored"],
                rendered=sha256(body).hexdigest(), served=sha256(served.content).hexdigest(),
                served_status=served.status_code,
            )  # fmt: skip


def _undated(index: bytes) -> bytes:
    """A sitemap index without the hours of its files."""
    return re.sub(rb"<lastmod>[^<]*</lastmod>", b"", index)


def _rendered(engine: Engine, look: looks.Looks, row: Mapping[str, Any]) -> tuple[Site, bytes]:
    """What the page's state in the database renders to, by delivery's own pure core."""
    with database.snapshot(engine) as conn:
        loaded = load.page(conn, row["id"])
    assert loaded is not None
    site = loaded.site.site
    if loaded.view is None:
        return site, b""
    limits = EmbeddedCdn.limits
    page = looks.rendered(
        loaded.view, site, look.assets(site, loaded.site.secret), version=row["stored"],
        cache=limits.page_cache, tag_metadata=limits.tag_metadata, foot=loaded.foot,
    )  # fmt: skip
    return site, page.body
