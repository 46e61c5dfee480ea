"""From an address of a site to what is there: a page, a file, a preview, or what would be there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlalchemy import Connection

from nashr.domain.article import content
from nashr.domain.errors import Refused
from nashr.domain.site import Site
from nashr.store import articles, explaining, pagerows, previews, sites
from nashr.store.database import row, rows, scalar

Told = dict[str, Any]


def explain(conn: Connection, url: str, *, site: str | None = None) -> Told:
    """All that is known of what stands at ``url``: a whole address, or a path of ``site``.

    Raises Refused("not_found") for an address of none of the sites.
    """
    home, path = _located(sites.every(conn), url, site)
    found = pagerows.at_path(conn, home.id, path)
    folder = None if path.endswith("/") else pagerows.at_path(conn, home.id, f"{path}/")
    told: Told = {"url": home.url(path), "path": path}
    stored = sites.get(conn, home.id)
    if found is not None:
        return {**told, **explaining.page(conn, stored, found)}
    if folder is not None:
        return {**told, "is": "redirect to the same address with a slash", "leads_to": home.url(f"{path}/")}
    other = _preview(conn, path) or _file(conn, home, path) or _draft(conn, home, path)
    nothing = {"is": "nothing", "site": {"id": home.id}, "readers_get": "404, the page /404.html"}
    return {**told, **(other or nothing)}


def _located(known: Sequence[Site], url: str, site: str | None) -> tuple[Site, str]:
    """The site and the site path of an address; the longest base path wins, as at the edge."""
    parts = urlsplit(url)
    path = unquote(parts.path) or "/"
    if not parts.netloc:
        chosen = [home for home in known if site in {None, home.id}]
        if len(chosen) != 1:
            raise Refused("not_found", f"{url} is a path of which site? Give the whole address, or --site")
        return chosen[0], path
    host = _host(url)
    covering = [
        home for home in known if _host(home.base_url) == host and f"{path}/".startswith(home.base_path)
    ]
    if not covering:
        raise Refused(
            "not_found", f"no site has {url}: sites are {', '.join(home.base_url for home in known)}"
        )
    home = max(covering, key=lambda home: len(home.base_path))
    return home, "/" + path.removeprefix(home.base_path.rstrip("/")).lstrip("/")


def _host(url: str) -> str:
    """In the form that browsers send."""
    netloc = urlsplit(url).netloc
    return netloc.lower() if netloc.isascii() else netloc.encode("idna").decode()


def _preview(conn: Connection, path: str) -> Told | None:
    """A preview without its signature having been looked at: whoever asks here may see everything anyway."""
    if not path.startswith("/preview/"):
        return None
    name = previews.named(path.split("/")[2])
    found = previews.find(conn, name) if name else None
    if found is None:
        return {"is": "nothing", "readers_get": "404: there is no such preview"}
    return {"is": "preview", "opens": previews.opens(conn, found), "preview": vars(found)}


def _file(conn: Connection, site: Site, path: str) -> Told | None:
    """A file of the manifest: what made it, and how many pages name it."""
    key = site.key(path)
    found = row(
        conn,
        """SELECT key, content_type, bytes, sha256, state, source, stored_at, unused_since,
            (SELECT count(*) FROM asset_use WHERE asset_use.key = object.key) AS pages
        FROM object WHERE key = :key""",
        key=key,
    )
    return {"is": "file", "file": dict(found)} if found else None


def _draft(conn: Connection, site: Site, path: str) -> Told | None:
    """What is not published and would be here if it were published now."""
    slug = path.rstrip("/").rpartition("/")[2]
    now: datetime = scalar(conn, "SELECT clock_timestamp()")
    named = rows(
        conn, "SELECT id FROM article WHERE site = :site AND slug = :slug AND live_revision IS NULL LIMIT 20",
        site=site.id, slug=slug,
    )  # fmt: skip
    for item in named:
        article = articles.find(conn, item["id"])
        stored = articles.revision(conn, item["id"], article.latest_revision) if article else None
        if article is None or stored is None:
            continue
        doc = content(stored.doc, site)
        at = article.published_at or doc.published_at or now
        if articles.article_path(site, article, doc, article.slug, at).rstrip("/") == path.rstrip("/"):
            would = {"article": article.id, "headline": article.headline, "status": article.status}
            return {"is": "nothing", "readers_get": "404, the page /404.html", "would_be": would}
    return None
