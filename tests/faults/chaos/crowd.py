"""Too many at once: clients with a token of their own who publish in bulk as fast as they are answered.

What they are promised is written down and judged like everybody's.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from typing import Final

import httpx

from tests.faults.chaos.clients import Caller, Piece, Shared
from tests.faults.chaos.ground import Ground

MEMBERS: Final = 12
READS: Final = 10
"""Of the API, between two writes."""
FIRST_NUMBER: Final = 1_000_000
"""Of their articles, so that writers number theirs as ever."""


class Member(threading.Thread):
    """One of the crowd, with one article."""

    def __init__(self, shared: Shared, chance: random.Random, *, until: float) -> None:
        super().__init__(name="crowd", daemon=True)
        self._shared, self._until = shared, until
        self.caller = Caller(shared, chance)
        number = FIRST_NUMBER + chance.getrandbits(28)
        self.piece = Piece(number, slug=f"c{shared.run}-{number}")

    def run(self) -> None:
        try:
            while time.monotonic() < self._until and self._write():
                for _ in range(READS):
                    self.caller.get(f"/v1/articles/{self.piece.id}")
        finally:
            self.caller.close()

    def _write(self) -> bool:
        """A revision and its publication in bulk; false once a request was refused or given up."""
        piece, first = self.piece, not self.piece.id
        word = f"w{self._shared.run}a{piece.number}r{piece.revision + 1}x"
        draft = {"section": "politics", "slug": piece.slug, "headline": f"خبر {word}"}
        found = self.caller.insist(
            "create" if first else "update", piece, "POST" if first else "PUT",
            "/v1/articles" if first else f"/v1/articles/{piece.id}", word=word,
            headers={} if first else {"If-Match": f'"{piece.revision}"'},
            body={**draft, "body": [{"type": "paragraph", "html": f"فقرة من {word}."}]},
        )  # fmt: skip
        if found is None:
            return False
        piece.id, piece.revision = found["id"], found["revision"]
        address = f"/v1/articles/{piece.id}/publish"
        bulk = {"priority": "bulk"}
        return self.caller.insist("publish", piece, "POST", address, word=word, body=bulk) is not None


def burst(ground: Ground, chance: random.Random, *, seconds: float) -> str:
    """Sends what they can for ``seconds``; returns, when each has had its last answer, what came of it."""
    lab = ground.lab
    shared = Shared(lab.api, lab.site, _token(ground), ground.log, f"{chance.getrandbits(24):x}")
    until = time.monotonic() + seconds
    crowd = [Member(shared, random.Random(chance.getrandbits(32)), until=until) for _ in range(MEMBERS)]
    for member in crowd:
        member.start()
    for member in crowd:
        member.join(max(0.1, until + 45 - time.monotonic()))
    revisions, put_off = zip(*((one.piece.revision, one.caller.put_off) for one in crowd), strict=True)
    return f"{sum(revisions)} revisions, {sum(put_off)} times told to come later"


def _token(ground: Ground) -> str:
    """An editor's, made for this burst. Raises AssertionError if the API is away for long."""
    headers = {"Authorization": f"Bearer {ground.lab.tokens['admin']}"}
    end = time.monotonic() + 20
    with httpx.Client(base_url=ground.lab.api, timeout=10, trust_env=False) as client:
        while time.monotonic() < end:
            try:
                answer = client.post(
                    "/v1/tokens", headers=headers,
                    json={"name": f"crowd {uuid.uuid4().hex[:8]}", "role": "editor", "site": "khabar"},
                )  # fmt: skip
            except httpx.TransportError:
                continue
            if answer.status_code == 201:
                return str(answer.json()["token"])
            time.sleep(0.2)  # it was told to come again
    raise AssertionError("no token for the crowd")
