"""A takedown's report: every address that showed the article or its files, and what the edge answers there.

Its own pages have to be gone, its files too, and what listed it must not name it any more. Another story's
own text may link to it: that is told, not waited for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from nashr.adapters.cdn.purger import Purger
from nashr.domain.errors import NotYet
from nashr.domain.site import Site
from nashr.pages import PageKind
from nashr.ports import Fetched
from nashr.store.database import rows
from sqlalchemy import Connection

from nashr_delivery import core

_GONE: Final = frozenset({404, 410, 451})
_NO_FILE: Final = _GONE | {403}  # what a bucket answers that may not be listed; of a page it proves nothing
_READ: Final = frozenset({200, 301, 302, 308})
_OWN: Final = {PageKind.article: "page", PageKind.redirect: "alias", PageKind.short: "permalink"}

MENTION: Final = "mention"


@dataclass(frozen=True)
class Check:
    """One address: what it was, what it answered, and whether that is right."""

    what: str
    url: str
    status: int
    ok: bool


@dataclass(frozen=True)
class Address:
    """A path to look at. ``must``: be gone, or name none of the article's addresses.

    ``stored``: the version that the store has of a page.
    """

    what: str
    path: str
    must: Literal["be_gone", "be_no_file", "not_name"]
    stored: int = 0


@dataclass(frozen=True)
class Scope:
    """What a takedown has to have reached; ``names``: the paths that no list may name."""

    site: Site
    addresses: tuple[Address, ...]
    names: tuple[str, ...]


def versions(conn: Connection, site: Site, article: str, *, listings: Sequence[str]) -> Mapping[str, int]:
    """By path the version that a page is wanted at: its own, and those that named it (``listings``)."""
    found = rows(
        conn,
        """SELECT path, wanted FROM page WHERE site = :site
            AND (path = ANY(:paths) OR (kind = ANY(:kinds) AND subject = :article))""",
        site=site.id, paths=list(listings), kinds=_kinds(), article=article,
    )  # fmt: skip
    return {item["path"]: item["wanted"] for item in found}


def scope(
    conn: Connection, site: Site, article: str, *, keys: Sequence[str], pages: Mapping[str, int]
) -> Scope:
    """What to look at: ``keys``, its deleted files, and ``pages``, with the version each has to have reached.

    Raises NotYet while one of these pages is still on its way. A file that was made again since, for
    somebody else, is left out.
    """
    found = rows(
        conn,
        """SELECT path, kind, live, purged, stored, kind = ANY(:kinds) AND subject = :article AS own
        FROM page WHERE site = :site AND live > 0
            AND (path = ANY(:paths) OR (kind = ANY(:kinds) AND subject = :article)) ORDER BY path""",
        site=site.id, kinds=_kinds(), article=article, paths=list(pages),
    )  # fmt: skip
    for item in found:
        if min(item["live"], item["purged"]) < pages.get(item["path"], 0):
            raise NotYet(f"{item['path']} is still on its way")
    again = {item["key"] for item in rows(conn, "SELECT key FROM object WHERE key = ANY(:k)", k=list(keys))}
    addresses = (
        *(_page(item) for item in found if item["own"]),
        *(Address(*_file(site, key), "be_no_file") for key in keys if key not in again),
        *(_page(item) for item in found if not item["own"]),
    )
    own = [item["path"] for item in found if item["own"] and item["kind"] != PageKind.redirect]
    return Scope(site, addresses, tuple(own))


def _kinds() -> list[str]:
    return [str(kind) for kind in _OWN]


def _page(item: Mapping[str, Any]) -> Address:
    kind = PageKind(item["kind"])
    if item["own"]:
        return Address(_OWN[kind], item["path"], "be_gone")
    return Address(kind, item["path"], "not_name", item["stored"])


def _file(site: Site, key: str) -> tuple[str, str]:
    path = f"/{key.removeprefix(site.prefix)}"
    return ("card" if path.startswith("/cards/") else "rendition"), path


def check(purger: Purger, wanted: Scope) -> Iterator[Check]:
    """Fetches each address as a reader would. Raises CdnUnavailable."""
    names = _links_to(wanted.site, wanted.names)
    for address in wanted.addresses:
        url = wanted.site.url(address.path)
        yield _judged(address, url, purger.fetch(url), names)


def _judged(address: Address, url: str, fetched: Fetched, names: re.Pattern[bytes]) -> Check:
    status = fetched.status
    if address.must != "not_name":
        gone = _NO_FILE if address.must == "be_no_file" else _GONE
        return Check(address.what, url, status, status in gone)
    if status not in _READ or names.search(fetched.body) is None:
        return Check(address.what, url, status, status in _READ | _GONE)
    # Rendered when the article was off the site, it is in no list of ours: an editor wrote that link.
    fresh = (core.version_of(fetched.body) or -1) >= address.stored
    return Check(MENTION if fresh else address.what, url, status, fresh)


def _links_to(site: Site, paths: Sequence[str]) -> re.Pattern[bytes]:
    """What links to one of the paths: all of an address, not the end or the beginning of a longer one."""
    hrefs = "|".join(re.escape(site.href(path)) for path in paths)
    if not hrefs:
        return re.compile(rb"(?!)")
    return re.compile(rf"""(?:["']|{re.escape(site.origin)})(?:{hrefs})(?=["'<>#?&\\\s]|$)""".encode())
