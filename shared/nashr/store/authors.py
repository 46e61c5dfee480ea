"""Authors: who a byline's ``author`` is. Their articles are on a shelf."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from nashr.domain.site import Site
from nashr.pages import MADE_FROM, Fact, PageKind, PageSpec, chrome_pages, shelf_page
from nashr.steps import Priority
from nashr.store import archiving, assets, events, pagerows, refreshing, shelves
from nashr.store.assets import Asset
from nashr.store.database import at_end, row, rows, run
from nashr.store.pagerows import Why


@dataclass(frozen=True)
class Author:
    """Somebody whose page a site has; ``links`` are mappings of url and label."""

    site: str
    slug: str
    name: str
    bio: str | None
    photo: str | None
    links: Sequence[Mapping[str, Any]]
    version: int


_COLUMNS = ", ".join(Author.__dataclass_fields__)


def find(conn: Connection, site: str, slug: str) -> Author | None:
    found = row(
        conn, f"SELECT {_COLUMNS} FROM author WHERE site = :site AND slug = :slug", site=site, slug=slug
    )
    return Author(**found) if found else None


def lock(conn: Connection, site: str, slug: str) -> Author | None:
    """The author, whom nobody else makes or changes until the transaction ends."""
    run(conn, "SELECT pg_advisory_xact_lock(hashtextextended(:author, 3))", author=f"{site}/{slug}")
    return find(conn, site, slug)


def put(
    conn: Connection, site: Site, slug: str, values: Mapping[str, Any], *, photo: Asset | None, actor: str
) -> int:
    """Makes or changes a locked author; returns the version. ``values``: name, bio, links.

    The page goes out at once. What shows only the name follows in bulk, and only when that is another one.
    """
    before = find(conn, site.id, slug)
    after = Author(
        site.id, slug, values["name"], values.get("bio"), photo.id if photo else None,
        list(values.get("links") or ()), before.version if before else 0,
    )  # fmt: skip
    if after == before:
        return after.version
    if photo is not None and photo.state == "archived":
        assets.make(conn, photo, priority=Priority.normal)
        archiving.unarchive(conn, [photo.id])
    version = _write(conn, after)
    _want(conn, site, slug, renamed=before is None or before.name != after.name)
    if before is not None and before.name != after.name:
        refreshing.shelf(conn, site.id, PageKind.author, slug)
    events.record(conn, "author.put", slug, site=site.id, actor=actor, name=after.name)
    return version


def _write(conn: Connection, author: Author) -> int:
    shelves.change(conn, author.site, PageKind.author, author.slug, author.name)
    stored = row(
        conn,
        """INSERT INTO author (site, slug, name, bio, photo, links)
        VALUES (:site, :slug, :name, :bio, :photo, :links)
        ON CONFLICT (site, slug) DO UPDATE SET name = excluded.name, bio = excluded.bio,
            photo = excluded.photo, links = excluded.links, version = author.version + 1,
            updated_at = clock_timestamp()
        RETURNING version""",
        site=author.site, slug=author.slug, name=author.name, bio=author.bio, photo=author.photo,
        links=Jsonb([dict(link) for link in author.links]),
    )  # fmt: skip
    assert stored is not None
    return int(stored["version"])


def _want(conn: Connection, site: Site, slug: str, *, renamed: bool) -> None:
    first = shelf_page(PageKind.author, slug)
    later: list[PageSpec] = []
    if renamed:
        later += [spec for spec in shelves.whole(conn, site.id, PageKind.author, slug) if spec != first]
        later += [spec for spec in chrome_pages(site) if Fact.author in MADE_FROM[spec.kind]]

    def bump(conn: Connection) -> None:
        locked = pagerows.lock(conn, site.id, [first, *later])
        why = Why({Fact.author}, f"author {slug}")
        pagerows.want(conn, [locked[first.path]], at_once=True, why=why)
        pagerows.want(conn, [locked[spec.path] for spec in later], priority=Priority.bulk, why=why)

    at_end(conn, bump)


def pictured(conn: Connection, asset: str) -> Iterable[PageSpec]:
    """The pages of the authors whose photo this is."""
    found = rows(conn, "SELECT slug FROM author WHERE photo = :asset ORDER BY slug", asset=asset)
    return [shelf_page(PageKind.author, item["slug"]) for item in found]
