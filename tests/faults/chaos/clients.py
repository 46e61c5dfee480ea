"""Writers who go on whatever breaks, each with articles of their own, and a reader: all is logged."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from tests.faults.chaos.httpside import words_in
from tests.faults.history.records import Call, Log, Outcome, Read

CALL_SECONDS: Final = 15.0
AHEAD_SECONDS: Final = 6.0
LONGEST_PAUSE: Final = 1.0
MOST_LIVE: Final = 4
SAVED: Final = (2, 4, 8, 16, 32)
"""How many drafts a writer stores until one is published: an editor's screen saves as one types."""
RETRIED: Final = frozenset({429, 502, 503})


@dataclass
class Piece:
    """An article of one writer. ``state``: draft, live, waiting (scheduled), unpublished, gone."""

    number: int
    id: str = ""
    slug: str = ""
    revision: int = 0
    word: str = ""
    state: str = "draft"
    due: float = 0.0


@dataclass
class Shared:
    """What writers and reader have in common."""

    api: str
    site: str
    token: str
    log: Log
    run: str
    photo: str = ""
    ended: threading.Event = field(default_factory=threading.Event)
    abandoned: threading.Event = field(default_factory=threading.Event)
    paths: dict[str, None] = field(default_factory=dict)
    _next: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def number(self) -> int:
        with self._lock:
            self._next += 1
            return self._next


class Caller:
    """Sends requests until they are answered, always with the same key, and logs every attempt.

    ``put_off``: how many answers said to come later, 429 and 503.
    """

    def __init__(self, shared: Shared, chance: random.Random) -> None:
        self._shared = shared
        self._chance = chance
        self.put_off = 0
        headers = {"Authorization": f"Bearer {shared.token}"}
        self._client = httpx.Client(
            base_url=shared.api, headers=headers, timeout=CALL_SECONDS, trust_env=False
        )

    def close(self) -> None:
        self._client.close()

    def insist(
        self, op: str, piece: Piece, method: str, path: str, *, headers: Mapping[str, str] | None = None,
        word: str = "", due: float = 0.0, body: Any,
    ) -> dict[str, Any] | None:  # fmt: skip
        """The answer's body; None when it was refused, or when the run was given up.

        One yes in ten is asked for again.
        """
        key, said = uuid.uuid4().hex, {"op": op, "number": piece.number, "word": word, "due": due}
        while not self._shared.abandoned.is_set():
            answer = self._once(method, path, {**(headers or {}), "Idempotency-Key": key}, body)
            if answer is None or answer.status_code in RETRIED or _in_progress(answer):
                self._note(key, "unknown", answer, said)
                self._shared.abandoned.wait(self._chance.uniform(0.1, 0.5))
                continue
            ok = answer.status_code < 300
            self._note(key, "ok" if ok else "fail", answer, said)
            if ok and self._chance.random() < 0.1:
                again = self._once(method, path, {**(headers or {}), "Idempotency-Key": key}, body)
                if again is not None and again.status_code < 300:
                    self._note(key, "ok", again, said)
            return dict(answer.json()) if ok else None
        return None

    def get(self, path: str) -> dict[str, Any] | None:
        answer = self._once("GET", path, {}, None)
        return dict(answer.json()) if answer is not None and answer.status_code == 200 else None

    def intrude(self, piece: Piece) -> None:
        """The same door without a key that fits."""
        headers = {"Authorization": "Bearer nk_00000000_wrong"}
        answer = self._once("POST", f"/v1/articles/{piece.id}/publish", headers, {})
        outcome: Outcome = "unknown" if answer is None else "ok" if answer.status_code < 300 else "fail"
        self._note(uuid.uuid4().hex, outcome, answer, {"op": "intrude", "number": piece.number})

    def _once(self, method: str, path: str, headers: Mapping[str, str], body: Any) -> httpx.Response | None:
        try:
            answer = self._client.request(method, path, headers=dict(headers), json=body)
        except httpx.TransportError:
            return None
        self.put_off += answer.status_code in {429, 503}
        return answer

    def _note(
        self, key: str, outcome: Outcome, answer: httpx.Response | None, said: Mapping[str, Any]
    ) -> None:
        found = answer.json() if answer is not None and outcome == "ok" else {}
        publishes = said["op"] in {"publish", "schedule", "unpublish", "takedown"}
        self._shared.log.add(Call(
            t=time.monotonic(), key=key, outcome=outcome,
            status=0 if answer is None else answer.status_code,
            article=str(found.get("article", "") if publishes else found.get("id", "")),
            revision=int(found.get("revision", 0)),
            publication=str(found.get("id", "")) if publishes else "",
            detail="" if answer is None or outcome != "fail" else answer.text[:300],
            **said,
        ))  # fmt: skip


def _in_progress(answer: httpx.Response) -> bool:
    return answer.status_code == 409 and answer.json().get("code") == "idempotency_in_progress"


class Writer(threading.Thread):
    """One writer, who knows in which order things were accepted."""

    def __init__(self, shared: Shared, seed: str) -> None:
        super().__init__(name=f"writer-{seed}", daemon=True)
        self._shared = shared
        self._chance = random.Random(seed)
        self._caller = Caller(shared, self._chance)
        self._pieces: list[Piece] = []
        self.complaint = ""

    def run(self) -> None:
        try:
            while not self._shared.ended.is_set():
                self._act()
                self._shared.ended.wait(self._chance.uniform(0.0, LONGEST_PAUSE))
        except Exception as error:  # told by whoever started us
            self.complaint = repr(error)
        finally:
            self._caller.close()

    def _act(self) -> None:
        """The next thing a newsroom does: mostly the next revision of a story that is out."""
        usable = [
            p for p in self._pieces if p.state == "live" or (p.state == "waiting" and p.due < time.time())
        ]
        if not usable or (len(usable) < MOST_LIVE and self._chance.random() < 0.6):
            self._open()
            return
        piece = self._chance.choice(usable)
        piece.state = "live"
        acts: dict[Callable[[Piece], object], int] = {
            self._again: 60, self._correct: 8, self._draft_only: 5, self._schedule: 5, self._take_off: 4,
            self._take_down: 2, self._swap: 4, self._caller.intrude: 3,
        }  # fmt: skip
        (act,) = self._chance.choices(list(acts), list(acts.values()))
        act(piece)

    def _open(self) -> None:
        number = self._shared.number()
        piece = Piece(number, slug=f"s{self._shared.run}-{number}")
        found = self._store(piece, "create", "POST", "/v1/articles")
        if found is None:
            return
        piece.id = found["id"]
        self._publish(piece)
        self._shared.paths[f"/politics/{piece.slug}/"] = None
        self._pieces.append(piece)

    def _store(self, piece: Piece, op: str, method: str, path: str) -> dict[str, Any] | None:
        """A revision of its own words."""
        word = f"w{self._shared.run}a{piece.number}r{piece.revision + 1}x"
        match = {"If-Match": f'"{piece.revision}"'} if piece.revision else {}
        found = self._caller.insist(
            op, piece, method, path, headers=match, word=word, body=self._draft(piece, word)
        )
        if found is not None:
            piece.revision, piece.word = found["revision"], word
        return found

    def _draft(self, piece: Piece, word: str) -> dict[str, Any]:
        hero = {"hero": {"asset": self._shared.photo, "alt": "صورة"}} if piece.number % 8 == 1 else {}
        return {
            "section": "politics", "slug": piece.slug, "headline": f"خبر {word}",
            "standfirst": f"موجز الخبر رقم {piece.number}.", "byline": [{"name": "ليلى حداد"}],
            "body": [{"type": "paragraph", "html": f"فقرة واحدة من الخبر {word} عن جلسة عامة."}],
            **(hero if self._shared.photo else {}),
        }  # fmt: skip

    def _publish(self, piece: Piece, **wanted: Any) -> None:
        if self._chance.random() < 0.15:
            wanted["priority"] = self._chance.choice(["breaking", "bulk"])
        self._caller.insist(
            "publish", piece, "POST", f"/v1/articles/{piece.id}/publish", word=piece.word, body=wanted
        )
        piece.state = "live"

    def _again(self, piece: Piece) -> bool:
        """Some drafts, fewer once the run is over, the last of them published; false if one was refused."""
        for _ in range(self._chance.choice(SAVED)):
            if self._store(piece, "update", "PUT", f"/v1/articles/{piece.id}") is None:
                return False
            if self._shared.ended.is_set():
                break
        self._publish(piece)
        return True

    def _draft_only(self, piece: Piece) -> None:
        """A revision that nobody publishes yet: it must not be seen until one is."""
        self._store(piece, "update", "PUT", f"/v1/articles/{piece.id}")

    def _correct(self, piece: Piece) -> None:
        text = f"تصحيح {uuid.uuid4().hex}"
        self._caller.insist(
            "correct", piece, "POST", f"/v1/articles/{piece.id}/corrections", word=text,
            body={"kind": "correction", "text": text},
        )  # fmt: skip

    def _schedule(self, piece: Piece) -> None:
        """The next revision, a few seconds ahead; the writer leaves the story alone until then."""
        if self._store(piece, "update", "PUT", f"/v1/articles/{piece.id}") is None:
            return
        piece.due = time.time() + AHEAD_SECONDS
        at = datetime.fromtimestamp(piece.due, UTC).isoformat()
        self._caller.insist(
            "schedule", piece, "POST", f"/v1/articles/{piece.id}/publish", word=piece.word, due=piece.due,
            body={"publish_at": at},
        )  # fmt: skip
        piece.state = "waiting"

    def _take_off(self, piece: Piece) -> None:
        self._remove(piece, "unpublish")
        self._note(piece, "republishing")
        self._again(piece)

    def _take_down(self, piece: Piece) -> None:
        self._remove(piece, "takedown")
        piece.state = "gone"

    def _remove(self, piece: Piece, kind: str) -> None:
        """Also notes when the removal reports that it is done, if the writer waits so long."""
        body = {"kind": kind, "reason": "اختبار"}
        found = self._caller.insist(kind, piece, "POST", f"/v1/articles/{piece.id}/unpublish", body=body)
        patience = time.monotonic() + 8
        while found is not None and time.monotonic() < patience and not self._shared.abandoned.wait(0.5):
            now = self._caller.get(f"/v1/publications/{found['id']}")
            if now is not None and now["state"] == "live":
                self._note(piece, "removed")
                return

    def _note(self, piece: Piece, op: str) -> None:
        """A moment that the judge wants to know of."""
        self._shared.log.add(Call(
            t=time.monotonic(), op=op, key=uuid.uuid4().hex, outcome="ok", number=piece.number,
            article=piece.id,
        ))  # fmt: skip

    def _swap(self, piece: Piece) -> None:
        """Two stories change their addresses, by way of a third."""
        others = [p for p in self._pieces if p is not piece and p.state == "live"]
        if not others:
            self._again(piece)
            return
        other = self._chance.choice(others)
        mine, theirs = piece.slug, other.slug
        for story, slug in ((piece, f"{mine}-x{piece.revision}"), (other, mine), (piece, theirs)):
            before, story.slug = story.slug, slug
            if not self._again(story):  # the other has not left the address yet: both stay where they are
                story.slug = before
                break
        for story in (piece, other):
            self._shared.paths[f"/politics/{story.slug}/"] = None


class Reader(threading.Thread):
    """Reads articles and the front through the edge, as fast as one reader may."""

    def __init__(self, shared: Shared, seed: str) -> None:
        super().__init__(name="reader", daemon=True)
        self._shared = shared
        self._chance = random.Random(seed)

    def run(self) -> None:
        with httpx.Client(base_url=self._shared.site, timeout=10, trust_env=False) as client:
            while not self._shared.ended.wait(0.05):
                self._look(client, self._chance.choice(["/", *self._shared.paths]))

    def _look(self, client: httpx.Client, path: str) -> None:
        started = time.monotonic()
        try:
            answer = client.get(path)
        except httpx.TransportError:
            return
        words = words_in(answer.content)
        self._shared.log.add(Read(t=started, path=path, status=answer.status_code, words=words))
