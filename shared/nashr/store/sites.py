"""Sites: apply, read. Applying bumps fronts, feeds and the like at once, and has every other page follow."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from nashr.domain.errors import Fault, Refused
from nashr.domain.site import Site, stored_site
from nashr.pages import Fact, PageKind, PageSpec, chrome_pages
from nashr.steps import Priority
from nashr.store import cards, events, pagerows, refreshing, sweeping
from nashr.store.database import row, rows
from nashr.store.pagerows import Why


@dataclass(frozen=True)
class SiteRow:
    """A site with its secret, which keys the names of its assets, and its version (for If-Match)."""

    site: Site
    secret: str
    version: int


def find(conn: Connection, site: str) -> SiteRow | None:
    found = row(conn, "SELECT config, secret, version FROM site WHERE id = :site", site=site)
    if found is None:
        return None
    known = _known.get(found["secret"])
    if known is None or known.version != found["version"]:
        known = SiteRow(stored_site(found["config"]), found["secret"], found["version"])
        _known[found["secret"]] = known
    return known


_known: dict[str, SiteRow] = {}
"""The sites as last read, by the secret that no two share: their checks are not repeated for each step.

Nothing is read here in the transaction that changes a site: its version may be rolled back and come again."""


def get(conn: Connection, site: str) -> SiteRow:
    """The site, or Refused("not_found")."""
    found = find(conn, site)
    if found is None:
        raise Refused("not_found", f"there is no site {site}")
    return found


def every(conn: Connection) -> Sequence[Site]:
    return [stored_site(item["config"]) for item in rows(conn, "SELECT config FROM site ORDER BY id")]


def taken(conn: Connection, site: str, paths: Iterable[str]) -> frozenset[str]:
    """Those of the paths that a page of the site has or is about to have, also a redirect or a tombstone."""
    found = rows(
        conn, "SELECT path FROM page WHERE site = :site AND path = ANY(:paths)",
        site=site, paths=sorted(set(paths)),
    )  # fmt: skip
    return frozenset(item["path"] for item in found)


def apply(conn: Connection, site: Site, *, actor: str, version: int | None = None) -> int:
    """Creates or updates a site; returns its version. ``version``: what the caller read (If-Match)."""
    before = row(conn, "SELECT version, config FROM site WHERE id = :id FOR UPDATE", id=site.id)
    if version is not None and before is not None and before["version"] != version:
        raise Refused(
            "precondition_failed", f"the site is at version {before['version']} by now: read it again"
        )
    config = _stored(site.to_json())
    if before is not None and _stored(before["config"]) == config:
        return int(before["version"])
    _check_prefix(conn, site)
    stored = row(
        conn,
        """INSERT INTO site (id, config, secret) VALUES (:id, :config, :secret)
        ON CONFLICT (id) DO UPDATE SET config = excluded.config, version = site.version + 1,
            updated_at = clock_timestamp()
        RETURNING version""",
        id=site.id, config=Jsonb(config), secret=secrets.token_hex(32),
    )  # fmt: skip
    cards.want(conn, cards.site_order(site), priority=Priority.normal)
    _want_chrome(conn, site, rebuild=before is not None)
    sweeping.arm(conn, site.id)
    events.record(conn, "site.apply", site.id, site=site.id, actor=actor)
    assert stored is not None
    return int(stored["version"])


def _stored(config: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is off: the nashr before does not know a field that only this one has."""
    return {name: value for name, value in config.items() if value is not None and value is not False}


def _check_prefix(conn: Connection, site: Site) -> None:
    """Two sites never have one prefix: each would write over the other. Raises Refused("invalid").

    A prefix inside another is allowed, since one site may stand at the root of a bucket; no section or
    page of the outer one may then have the name of the inner one.
    """
    clash = row(
        conn, "SELECT id FROM site WHERE id <> :id AND config->>'prefix' = :prefix LIMIT 1",
        id=site.id, prefix=site.prefix,
    )  # fmt: skip
    if clash is not None:
        detail = f"the site {clash['id']} has the prefix {site.prefix!r}: choose another"
        raise Refused("invalid", detail, faults=(Fault("/prefix", "invalid", detail),))


def _want_chrome(conn: Connection, site: Site, *, rebuild: bool) -> None:
    routes = PageSpec("/_nashr/sites.json", PageKind.routes)
    if rebuild:
        refreshing.chrome(conn, site.id)
    locked = pagerows.lock(conn, site.id, (routes, *chrome_pages(site)))
    pagerows.want(conn, locked.values(), why=Why({Fact.chrome}, "site apply"))
