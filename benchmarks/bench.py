"""What every benchmark works with: a newsroom that publishes and a reader who looks until it is there."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from nashr.client import Client

from benchmarks.stack import BenchError, Stack, until
from benchmarks.stories import Story, story

READER_SECONDS = 60.0
API_PAUSE = 0.05


@dataclass(frozen=True)
class Seen:
    """The first answer that held what was looked for, when it had arrived, and the looks it took."""

    at: float
    looks: int
    page: httpx.Response


class Reader:
    """One browser of the site over one keep-alive connection to the edge."""

    def __init__(self, site: str, *, poll: float) -> None:
        self._http = httpx.Client(base_url=site, timeout=10, trust_env=False)
        self._poll = poll

    def get(self, path: str) -> httpx.Response:
        return self._http.get(path)

    def until(self, path: str, *, holds: bytes) -> Seen:
        """Looks again ``poll`` seconds after each answer. ``at`` is on the clock of time.perf_counter."""
        deadline = time.perf_counter() + READER_SECONDS
        looks = 0
        while (now := time.perf_counter()) < deadline:
            page = self.get(path)
            looks += 1
            if page.status_code == 200 and holds in page.content:
                return Seen(time.perf_counter(), looks, page)
            time.sleep(self._poll)
        raise BenchError(f"{path} does not show {holds!r} after {now - deadline + READER_SECONDS:.0f} s")


@dataclass(frozen=True)
class Published:
    """One publication as it was seen from outside: seconds since its request was sent."""

    accepted: float
    visible: float
    seen: Seen
    proven: float
    publication: Mapping[str, Any]


class Bench:
    """A stack, how long to measure it, and both ends of it."""

    def __init__(self, stack: Stack, *, quick: bool, poll: float) -> None:
        self.stack = stack
        self.quick = quick
        self.newsroom = self.client()
        self.reader = Reader(stack.site, poll=poll)

    def rounds(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    def client(self) -> Client:
        """A newsroom's client with a connection of its own."""
        return Client(self.stack.api, self.stack.token)

    def draft(self, name: str, *, photos: Sequence[str] = ()) -> tuple[Story, Mapping[str, Any]]:
        """A generated story, and its article as stored; nothing of it is public."""
        made = story(name, photos=photos)
        return made, self.newsroom.save(made.draft)

    def publish(self, article: str, wanted: Story) -> Published:
        """Publishes, looks until the reader has it, and waits for the receipt."""
        asked, wall = time.perf_counter(), time.time()
        publication = self.newsroom.publish(article)
        accepted = time.perf_counter()
        seen = self.reader.until(wanted.path, holds=wanted.mark)
        proof = self.proven(publication["id"])
        return Published(
            accepted=accepted - asked,
            visible=seen.at - asked,
            seen=seen,
            proven=stamp(proof["receipt"]["verified_at"]) - wall,
            publication=proof,
        )

    def proven(self, publication: str) -> Mapping[str, Any]:
        """The publication once its receipt is there."""

        def proof() -> Mapping[str, Any] | None:
            found = self.newsroom.request("GET", f"/v1/publications/{publication}").json()
            if found["state"] not in {"scheduled", "pending", "running", "live"}:
                raise BenchError(f"publication {publication} is {found['state']}: {found.get('error')}")
            return dict(found) if found["receipt"] else None

        return until(proof, what=f"the receipt of {publication}", pause=API_PAUSE)


def stamp(text: str) -> float:
    """Seconds since the epoch; the stack's clock is ours, it runs on the same machine."""
    return datetime.fromisoformat(text).timestamp()
