"""What has changed of a site since its hub, or search engines, were told last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from nashr.pages import PageKind
from nashr.store.database import rows

_FEEDS = [str(kind) for kind in (PageKind.rss, PageKind.atom, PageKind.json_feed)]


@dataclass(frozen=True)
class Feed:
    """A feed as the store has it; ``content``: a hash of it, empty before its first delivery."""

    path: str
    content: str
    on_its_way: bool


def feeds(conn: Connection, site: str) -> Sequence[Feed]:
    found = rows(
        conn,
        """SELECT path, CASE WHEN live > 0 THEN COALESCE(body_hash, '') ELSE '' END AS content,
            wanted > live AS on_its_way
        FROM page WHERE site = :site AND kind = ANY(:kinds) ORDER BY path""",
        site=site, kinds=_FEEDS,
    )  # fmt: skip
    return [Feed(**item) for item in found]


@dataclass(frozen=True)
class Addresses:
    """Each once, newest last; ``event``: the last event that was looked at."""

    urls: Sequence[str]
    event: int


def addresses(conn: Connection, site: str, *, after: int | None, step: int, limit: int) -> Addresses:
    """The addresses that events past ``after`` name; None: since the step ``step`` was made.

    Events that nobody is to be told of (``notify: false``) are left out.
    """
    found = rows(
        conn,
        """SELECT e.id, e.data->>'url' AS url FROM event e
        WHERE e.site = :site AND e.type LIKE 'article.%' AND e.data ? 'url'
            AND e.data->>'notify' IS DISTINCT FROM 'false' AND e.id > COALESCE(CAST(:after AS bigint), 0)
            AND (CAST(:after AS bigint) IS NOT NULL OR e.at >= (
                SELECT created_at - interval '1 minute' FROM step WHERE id = :step))
        ORDER BY e.id LIMIT :limit""",
        site=site, after=after, step=step, limit=limit,
    )  # fmt: skip
    newest = found[-1]["id"] if found else after or 0
    return Addresses(list(dict.fromkeys(item["url"] for item in found)), newest)
