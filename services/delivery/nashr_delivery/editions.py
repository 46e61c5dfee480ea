"""The other editions of an article: what ``hreflang`` names, on its page and in sitemaps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nashr.domain.locales import edition_tag
from nashr.store import sites
from nashr.store.database import rows
from sqlalchemy import Connection


@dataclass(frozen=True)
class Editions:
    """``others``: (language tag, URL) of each other live edition, the original first.

    ``original``: its URL, None where this article is the original, or where that is not live.
    """

    others: tuple[tuple[str, str], ...] = ()
    original: str | None = None


NONE = Editions()


def of(conn: Connection, articles: Sequence[str]) -> Mapping[str, Editions]:
    """The editions of each article that has others; most have none and are not in the answer."""
    found = rows(
        conn,
        """SELECT own.id AS own, other.original, a.path, a.site, r.doc->>'language' AS language
        FROM article own CROSS JOIN LATERAL (
            SELECT own.translation_of AS id, true AS original
            UNION ALL SELECT id, false FROM article
            WHERE translation_of = COALESCE(own.translation_of, own.id) AND id <> own.id) AS other
        JOIN article a ON a.id = other.id AND a.path IS NOT NULL
        JOIN revision r ON r.article = a.id AND r.number = a.live_revision
        WHERE own.id = ANY(:articles) ORDER BY own.id, NOT other.original, a.site, a.number""",
        articles=list(articles),
    )
    homes = {name: sites.get(conn, name).site for name in sorted({item["site"] for item in found})}
    editions: dict[str, Editions] = {}
    for item in found:
        home, before = homes[item["site"]], editions.get(item["own"], NONE)
        url = home.url(item["path"])
        one = edition_tag(item["language"] or home.locale, home.locale), url
        original = url if item["original"] else before.original
        editions[item["own"]] = Editions((*before.others, one), original)
    return editions
