"""What a takedown removes: files no other article uses; with ``erase`` also the text and the originals."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from nashr.domain.site import stored_site
from nashr.store import archiving, assets, links, objects
from nashr.store.database import row, rows, run

_ASSETS = """SELECT DISTINCT use->>'asset' AS asset FROM revision r
    CROSS JOIN LATERAL jsonb_path_query(r.doc, 'strict $.**{0 to 3} ? (exists (@.asset))') AS use
    WHERE r.article = :article"""


def _sole_assets(conn: Connection, site: str, article: str) -> Sequence[str]:
    """Assets that this article names, and no other article of the site and no author does."""
    own = [item["asset"] for item in rows(conn, _ASSETS, article=article)]
    return [asset for asset in own if not _named_elsewhere(conn, site, article, asset)]


def _named_elsewhere(conn: Connection, site: str, article: str, asset: str) -> bool:
    found = row(
        conn,
        """SELECT 1 AS one FROM revision r JOIN article a ON a.id = r.article
        WHERE r.site = :site AND r.article <> :article
            AND r.number IN (a.latest_revision, a.live_revision)
            AND jsonb_path_exists(r.doc, 'strict $.**{0 to 3} ? (@.asset == $asset)', :vars)
        UNION ALL SELECT 1 FROM author WHERE photo = :asset LIMIT 1""",
        site=site, article=article, asset=asset, vars=Jsonb({"asset": asset}),
    )  # fmt: skip
    return found is not None


def mark_files(conn: Connection, site: str, article: str) -> Sequence[str]:
    """Marks the article's renditions and cards for deletion; those that a page uses stay."""
    config = row(conn, "SELECT config FROM site WHERE id = :site", site=site)
    assert config is not None
    home = stored_site(config["config"])
    renditions = rows(
        conn,
        """SELECT item->>'path' AS path FROM asset, jsonb_array_elements(renditions) AS item
        WHERE id = ANY(:assets)""",
        assets=list(_sole_assets(conn, site, article)),
    )
    cards = rows(
        conn,
        """SELECT item->>'path' AS path FROM step, jsonb_array_elements(result->'cards') AS item
        WHERE kind = 'cards' AND key LIKE :like AND state = 'done'""",
        like=f"{article}:%",
    )
    run(
        conn,
        """DELETE FROM asset_use WHERE page IN (
            SELECT id FROM page WHERE site = :site AND kind = 'article' AND subject = :article)""",
        site=site, article=article,
    )  # fmt: skip
    return objects.mark_deleting(conn, [home.key(item["path"]) for item in [*renditions, *cards]])


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


def sole_originals(conn: Connection, site: str, article: str) -> Sequence[str]:
    """The private keys of the originals that nothing else uses."""
    found = rows(
        conn, "SELECT original_key FROM asset WHERE id = ANY(:assets)",
        assets=list(_sole_assets(conn, site, article)),
    )  # fmt: skip
    return [item["original_key"] for item in found]


def void_work(conn: Connection, site: str, article: str) -> None:
    """The files are gone, so the steps that made them count as not done: publishing again redoes them."""
    sole = list(_sole_assets(conn, site, article))
    run(
        conn,
        """UPDATE step SET state = 'void' WHERE state = 'done' AND (
            (kind = 'images' AND key = ANY(:assets)) OR (kind = 'cards' AND key LIKE :like))""",
        assets=sole, like=f"{article}:%",
    )  # fmt: skip
    archiving.archive(conn, sole)


def erase(conn: Connection, site: str, article: str) -> None:
    """Destroys the text of every revision; that there were such revisions, and who made them, stays.

    Its cards say the headline too, in what they were drawn from and in their alt text. The photos whose
    originals are gone say so; uploading one again brings it back.
    """
    assets.erased(conn, _sole_assets(conn, site, article))
    run(
        conn,
        """UPDATE revision SET note = NULL, doc = doc || '{"headline": "—", "standfirst": null,
            "kicker": null, "dateline": null, "description": null, "titles": {}, "byline": [],
            "keywords": [], "subjects": [], "hero": null, "social_image": null, "body": [],
            "source": null, "translation": null, "extensions": {}, "note": null}'
        WHERE article = :article""",
        article=article,
    )  # fmt: skip
    run(conn, "UPDATE article SET headline = '—' WHERE id = :article", article=article)
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
