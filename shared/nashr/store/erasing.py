"""What a takedown removes: files no other article uses; with ``erase`` also the text and the originals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from nashr.domain.site import stored_site
from nashr.store import archiving, assets, links
from nashr.store.database import row, rows, run


@dataclass(frozen=True)
class Taken:
    """What a takedown takes: an article's revisions up to ``through``. A later one is another story."""

    site: str
    article: str
    through: int


_ASSETS = """SELECT DISTINCT use->>'asset' AS asset FROM revision r
    CROSS JOIN LATERAL jsonb_path_query(r.doc, 'strict $.**{0 to 3} ? (exists (@.asset))') AS use
    WHERE r.article = :article AND r.number <= :through"""


def _sole_assets(conn: Connection, taken: Taken) -> Sequence[str]:
    """Assets that these revisions name, and no other article of the site, no later revision, no author."""
    own = [item["asset"] for item in rows(conn, _ASSETS, article=taken.article, through=taken.through)]
    return [asset for asset in own if not _named_elsewhere(conn, taken, asset)]


def _named_elsewhere(conn: Connection, taken: Taken, asset: str) -> bool:
    found = row(
        conn,
        """SELECT 1 AS one FROM revision r JOIN article a ON a.id = r.article
        WHERE r.site = :site AND (r.article <> :article OR r.number > :through)
            AND r.number IN (a.latest_revision, a.live_revision)
            AND jsonb_path_exists(r.doc, 'strict $.**{0 to 3} ? (@.asset == $asset)', :vars)
        UNION ALL SELECT 1 FROM author WHERE photo = :asset LIMIT 1""",
        site=taken.site, article=taken.article, through=taken.through, asset=asset,
        vars=Jsonb({"asset": asset}),
    )  # fmt: skip
    return found is not None


def files(conn: Connection, taken: Taken) -> Sequence[str]:
    """The keys of the article's renditions and cards; another page may use one of them still."""
    config = row(conn, "SELECT config FROM site WHERE id = :site", site=taken.site)
    assert config is not None
    home = stored_site(config["config"])
    renditions = rows(
        conn,
        """SELECT item->>'path' AS path FROM asset, jsonb_array_elements(renditions) AS item
        WHERE id = ANY(:assets)""",
        assets=list(_sole_assets(conn, taken)),
    )
    cards = rows(
        conn,
        """SELECT item->>'path' AS path FROM step, jsonb_array_elements(result->'cards') AS item
        WHERE kind = 'cards' AND key LIKE :like AND state = 'done'""",
        like=f"{taken.article}:%",
    )
    return [home.key(item["path"]) for item in [*renditions, *cards]]


def let_go(conn: Connection, taken: Taken) -> None:
    """The article's own pages use no files any more, unless a later revision is live by now."""
    run(
        conn,
        """DELETE FROM asset_use WHERE page IN (
            SELECT page.id FROM page JOIN article ON article.id = page.subject
            WHERE page.site = :site AND page.kind = 'article' AND page.subject = :article
                AND article.live_revision IS NULL)""",
        site=taken.site, article=taken.article,
    )  # fmt: skip


def stop_cards(conn: Connection, article: str) -> None:
    """Cards of the article that nobody has begun are not drawn; one being drawn ends, and is deleted then."""
    run(
        conn,
        """UPDATE step SET state = 'void'
        WHERE kind = 'cards' AND key LIKE :like AND state IN ('ready', 'dead')""",
        like=f"{article}:%",
    )


def is_being_drawn(conn: Connection, article: str) -> bool:
    """Whether a card of the article is being drawn at this moment."""
    found = row(
        conn,
        """SELECT 1 AS one FROM step WHERE kind = 'cards' AND key LIKE :like
            AND state IN ('ready', 'leased') LIMIT 1""",
        like=f"{article}:%",
    )
    return found is not None


def sole_originals(conn: Connection, taken: Taken) -> Sequence[str]:
    """The private keys of the originals that nothing else uses."""
    found = rows(
        conn, "SELECT original_key FROM asset WHERE id = ANY(:assets)",
        assets=list(_sole_assets(conn, taken)),
    )  # fmt: skip
    return [item["original_key"] for item in found]


def void_work(conn: Connection, taken: Taken) -> None:
    """The files are gone, so the steps that made them count as not done: publishing again redoes them."""
    sole = list(_sole_assets(conn, taken))
    run(
        conn,
        """UPDATE step SET state = 'void' WHERE state = 'done' AND (
            (kind = 'images' AND key = ANY(:assets)) OR (kind = 'cards' AND key LIKE :like))""",
        assets=sole, like=f"{taken.article}:%",
    )  # fmt: skip
    archiving.archive(conn, sole)


def erase(conn: Connection, taken: Taken) -> None:
    """Destroys the text of these revisions; that there were such revisions, and who made them, stays.

    Its cards say the headline too, in what they were drawn from and in their alt text. The photos whose
    originals are gone say so; uploading one again brings it back.
    """
    article = taken.article
    assets.erased(conn, _sole_assets(conn, taken))
    run(
        conn,
        """UPDATE revision SET note = NULL, doc = doc || '{"headline": "—", "standfirst": null,
            "kicker": null, "dateline": null, "description": null, "titles": {}, "byline": [],
            "keywords": [], "subjects": [], "hero": null, "social_image": null, "body": [],
            "source": null, "translation": null, "extensions": {}, "note": null}'
        WHERE article = :article AND number <= :through""",
        article=article, through=taken.through,
    )  # fmt: skip
    run(
        conn, "UPDATE article SET headline = '—' WHERE id = :article AND latest_revision <= :through",
        article=article, through=taken.through,
    )  # fmt: skip
    run(conn, "DELETE FROM correction WHERE article = :article", article=article)
    number = row(conn, "SELECT number FROM article WHERE id = :article", article=article)
    assert number is not None
    links.forget(conn, number["number"])
    _forget_cards(conn, article)


def _forget_cards(conn: Connection, article: str) -> None:
    """The steps themselves: emptied ones would be drawn as they are, should the same text come back."""
    found = rows(
        conn, "SELECT id FROM step WHERE kind = 'cards' AND key LIKE :like ORDER BY id FOR UPDATE",
        like=f"{article}:%",
    )  # fmt: skip
    steps = [item["id"] for item in found]
    run(conn, "DELETE FROM need WHERE step = ANY(:steps)", steps=steps)
    run(conn, "DELETE FROM publication_step WHERE step = ANY(:steps)", steps=steps)
    run(conn, "DELETE FROM step WHERE id = ANY(:steps)", steps=steps)
