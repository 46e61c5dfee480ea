"""Clients that go on publishing whatever breaks, readers that look on, and the judge of what they saw."""

from __future__ import annotations

import random
import re
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.conftest import until
from tests.faults.lab import Lab

HEAL_SECONDS = 30.0
CALL_SECONDS = 12.0
STAMP = re.compile(r'<meta name="nashr:version" content="(\d+)">')
LATE = """SELECT kind, key, state, attempts, error FROM step WHERE priority < 2
    AND ((state = 'ready' AND available_at < clock_timestamp() - interval '5 seconds')
        OR (state = 'leased' AND lease_until < clock_timestamp() - interval '5 seconds'))"""
DEAD = "SELECT id, kind, key, error FROM step WHERE state = 'dead'"


@dataclass(frozen=True)
class Accepted:
    """A publication that got its 202."""

    publication: str
    revision: int
    word: str


@dataclass
class Story:
    """An article of the newsroom: where it is, and what was accepted of it, in order."""

    id: str
    path: str
    revision: int
    accepted: list[Accepted] = field(default_factory=list)


class Client:
    """Sends a request with one Idempotency-Key until it is answered for good."""

    def __init__(self, lab: Lab) -> None:
        token = lab.tokens["admin"]
        self._client = httpx.Client(
            base_url=lab.api, headers={"Authorization": f"Bearer {token}"}, timeout=CALL_SECONDS,
            trust_env=False,
        )  # fmt: skip
        self.slowest = 0.0

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def insist(self, method: str, path: str, *, seconds: float = 60.0, **request: Any) -> dict[str, Any]:
        """The answer of the first request that is neither lost nor told to come again."""
        headers = {**request.pop("headers", {}), "Idempotency-Key": uuid.uuid4().hex}

        def ask() -> httpx.Response | None:
            started = time.monotonic()
            try:
                answer = self._client.request(method, path, headers=headers, **request)
            except httpx.ReadTimeout:
                raise AssertionError(f"{method} {path} hangs") from None
            except httpx.TransportError:
                return None
            finally:
                self.slowest = max(self.slowest, time.monotonic() - started)
            if answer.status_code == 503 or _in_progress(answer):
                assert int(answer.headers["retry-after"]) > 0
                return None
            return answer

        answer = until(lambda: _boxed(ask()), what=f"{method} {path} to be accepted", seconds=seconds)[0]
        assert answer.status_code in {200, 201, 202}, f"{method} {path}: {answer.status_code} {answer.text}"
        return dict(answer.json())


def _boxed(answer: httpx.Response | None) -> tuple[httpx.Response] | None:
    """A response with an error status is false."""
    return None if answer is None else (answer,)


def _in_progress(answer: httpx.Response) -> bool:
    return answer.status_code == 409 and answer.json()["code"] == "idempotency_in_progress"


class Watch:
    """A reader who asks for the same pages again and again, and never sees one go back."""

    def __init__(self, lab: Lab, paths: Sequence[str]) -> None:
        self.versions: dict[str, list[int]] = defaultdict(list)
        self.statuses: dict[str, set[int]] = defaultdict(set)
        self._lab = lab
        self._paths = paths
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(20)

    def _run(self) -> None:
        with httpx.Client(base_url=self._lab.site, timeout=10, trust_env=False) as client:
            while not self._stop.wait(0.2):
                for path in self._paths:
                    self._look(client, path)

    def _look(self, client: httpx.Client, path: str) -> None:
        try:
            answer = client.get(path)
        except httpx.TransportError:
            return
        self.statuses[path].add(answer.status_code)
        if answer.status_code == 200 and (found := STAMP.search(answer.text)):
            self.versions[path].append(int(found[1]))

    def complaints(self) -> list[str]:
        """What readers must never see: a page that goes back, or one that is gone for a while."""
        back = [path for path, seen in self.versions.items() if seen != sorted(seen)]
        gone = {path: seen for path, seen in self.statuses.items() if any(400 <= s < 500 for s in seen)}
        return [f"{path} went back: {self.versions[path]}" for path in back] + [
            f"{path} answered {seen}" for path, seen in gone.items()
        ]


class Newsroom:
    """A few stories in continuous change. One writer per story: what is accepted is in order."""

    def __init__(self, lab: Lab, stories: Sequence[Story], *, seed: int) -> None:
        self.lab = lab
        self.stories = stories
        self.slowest = 0.0
        self.healed_after = 0.0
        self._random = random.Random(seed)
        self._dead = {row["id"] for row in lab.rows(DEAD)}
        self._before = {story.id: len(story.accepted) for story in stories}
        self._errors: list[str] = []
        self._stop = threading.Event()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Writers write and a reader reads inside the block; after it the judge has judged what was seen."""
        seeds = [self._random.random() for _ in self.stories]
        writers = [
            threading.Thread(target=self._write, args=(story, seed), name=story.id, daemon=True)
            for story, seed in zip(self.stories, seeds, strict=True)
        ]
        with Watch(self.lab, [story.path for story in self.stories]) as watch:
            for writer in writers:
                writer.start()
            try:
                yield
            finally:
                self._stop.set()
                for writer in writers:
                    writer.join(90)
            self.healed_after = self.assert_healed()
        assert watch.complaints() == []

    def accepted(self) -> int:
        """How many publications were accepted by now."""
        assert self._errors == []
        return sum(len(story.accepted) - self._before[story.id] for story in self.stories)

    def one_more(self) -> None:
        """Waits until one more publication is accepted."""
        now = self.accepted()
        until(lambda: self.accepted() > now, what="the newsroom to go on")

    def _write(self, story: Story, seed: float) -> None:
        chance = random.Random(seed)
        with Client(self.lab) as client:
            try:
                while not self._stop.is_set():
                    publish(self.lab, client, story)
                    self._look_for(story, seconds=chance.uniform(0.4, 2.0))
                    self._stop.wait(chance.uniform(0.2, 1.0))
            except AssertionError as error:
                self._errors.append(str(error))
            self.slowest = max(self.slowest, client.slowest)

    def _look_for(self, story: Story, *, seconds: float) -> None:
        """As an editor would: reloads the page until the change is there, or patience ends."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._stop.wait(0.1) and not shows(self.lab, story):
            pass

    def assert_healed(self) -> float:
        """Everything accepted is live at its latest, nothing is late or dead; returns after how long."""
        started = time.monotonic()
        assert self._errors == []
        for story in self.stories:
            until(
                partial(shows, self.lab, story),
                what=f"{story.path} to show {story.accepted[-1].word}; {self._open_steps()}",
                seconds=HEAL_SECONDS - (time.monotonic() - started),
            )
        until(
            lambda: self.lab.rows(LATE) == [] and self._all_final(),
            what="late steps and open publications to end",
            seconds=max(0.1, HEAL_SECONDS - (time.monotonic() - started)),
        )
        assert self.lab.client("nobody").get("/readyz").status_code == 200
        assert [row for row in self.lab.rows(DEAD) if row["id"] not in self._dead] == []
        return time.monotonic() - started

    def _all_final(self) -> bool:
        ids = [item.publication for story in self.stories for item in story.accepted]
        found = self.lab.rows("SELECT id, state FROM publication WHERE id = ANY(%s)", ids)
        assert len(found) == len(ids), "an accepted publication is not in the database"
        return all(row["state"] in {"live", "superseded"} for row in found)

    def _open_steps(self) -> object:
        return self.lab.rows("SELECT kind, key, state, attempts, error FROM step WHERE state <> 'done'")


def shows(lab: Lab, story: Story) -> bool:
    """Whether a reader gets the newest accepted revision."""
    try:
        answer = lab.fetch(story.path)
    except httpx.TransportError:
        return False
    return answer.status_code == 200 and story.accepted[-1].word in answer.text


def open_story(lab: Lab, **changes: Any) -> Story:
    """A new story that readers can see."""
    story = ask_for_story(lab, **changes)
    lab.wait_proven(story.accepted[0].publication)
    story.path = urlsplit(lab.article(story.id)["url"]).path
    return story


def ask_for_story(lab: Lab, **changes: Any) -> Story:
    """A new story whose publication is accepted; where it will be is not known yet."""
    word = lab.word()
    made = lab.create(**{"headline": f"خبر {word}", **changes})
    return Story(made["id"], "", 1, [Accepted(lab.publish(made["id"])["id"], 1, word)])


def revise(lab: Lab, client: Client, story: Story, *, word: str, **changes: Any) -> int:
    """The story's next revision, stored: its headline (unless given) and its text hold ``word``."""
    body = [{"type": "paragraph", "html": f"فقرة واحدة من الخبر {word}."}]
    draft = lab.draft(**{"headline": f"خبر {word}", "body": body, **changes})
    match = {"If-Match": f'"{story.revision}"'}
    story.revision = client.insist("PUT", f"/v1/articles/{story.id}", json=draft, headers=match)["revision"]
    return story.revision


def publish(lab: Lab, client: Client, story: Story, *, word: str = "", **changes: Any) -> Accepted:
    """The story's next revision, accepted for publication."""
    word = word or lab.word()
    revise(lab, client, story, word=word, **changes)
    found = client.insist("POST", f"/v1/articles/{story.id}/publish", json={})
    story.accepted.append(Accepted(found["id"], found["revision"], word))
    return story.accepted[-1]
