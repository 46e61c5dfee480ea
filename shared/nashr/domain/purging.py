"""What an edge is asked to forget, and in which requests: normal URLs, tags, batches, ranks, a budget.

Pure. Adapters say by ``Limits`` what their edge can be asked; ``plan`` keeps to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from itertools import islice
from typing import Final
from unicodedata import normalize
from urllib.parse import quote, unquote, urlsplit

SETTLE_SECONDS: Final = 10.0
"""After a PUT, until an outside edge is purged again: a fetch begun before it can refill the old copy."""

LONG_CACHE: Final = "public, max-age=0, s-maxage=86400, stale-if-error=86400"
SHORT_CACHE: Final = "public, max-age=0, s-maxage=60, stale-if-error=86400"

_SAFE: Final = "/:@!$&'()*+,;=~-._"
_INDEX: Final = "/index.html"


class Rank(IntEnum):
    """Why a copy has to go; a smaller number goes first, and is given up last."""

    removal = 0  # what must not be read any more: always dropped, never only marked stale
    article = 1  # a publication, a correction
    front = 2  # the home page and the sections' fronts
    dependent = 3  # whatever else shows it: feeds, sitemaps, archives, links


@dataclass(frozen=True)
class Purge:
    """One object to forget: its URL, and the tag that it and no other carries ("" where it carries none)."""

    url: str
    tag: str = ""
    rank: Rank = Rank.article


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an edge can be asked, and what that costs.

    ``urls``, ``tags``: most of one request; no tags: it is purged by URL alone. ``soft``: it can mark
    copies as stale instead of dropping them. ``rate``: requests a second in the long run, ``burst``: at once
    after a rest; 0: no limit known. ``charged``: each URL and tag counts against a monthly budget.
    ``outside``: a network of caches, purged again after SETTLE_SECONDS. ``both_names``: a folder may be
    cached as its index.html too. ``tag_metadata``: where objects carry their tags for it, between commas,
    besides ``surrogate-key``. ``purges``: false where nothing can be purged.
    """

    urls: int = 1
    tags: int = 0
    soft: bool = False
    rate: float = 0.0
    burst: int = 1
    charged: bool = False
    outside: bool = True
    both_names: bool = False
    tag_metadata: str = ""
    purges: bool = True

    @property
    def gathers(self) -> bool:
        """Whether requests are scarce: then pages wait for each other and go together."""
        return self.charged or self.rate > 0

    @property
    def page_cache(self) -> str:
        """Cache-Control of pages: short where not every change is followed by a purge."""
        return LONG_CACHE if self.purges and not self.charged else SHORT_CACHE


@dataclass(frozen=True)
class Batch:
    """One request to an edge."""

    urls: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    soft: bool = False

    @property
    def items(self) -> int:
        """How many items an edge charges for."""
        return len(self.urls) + len(self.tags)


@dataclass(frozen=True)
class Plan:
    """Requests in the order they go; ``left_out`` are URLs that the budget has no room for."""

    batches: tuple[Batch, ...]
    left_out: tuple[str, ...] = ()


def plan(wanted: Iterable[Purge], *, limits: Limits, left: int | None = None, soft: bool = False) -> Plan:
    """The fewest requests for ``wanted``, each copy once, the lowest rank first.

    ``left``: items that the month's budget still holds, None where nothing is charged. Where it is,
    dependents are left to expire; fronts go while the budget holds; articles and removals go in any case.
    ``soft``: changes only mark copies as stale where the edge can; removals never do.
    """
    chosen, left_out = _afford(_distinct(wanted), limits, left)
    batches: list[Batch] = []
    for hard in (True, False):
        group = [item for item in chosen if (item.rank is Rank.removal) is hard]
        batches += _batches(group, limits, soft=soft and limits.soft and not hard)
    return Plan(tuple(batches), tuple(left_out))


def _distinct(wanted: Iterable[Purge]) -> list[Purge]:
    """One purge for each object: of the lowest rank, and by URL if one of them asks for that."""
    found: dict[str, Purge] = {}
    for item in wanted:
        url = normal_url(item.url)
        before = found.get(url, Purge(url, item.tag, item.rank))
        tag = item.tag if item.tag == before.tag else ""
        found[url] = Purge(url, tag, min(item.rank, before.rank))
    return sorted(found.values(), key=lambda item: item.rank)


def _afford(items: Sequence[Purge], limits: Limits, left: int | None) -> tuple[list[Purge], list[str]]:
    if left is None:
        return list(items), []
    chosen: list[Purge] = []
    left_out: list[str] = []
    for item in items:
        cost = len(_names(item, limits))
        if item.rank < Rank.front or (item.rank is Rank.front and cost <= left):
            chosen.append(item)
            left -= cost
        else:
            left_out.append(item.url)
    return chosen, left_out


def _batches(items: Sequence[Purge], limits: Limits, *, soft: bool) -> Iterator[Batch]:
    by_tag = [item.tag for item in items if _by_tag(item, limits)]
    by_url = [name for item in items if not _by_tag(item, limits) for name in _names(item, limits)]
    for tags in _slices(dict.fromkeys(by_tag), limits.tags):
        yield Batch(tags=tags, soft=soft)
    for urls in _slices(by_url, limits.urls):
        yield Batch(urls=urls, soft=soft)


def _by_tag(item: Purge, limits: Limits) -> bool:
    return bool(limits.tags and item.tag)


def _names(item: Purge, limits: Limits) -> tuple[str, ...]:
    """What an edge is told for one object."""
    if _by_tag(item, limits):
        return (item.tag,)
    if limits.both_names and item.url.endswith("/"):
        return item.url, f"{item.url}index.html"
    return (item.url,)


def _slices(items: Iterable[str], size: int) -> Iterator[tuple[str, ...]]:
    rest = iter(items)
    while part := tuple(islice(rest, max(1, size))):
        yield part


def normal_url(url: str) -> str:
    """The one spelling of an absolute URL of a site, under which an edge caches it.

    NFC, percent-escapes in capitals and only where they are needed, host in lower case ASCII, no query;
    a folder ends in a slash, its index.html is the folder.
    """
    parts = urlsplit(url)
    path = normalize("NFC", unquote(parts.path or "/"))
    if path.endswith(_INDEX):
        path = path[: -len(_INDEX) + 1]
    return f"{parts.scheme.lower()}://{_ascii(parts.netloc)}{quote(path, safe=_SAFE)}"


def _ascii(netloc: str) -> str:
    return netloc.lower() if netloc.isascii() else netloc.lower().encode("idna").decode()


def page_tag(key: str) -> str:
    """The tag that one page's object at ``key`` carries and no other: 17 ASCII characters."""
    return f"p{sha256(key.encode()).hexdigest()[:16]}"
