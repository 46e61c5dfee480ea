"""A newsroom in a database alone: photos with files in the manifest, live articles, pages that name files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nashr.domain.article import Content, content
from nashr.domain.site import parse_site
from nashr.pages import PageKind, PageSpec
from nashr.store import articles, assets, cards, objects, pagerows, photopages, sites
from nashr.store.articles import Article
from nashr.store.assets import Asset
from nashr.store.database import row, run, scalar, statement, transaction
from nashr.store.pagerows import PageRow
from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Engine

from tests.conftest import until

SITE = parse_site(
    {
        "id": "paper", "name": "Paper", "locale": "en", "base_url": "http://paper.test/",
        "sections": [{"slug": "news", "label": "News", "all": True}],
    }
)  # fmt: skip


@dataclass(frozen=True)
class Newsroom:
    """Makes what editors and workers would have made."""

    engine: Engine

    def photo(self, number: int = 1, *, files: Sequence[str] = ("a", "b"), **rights: Any) -> Asset:
        """A photo with renditions in the manifest; its images step is done."""
        meta = {"caption": "A harbour", "rights": rights or None}
        with transaction(self.engine) as conn:
            made, _ = assets.create(
                conn, site="paper", sha256=f"{number:064d}", content_type="image/jpeg", width=1600,
                height=900, size=1000, meta=meta, actor="test",
            )  # fmt: skip
            run(conn, "UPDATE step SET state = 'done' WHERE kind = 'images' AND key = :key", key=made.id)
            self.store(conn, made, [f"{made.id}-{name}" for name in files])
        return self.asset(made.id)

    def store(self, conn: Connection, asset: Asset, names: Sequence[str]) -> None:
        """What the end of an images step records."""
        shown = [{"path": f"/media/{name}.jpg", "width": 640, "height": 360, "bytes": 9} for name in names]
        run(
            conn,
            """UPDATE asset SET state = 'ready', made = 'recipe', placeholder = 'data:',
                renditions = :shown WHERE id = :id""",
            id=asset.id, shown=Jsonb([{**item, "content_type": "image/jpeg"} for item in shown]),
        )  # fmt: skip
        objects.record(conn, "paper", [put(f"media/{name}.jpg") for name in names], source=asset.id)

    def asset(self, asset: str) -> Asset:
        with transaction(self.engine) as conn:
            found = assets.find(conn, asset)
        assert found is not None
        return found

    def article(self, number: int, hero: Asset) -> tuple[Article, PageRow]:
        """A live article with a hero and a card that shows it; its page uses no file yet."""
        doc = {
            "headline": f"Harvest number {number}", "section": "news", "language": "en", "kind": "news",
            "hero": {"asset": hero.id, "alt": "x"},
            "body": [{"type": "paragraph", "html": f"Wheat and barley, report {number}"}],
        }  # fmt: skip
        with transaction(self.engine) as conn:
            made = articles.create(conn, SITE, doc, actor="test")
            path = f"/news/{number}/"
            page = self.page_in(conn, path, PageKind.article, made.id)
            run(
                conn,
                """UPDATE article SET live_revision = 1, status = 'live', page = :page, path = :path,
                    published_at = clock_timestamp() WHERE id = :id""",
                id=made.id, page=page.id, path=path,
            )  # fmt: skip
            photopages.record(conn, made, content(doc, SITE))
        return made, page

    def content(self, conn: Connection, number: int) -> Content:
        """What the article of that number says."""
        found = row(conn, "SELECT id FROM article WHERE path = :path", path=f"/news/{number}/")
        assert found is not None
        return articles.read_content(conn, SITE, found["id"], 1)

    def page_in(self, conn: Connection, path: str, kind: PageKind, subject: str = "") -> PageRow:
        return pagerows.lock(conn, "paper", [PageSpec(path, kind, subject)])[path]

    def listing(self, path: str = "/news/") -> PageRow:
        with transaction(self.engine) as conn:
            return self.page_in(conn, path, PageKind.section, "news")

    def use(self, page: PageRow, *keys: str, version: int = 1) -> None:
        """A page that is about to be stored names these files."""
        with transaction(self.engine) as conn:
            objects.use(conn, page.id, keys, site="paper", version=version)

    def drop(self, page: PageRow, *kept: str) -> None:
        """A page is live that names these files and no others."""
        with transaction(self.engine) as conn:
            objects.used_only(conn, page.id, kept)

    def card(self, article: Article, hero: Asset) -> str:
        """A drawn card of an article with that photo; returns its key in the store."""
        key = f"cards/{article.id}.jpg"
        with transaction(self.engine) as conn:
            doc = articles.read_content(conn, SITE, article.id, 1)
            ordered = cards.order(conn, SITE, article.id, doc, photos={hero.id: hero})
            step = cards.want(conn, ordered, priority=1)
            result = {"cards": [{"path": f"/{key}"}]}
            run(
                conn, "UPDATE step SET state = 'done', result = :result WHERE id = :id",
                id=step, result=Jsonb(result),
            )  # fmt: skip
            found = row(conn, "SELECT key FROM step WHERE id = :id", id=step)
            assert found is not None
            objects.record(conn, "paper", [put(key)], source=found["key"])
        return f"paper/{key}"


def put(path: str) -> objects.Put:
    return objects.Put(f"paper/{path}", "0" * 64, "image/jpeg", 9)


def keys_of(asset: Asset) -> list[str]:
    """The keys of a photo's renditions."""
    return [SITE.key(item["path"]) for item in asset.renditions]


def begin(engine: Engine) -> Newsroom:
    """A newsroom without photos and articles."""
    with transaction(engine) as conn:
        run(conn, "TRUNCATE article, asset, object CASCADE")
        sites.apply(conn, SITE, actor="test")
    return Newsroom(engine)


def until_blocked(engine: Engine) -> None:
    """Returns once another transaction of this database waits for a lock."""

    def waiting() -> bool:
        with statement(engine) as conn:
            return bool(
                scalar(
                    conn,
                    """SELECT count(*) FROM pg_stat_activity
                    WHERE wait_event_type = 'Lock' AND datname = current_database()""",
                )
            )

    until(waiting, what="a transaction that waits for a lock", seconds=60)
