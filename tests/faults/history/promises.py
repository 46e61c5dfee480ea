"""The promises, each a pure function from a run's history to what broke it, in words.

The logs come from others than the system under test; the dump is what it says itself, at rest.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from tests.faults.history.records import WORD, Call, History, Write

HEAL_SECONDS: Final = 30.0
PUBLISHING: Final = frozenset({"publish", "schedule"})
REMOVING: Final = frozenset({"unpublish", "takedown"})
WRITING: Final = frozenset({"create", "update"})

Complaints = Iterator[str]


def accepted(history: History) -> list[Call]:
    """Every request that was answered with yes, each key once."""
    first: dict[str, Call] = {}
    for call in history.calls:
        if call.outcome == "ok":
            first.setdefault(call.key, call)
    return list(first.values())


@dataclass(frozen=True)
class Shown:
    """How an article should stand: ``word`` of its newest publication, empty for one that was removed."""

    article: str
    word: str


def standing(history: History) -> Mapping[int, Shown]:
    """By article number, what the last accepted request about it asked for. One writer per article."""
    found: dict[int, Shown] = {}
    for call in accepted(history):
        if call.op in PUBLISHING:
            found[call.number] = Shown(call.article, call.word)
        elif call.op in REMOVING:
            found[call.number] = Shown(call.article, "")
    return found


def lost(history: History) -> Complaints:
    """Promise 1: every yes is in the database, with what was said."""
    dump = history.dump
    revisions = {(article, number): headline for article, number, headline in dump.revisions}
    corrections = set(dump.corrections)
    for call in accepted(history):
        if call.op in WRITING and call.word not in revisions.get((call.article, call.revision), ""):
            yield f"{call.op} {call.key}: revision {call.revision} of {call.article} is not in the database"
        if call.op in PUBLISHING | REMOVING and call.publication not in dump.publications:
            yield f"{call.op} {call.key}: publication {call.publication} is not in the database"
        if call.op == "correct" and call.word not in corrections:
            yield f"correction {call.word} of {call.article} is not in the database"


def stale(history: History) -> Complaints:
    """Promise 2 at rest: each article's page shows its newest headline, and no page shows an older one."""
    dump, wanted = history.dump, standing(history)
    for number, shown in wanted.items():
        thing = dump.objects.get(dump.articles.get(shown.article, ""))
        if shown.word and (thing is None or thing.status != 200 or shown.word not in thing.words):
            yield f"article {number} does not show {shown.word}"
    for key, thing in dump.objects.items():
        for word in thing.words:
            found = WORD.fullmatch(word)
            shown_now = wanted.get(int(found[1])) if found else None
            if shown_now is not None and word != shown_now.word:
                yield f"{key} shows {word}, not {shown_now.word or 'nothing, it was removed'}"


def certain(writes: tuple[Write, ...]) -> list[Write]:
    """The writes that happened: one of unknown outcome did if the next one found its version there."""
    following: dict[str, Write] = {}
    kept: list[Write] = []
    for write in reversed(writes):
        after = following.get(write.key)
        if write.applied or (after is not None and after.previous == write.version > 0):
            kept.append(write)
        following[write.key] = write
    return kept[::-1]


def back(history: History) -> Complaints:
    """Promise 2 at every instant: no page is ever replaced by an older or the same version of itself."""
    newest: dict[str, int] = defaultdict(int)
    for write in certain(history.writes):
        if write.op == "put" and write.version:
            if write.previous > write.version or newest[write.key] > write.version:
                there = max(write.previous, newest[write.key])
                yield f"{write.key}: version {write.version} replaced {there}"
            newest[write.key] = max(newest[write.key], write.version)


def wrong_bytes(history: History) -> Complaints:
    """Promise 2 and 10: what is stored is what the state renders to, and what the edge serves."""
    for page in history.dump.pages:
        thing = history.dump.objects.get(page.key)
        if page.wanted != page.live:
            yield f"{page.key}: version {page.wanted} is wanted and {page.live} is live"
        if thing is None:
            yield f"{page.key} is not in the store"
        elif thing.sha256 != page.rendered:
            yield f"{page.key} is not what its state renders to"
        elif thing.sha256 != page.served or thing.status != page.served_status:
            yield f"{page.key}: the edge serves something else ({page.served_status})"


def half_pages(history: History) -> Complaints:
    """Promise 3: at each PUT of a page, and until it is replaced, every asset that it names is there."""
    there = set(history.dump.before)
    named: dict[str, frozenset[str]] = {}
    for write in certain(history.writes):
        if write.op == "delete":
            there.discard(write.key)
            named.pop(write.key, None)
            holders = [page for page, names in named.items() if write.key in names]
            yield from (f"{write.key} was deleted while {page} named it" for page in holders)
            continue
        there.add(write.key)
        if write.version:
            named[write.key] = frozenset(write.names)
            for name in sorted(named[write.key] - there):
                yield f"{write.key} version {write.version} named {name}, which was not there"


def dead_links(history: History) -> Complaints:
    """Promise 3 at rest: every link to the site itself leads to a page or a redirect."""
    objects = history.dump.objects
    there = {key for key, thing in objects.items() if thing.status in {200, 301}}
    for key, thing in objects.items():
        if thing.status == 200:
            yield from (
                f"{key} leads to {name}, which is not there" for name in thing.links if name not in there
            )


def doubled(history: History) -> Complaints:
    """Promise 4: each claim ends once, each version is stored once, each publication goes live once."""
    for step, fence, count in history.dump.finishes:
        if count != 1:
            yield f"claim {fence} of step {step} had {count} effects"
    yield from (f"step {step} is done and has no effect" for step in history.dump.unfinished)
    for publication, count in history.dump.lives.items():
        if count > 1:
            yield f"publication {publication} went live {count} times"
    stored = Counter((w.key, w.version) for w in certain(history.writes) if w.op == "put" and w.version)
    yield from (
        f"{key} version {version} was stored {n} times" for (key, version), n in stored.items() if n > 1
    )


def unpurged(history: History) -> Complaints:
    """Promise 4: a purge that the edge acknowledged follows each PUT of a page."""
    last_by_key: dict[str, float] = {}
    last_by_tag: dict[str, float] = {}
    for purge in history.purges:
        last_by_key.update(dict.fromkeys(purge.keys, purge.t))
        last_by_tag.update(dict.fromkeys(purge.tags, purge.t))
    newest = {write.key: write for write in certain(history.writes) if write.op == "put" and write.version}
    for key, write in newest.items():
        purged = max([last_by_key.get(key, 0.0), *(last_by_tag.get(tag, 0.0) for tag in write.tags)])
        if purged < write.t:
            yield f"{key} version {write.version} was stored and never purged"


def early(history: History) -> Complaints:
    """Promise 5: nothing of a scheduled revision is in the store before its hour."""
    hours = {call.word: call.due for call in accepted(history) if call.due}
    for write in certain(history.writes):
        for word in write.words:
            if write.wall < hours.get(word, 0.0):
                yield f"{write.key} held {word} {hours[word] - write.wall:.1f} s before its hour"


def unremoved(history: History) -> Complaints:
    """Promise 5: once a removal reports done, no reader gets any of it until it is republished."""
    removed: dict[int, float] = {}
    spans: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for call in history.calls:
        if call.op == "removed" and call.outcome == "ok":
            removed.setdefault(call.number, call.t)
        elif call.op == "republishing" and call.number in removed:
            spans[call.number].append((removed.pop(call.number), call.t))
    for number, since in removed.items():
        spans[number].append((since, float("inf")))
    for read in history.reads:
        for word in read.words:
            found = WORD.fullmatch(word)
            if found and any(start < read.t < end for start, end in spans.get(int(found[1]), ())):
                yield f"a reader got {word} at {read.path} after its removal was done"


def repeated(history: History) -> Complaints:
    """Promise 6: one key, one revision, one publication, one answer."""
    answers: dict[str, set[tuple[str, int, str]]] = defaultdict(set)
    for call in history.calls:
        if call.outcome == "ok":
            answers[call.key].add((call.article, call.revision, call.publication))
    yield from (f"key {key} had {len(found)} answers" for key, found in answers.items() if len(found) > 1)
    words = Counter(found[0] for _, _, line in history.dump.revisions if (found := WORD.search(line)))
    yield from (f"{word} is in {count} revisions" for word, count in words.items() if count > 1)
    texts = Counter(history.dump.corrections)
    yield from (f"correction {text} is there {count} times" for text, count in texts.items() if count > 1)
    asked = {call.publication for call in accepted(history)}
    unknown = {call.key for call in history.calls} - {call.key for call in accepted(history)}
    extra = set(history.dump.publications) - asked
    if len(extra) > len(unknown):
        yield f"publications that nobody asked for: {sorted(extra)[:5]}"


def refused(history: History) -> Complaints:
    """Promise 6: what is sound is never refused, least of all because it was asked before."""
    for call in history.calls:
        if call.outcome == "fail" and call.op != "intrude" and "slug_taken" not in call.detail:
            yield f"{call.op} {call.key}: {call.status} {call.detail}"


def slow(history: History, *, heal: float = HEAL_SECONDS) -> Complaints:
    """Promise 7: ``heal`` seconds after the last fault nothing is left to do, and no human was needed."""
    dump = history.dump
    if dump.recovered is None or dump.recovered > heal:
        yield f"recovered after {dump.recovered} s"
    yield from (f"dead: {step}" for step in dump.dead)
    answered = {call.key for call in history.calls if call.outcome != "unknown"}
    left = {call.key for call in history.calls if call.op != "intrude"} - answered  # nobody insists on that
    yield from (f"request {key} was never answered" for key in sorted(left))


def intruded(history: History) -> Complaints:
    """Promise 8: nobody gets in without a token, whatever is broken at that moment."""
    for call in history.calls:
        if call.op == "intrude" and call.outcome == "ok":
            yield f"a request without a right token was answered {call.status}"


PROMISES: Final[Mapping[str, Callable[[History], Complaints]]] = {
    "lost": lost,
    "stale": stale,
    "back": back,
    "bytes": wrong_bytes,
    "half pages": half_pages,
    "dead links": dead_links,
    "double effects": doubled,
    "unpurged": unpurged,
    "early": early,
    "unremoved": unremoved,
    "repeated": repeated,
    "refused": refused,
    "slow": slow,
    "intruded": intruded,
}


def judge(history: History, *, heal: float = HEAL_SECONDS) -> dict[str, list[str]]:
    """What broke each promise: empty lists, for a history without a fault."""
    found = {name: list(check(history)) for name, check in PROMISES.items()}
    return {**found, "slow": list(slow(history, heal=heal))}


def lags(history: History) -> dict[str, list[float]]:
    """Seconds from each publication's yes until the store held its words, ``inside`` and ``outside`` faults.

    Without what a newer publication overtook before it was stored.
    """
    first: dict[str, float] = {}
    for write in certain(history.writes):
        for word in write.words:
            first.setdefault(word, write.t)
    found: dict[str, list[float]] = {"inside": [], "outside": []}
    for call in accepted(history):
        if call.op == "publish" and call.word in first:
            seconds = max(0.0, first[call.word] - call.t)
            hurt = any(f.t <= call.t + seconds and call.t <= f.until for f in history.faults)
            found["inside" if hurt else "outside"].append(seconds)
    return found
