"""What a page of the site was made from, and why it was wanted: for people, out of one snapshot.

Reads the table of pages.py in its other direction: what its loader reads, said in words. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from nashr.domain import seealso
from nashr.domain.site import Site
from nashr.pages import LISTINGS, MADE_FROM, PageKind
from nashr.store import articles, assets, links, listed
from nashr.store.articles import Article
from nashr.store.database import row, rows
from nashr.store.pagerows import PageRow
from nashr.store.sites import SiteRow

Told = dict[str, Any]


def page(conn: Connection, site: SiteRow, found: PageRow) -> Told:
    """Everything about one page: what it is, what it was made from, its versions, its reasons, its work."""
    kind = PageKind(found.kind)
    return {
        "is": _is(conn, site.site, found),
        "site": {"id": site.site.id, "version": site.version, "locale": site.site.locale},
        "page": {"id": found.id, "kind": found.kind, "subject": found.subject},
        "key": site.site.key(found.path),
        "versions": {
            name: getattr(found, name) for name in ("wanted", "attempted", "live", "purged", "stored")
        },
        "built_for": _reasons(conn, found),
        "live_at": found.live_at,
        "sha256": found.sha256,
        "made_from": sorted(MADE_FROM[kind]),
        **_content(conn, site.site, found, kind),
        **_files(conn, site.site, found),
        "work": _work(conn, found),
    }  # fmt: skip


def _is(conn: Connection, site: Site, found: PageRow) -> str:
    """What readers get there, in a word: a page whose article was removed is a tombstone."""
    if found.live == 0:
        return "page that was never live"
    if found.kind not in {PageKind.article, PageKind.short, PageKind.redirect}:
        return found.kind if listed.is_there(conn, site, found) else "not_found"
    article = articles.find(conn, found.subject)
    gone = article is None or article.live_revision is None
    return "tombstone" if gone else "article" if found.kind == PageKind.article else "redirect"


def _content(conn: Connection, site: Site, found: PageRow, kind: PageKind) -> Told:
    if kind == PageKind.sitemap_index:
        return {"lists": _sitemaps(conn, site)}
    if kind in LISTINGS:
        shown = listed.articles(conn, site, found) if listed.is_there(conn, site, found) else None
        return {"lists": {"articles": len(shown), "shown": shown}} if shown is not None else {}
    article = articles.find(conn, found.subject) if kind != PageKind.routes else None
    if article is None:
        return {}
    told: Told = {"article": _article(article), "publications": _publications(conn, found, article)}
    if kind != PageKind.article:
        return {
            **told,
            "leads_to": site.url(article.path) if article.live_revision and article.path else None,
        }
    if article.live_revision is None:
        return told
    return {**told, **_story(conn, site, article, article.live_revision)}


def _sitemaps(conn: Connection, site: Site) -> Told:
    found = rows(
        conn,
        """SELECT path FROM page WHERE site = :site AND kind IN ('news_sitemap', 'month_sitemap')
            AND live_at IS NOT NULL ORDER BY path""",
        site=site.id,
    )
    return {"sitemaps": len(found), "shown": [item["path"] for item in found]}


def _article(article: Article) -> Told:
    return {
        "id": article.id,
        "headline": article.headline,
        "status": article.status,
        "live_revision": article.live_revision,
        "latest_revision": article.latest_revision,
        "removal": article.removal,
    }


def _publications(conn: Connection, found: PageRow, article: Article) -> Sequence[Told]:
    """The newest three of the article, those of this page first."""
    newest = rows(
        conn,
        """SELECT id, kind, state, revision, page_version, requested_at, live_at, error,
            receipt IS NOT NULL AS proven
        FROM publication WHERE article = :article
        ORDER BY (page = :page) IS TRUE DESC, number DESC LIMIT 3""",
        article=article.id, page=found.id,
    )  # fmt: skip
    return [dict(item) for item in newest]


def _story(conn: Connection, site: Site, article: Article, revision: int) -> Told:
    """The photos, the links and the cards of a live article."""
    doc = articles.read_content(conn, site, article.id, revision)
    there = assets.many(conn, site.id, doc.assets)
    stored = links.standing(conn, article.number)
    see_also, news = seealso.arranged(
        [item for item in stored if item.slot == "see_also"],
        [item for item in stored if item.slot == "related_news"],
        kinds=[block["type"] for block in doc.body],
    )
    targets = {item.number: item for item in articles.of_numbers(conn, [item.dst for item in stored])}
    named = {
        name: [
            {"article": targets[item.dst].id, "headline": targets[item.dst].headline, "reason": item.reason}
            for item in chosen
            if item.dst in targets
        ]
        for name, chosen in (("see_also", see_also), ("related_news", news))
    }
    photos = [
        {
            "asset": use.asset, "at": pointer, "shown": there[use.asset].shown,
            "state": "withdrawn" if there[use.asset].withdrawn_at else there[use.asset].state,
        }
        for pointer, use in doc.pictures() if use.asset in there
    ]  # fmt: skip
    return {"photos": photos, **named}


def _files(conn: Connection, site: Site, found: PageRow) -> Mapping[str, Sequence[str]]:
    """The files that it names, by what they are: renditions of photos, social cards, the site's look."""
    keys = [item["key"] for item in rows(
        conn, "SELECT key FROM asset_use WHERE page = :page ORDER BY key", page=found.id
    )]  # fmt: skip
    folders = {"renditions": "media/", "cards": "cards/", "look": "assets/"}
    return {name: [key for key in keys if key.startswith(site.prefix + at)] for name, at in folders.items()}


def _reasons(conn: Connection, found: PageRow) -> Sequence[Told]:
    """Why it was wanted lately, newest first; ``live`` says whether that version was reached."""
    kept = row(conn, "SELECT reasons FROM page WHERE id = :page", page=found.id)
    assert kept is not None
    return [
        {
            "version": item["version"], "facts": item["facts"], "cause": item["cause"],
            "by": _cause(conn, item["cause"]), "at": datetime.fromisoformat(item["at"]),
            "live": item["version"] <= found.live,
        }
        for item in kept["reasons"]
    ]  # fmt: skip


def _cause(conn: Connection, cause: str) -> str:
    """A cause in words; nothing where what it names is gone."""
    name, _, number = cause.rpartition(" ")
    by = next((prefix for prefix in _BY if cause.startswith(prefix)), None)
    if by is None:
        return _WORDS.get(cause, "")
    found = row(conn, _BY[by], id=int(number) if name else cause)
    return str(found["said"]) if found else ""


_BY: Final[Mapping[str, str]] = {
    "ar_": "SELECT headline AS said FROM article WHERE id = :id",
    "pb_": "SELECT kind || ' of revision ' || revision AS said FROM publication WHERE id = :id",
    "as_": "SELECT COALESCE(caption, content_type) AS said FROM asset WHERE id = :id",
    "step ": "SELECT kind || ' was late' AS said FROM step WHERE id = :id",
    "page ": "SELECT path || ' is there now' AS said FROM page WHERE id = :id",
}
_WORDS: Final[Mapping[str, str]] = {
    "": "nobody said",
    "time": "its own time had come",
    "site apply": "the site was applied anew",
    "backlinks": "newer stories came or left",
    "sweep": "the hourly sweep",
    "verify": "nashr verify repaired it",
    "rebuild": "nashr rebuild",
    "topic_threshold": "topics came or went with the site's threshold",
}


def _work(conn: Connection, found: PageRow) -> Sequence[Told]:
    """Its own steps, and those that it waits for."""
    open_ = rows(
        conn,
        """SELECT kind, state, attempts, available_at AS due_at, finished_at, error, NULL AS waits_until
        FROM step WHERE kind IN ('deliver', 'purge') AND key = :page
        UNION ALL SELECT s.kind, s.state, s.attempts, s.available_at, s.finished_at, s.error, n.until
        FROM need n JOIN step s ON s.id = n.step WHERE n.page = :id""",
        page=str(found.id), id=found.id,
    )  # fmt: skip
    return [dict(item) for item in open_]
