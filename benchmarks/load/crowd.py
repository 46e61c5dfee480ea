"""A crowd of clients in a closed loop: each sends again as soon as it was answered, or later if told so."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

PAUSE = 1.0
"""Seconds at most that a client who was told to wait does wait."""


@dataclass
class Tally:
    """What a crowd was answered. ``done`` are whole jobs, ``strange`` answers but 2xx, 429 and 503."""

    clients: int
    seconds: float = 0.0
    done: int = 0
    answers: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        return self.done / self.seconds

    @property
    def strange(self) -> int:
        allowed = ("2", "429", "503")
        return sum(count for said, count in self.answers.items() if not said.startswith(allowed))

    @property
    def refused(self) -> int:
        return self.answers["429"] + self.answers["503"]


class Member:
    """One client of the crowd, with a connection of its own."""

    def __init__(self, base: str, token: str, tally: Tally, stop: threading.Event) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(base_url=base, headers=headers, timeout=30, trust_env=False)
        self._tally, self._stop = tally, stop

    def post(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The answer's body; None where it was no success in the time that is left."""
        while not self._stop.is_set():
            try:
                answer = self._http.post(path, json=body)
            except httpx.HTTPError as error:
                self._tally.answers[type(error).__name__] += 1
                return None
            self._tally.answers[str(answer.status_code)] += 1
            if answer.is_success:
                return dict(answer.json())
            if answer.status_code not in {429, 503}:
                return None
            self._stop.wait(min(PAUSE, float(answer.headers.get("Retry-After", PAUSE))))
        return None


Job = Callable[[Member, int], bool]
_numbers = itertools.count(1)


class Crowd:
    """``clients`` threads that do a job again and again while the block runs."""

    def __init__(self, base: str, token: str, job: Job, *, clients: int) -> None:
        self.tally = Tally(clients)
        self._stop = threading.Event()
        members = [Member(base, token, self.tally, self._stop) for _ in range(clients)]
        self._threads = [threading.Thread(target=self._work, args=(one, job)) for one in members]

    def __enter__(self) -> Tally:
        self._began = time.perf_counter()
        for thread in self._threads:
            thread.start()
        return self.tally

    def __exit__(self, *_: object) -> None:
        self.tally.seconds = time.perf_counter() - self._began
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self, member: Member, job: Job) -> None:
        while not self._stop.is_set():
            if job(member, next(_numbers)) and not self._stop.is_set():
                self.tally.done += 1
