"""A takedown's report: every address that showed the article or its files, and what the edge answers there.

Its own pages have to be gone, its files too, and what listed it must not name it any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from nashr.adapters.cdn.purger import Purger
from nashr.domain.errors import NotYet
from nashr.domain.site import Site
from nashr.pages import PageKind
from nashr.store import articles
from nashr.store.database import rows
from sqlalchemy import Connection

_GONE: Final = frozenset({403, 404, 410, 451})
_READ: Final = frozenset({200, 301, 302, 308})
_OWN: Final = {PageKind.article: "page", PageKind.redirect: "alias", PageKind.short: "permalink"}


@dataclass(frozen=True)
class Check:
    """One address: what it was, what it answered, and whether that is right."""

    what: str
    url: str
    status: int
    ok: bool


@dataclass(frozen=True)
class Address:
    """A path to look at. ``must``: be gone, or name none of the article's addresses."""

    what: str
    path: str
    must: Literal["be_gone", "not_name"]


@dataclass(frozen=True)
class Scope:
    """What a takedown has to have reached; ``names``: how other pages would link to the article."""

    site: Site
    addresses: tuple[Address, ...]
    names: tuple[bytes, ...]


def scope(
    conn: Connection, site: Site, article: str, *, keys: Sequence[str], listings: Sequence[str]
) -> Scope:
    """Reads the article's own addresses; ``keys`` are its deleted files, ``listings`` paths that named it.

    Raises NotYet while one of these pages is still on its way.
    """
    found = articles.find(conn, article)
    assert found is not None
    own = rows(
        conn,
        """SELECT path, kind, wanted > live OR purged < live AS moving FROM page
        WHERE site = :site AND kind = ANY(:kinds) AND subject = :article AND live > 0 ORDER BY path""",
        site=site.id, kinds=[str(kind) for kind in _OWN], article=article,
    )  # fmt: skip
    others = rows(
        conn,
        """SELECT path, kind, wanted > live OR purged < live AS moving FROM page
        WHERE site = :site AND path = ANY(:paths) AND live > 0 ORDER BY path""",
        site=site.id, paths=sorted(set(listings) - {item["path"] for item in own}),
    )  # fmt: skip
    if moving := [item["path"] for item in (*own, *others) if item["moving"]]:
        raise NotYet(f"{moving[0]} is still on its way")
    addresses = (
        *(Address(_OWN[PageKind(item["kind"])], item["path"], "be_gone") for item in own),
        *(Address(*_file(site, key), "be_gone") for key in keys),
        *(Address(item["kind"], item["path"], "not_name") for item in others),
    )
    paths = [item["path"] for item in own if item["kind"] != PageKind.redirect]
    return Scope(site, addresses, tuple(site.href(path).encode() for path in paths))


def _file(site: Site, key: str) -> tuple[str, str]:
    path = f"/{key.removeprefix(site.prefix)}"
    return ("card" if path.startswith("/cards/") else "rendition"), path


def check(purger: Purger, wanted: Scope) -> Iterator[Check]:
    """Fetches each address as a reader would. Raises CdnUnavailable."""
    for address in wanted.addresses:
        url = wanted.site.url(address.path)
        fetched = purger.fetch(url)
        gone = fetched.status in _GONE
        read = fetched.status in _READ and not any(name in fetched.body for name in wanted.names)
        ok = gone or (read and address.must == "not_name")
        yield Check(address.what, url, fetched.status, ok)
