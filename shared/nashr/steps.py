"""THE table of steps: who works on what, how long a page waits for it, what it leads to.

A step is work keyed by its inputs. docs/architecture.md and the README show this table; a test keeps
them true.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal


class Priority(IntEnum):
    """The three classes of work; a smaller number goes first."""

    breaking = 0
    normal = 1
    bulk = 2


@dataclass(frozen=True)
class Kind:
    """One kind of step.

    ``wait``: seconds a page waits for it before going out without; ``first_wait``: the same for an
    article's first publication. ``limit``: seconds one run may take before its lease is let go.
    ``on_dead``: what a page does when the step failed for good: block, or go out without it.
    ``rearms``: one row for ever, made due again by each change (pages), instead of one row per input.
    ``alone``: a worker runs one of these at a time, so that slow work in the background leaves room.
    ``abroad``: it waits for servers of others, and so has threads of its own and no hints; how long that
    takes is no sign of trouble here. ``pause``, ``longest_pause``: seconds until the first retry, doubling.
    """

    name: str
    service: str
    input: str
    result: str
    leads_to: tuple[str, ...] = ()
    wait: float = 0.0
    first_wait: float = 0.0
    on_dead: Literal["block", "degrade"] = "degrade"
    limit: float = 30.0
    max_attempts: int = 12
    rearms: bool = False
    alone: bool = False
    abroad: bool = False
    pause: float = 0.25
    longest_pause: float = 15.0


STEPS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(
            "images", "images", "a photo", "JPEG and WebP files, JPEG crops, placeholder",
            leads_to=("deliver", "lighter"), wait=30, first_wait=30, on_dead="block", limit=60,
        ),
        Kind(
            "lighter", "images", "a photo", "the same in AVIF, crops as WebP",
            leads_to=("deliver",), rearms=True, limit=120, alone=True,
        ),
        Kind(
            "related", "related", "an article's text", "its signature and postings, then its links",
            leads_to=("deliver",), wait=1, first_wait=1,
        ),
        Kind(
            "cards", "cards", "what a card says, its photo, the theme", "social cards, one per format",
            leads_to=("deliver",), wait=1, first_wait=3, limit=40,
        ),
        Kind("release", "delivery", "a scheduled publication", "the page wanted", leads_to=("deliver",)),
        Kind(
            "deliver", "delivery", "a page", "the page, stored by compare-and-swap",
            leads_to=("purge", "backlinks", "remove", "deliver"), rearms=True, max_attempts=1_000_000,
        ),
        Kind(
            "purge", "delivery", "a page", "the edge purged, the receipt",
            rearms=True, max_attempts=1_000_000,
        ),
        Kind(
            "backlinks", "related", "a site with new stories", "older articles that gained a link",
            leads_to=("deliver", "reindex"), rearms=True, limit=120, max_attempts=1_000_000,
        ),
        Kind(
            "reindex", "related", "an archive that has doubled, or a rebuild", "its signatures, newest first",
            leads_to=("backlinks",), rearms=True, limit=120, max_attempts=1_000_000, alone=True,
        ),
        Kind(
            "refresh", "delivery", "a site's look, or an author's name, that has changed",
            "the pages that show it wanted, 500 at a time", leads_to=("deliver", "refresh"), rearms=True,
            limit=120, max_attempts=1_000_000,
        ),
        Kind(
            "remove", "delivery", "a takedown", "its keys deleted, and deleted again",
            limit=60, max_attempts=1_000_000,
        ),
        Kind(
            "withdraw", "delivery", "a withdrawn photo", "its keys deleted, and deleted again",
            limit=60, max_attempts=1_000_000,
        ),
        Kind(
            "expire", "delivery", "the end of a photo's rights", "the photo withdrawn",
            leads_to=("deliver", "withdraw"), rearms=True, max_attempts=1_000_000,
        ),
        Kind(
            "sweep", "delivery", "files that no page has used for a while", "the files deleted",
            leads_to=("deliver",), rearms=True, limit=120, max_attempts=1_000_000,
        ),
        Kind(
            "notify", "delivery", "an event and a webhook; a site's hub, or IndexNow", "they were told",
            rearms=True, limit=60, max_attempts=24, abroad=True, pause=5, longest_pause=8 * 3600,
        ),
    )
}  # fmt: skip

SERVICES: Final = ("images", "related", "cards", "delivery")


def kinds_of(service: str) -> tuple[str, ...]:
    """The kinds that one service works on."""
    return tuple(kind.name for kind in STEPS.values() if kind.service == service)


def queue_of(kind: str, priority: int) -> str:
    """The transport queue that a hint for this kind travels in: ``<service>.<class>``."""
    return f"{STEPS[kind].service}.{Priority(priority).name}"


def backoff_seconds(attempts: int, kind: str = "") -> float:
    """Seconds until a retryable failure is tried again, doubling: 0.25 to 15 where the kind says no other."""
    known = STEPS.get(kind)
    first, longest = (known.pause, known.longest_pause) if known else (0.25, 15.0)
    return float(min(longest, first * 2 ** min(attempts - 1, 30)))
