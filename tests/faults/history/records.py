"""What a chaos run leaves: logs by everyone but the system under test, and a dump of it at rest.

Each log is one JSON object a line, in the order in which things happened; ``t`` is monotonic seconds of
the one machine, ``wall`` seconds since 1970. Nothing here judges.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

WORD: Final = re.compile(r"w[0-9a-f]{1,8}a(\d+)r(\d+)x")
"""The word that one revision's headline holds: run, article, count."""

Outcome: TypeAlias = Literal["ok", "fail", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request of a client and what came of it; a repeated request has the same ``key``.

    ``due``: wall time before which nothing of it may be seen, 0 for at once.
    """

    t: float
    op: str
    key: str
    outcome: Outcome
    status: int = 0
    number: int = 0
    article: str = ""
    revision: int = 0
    word: str = ""
    publication: str = ""
    due: float = 0.0
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Write:
    """One change that the store made of an object, or may have made (``applied`` false).

    ``version`` and ``previous`` are 0 for what has none. ``words`` and ``names``: the words of headlines in
    the body, and the keys of the assets that it names.
    """

    t: float
    wall: float
    op: Literal["put", "delete"]
    key: str
    version: int = 0
    previous: int = 0
    sha256: str = ""
    applied: bool = True
    condition: str = ""
    tags: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Purge:
    """What the edge was told to forget, and acknowledged; ``keys``: the objects behind the addresses."""

    t: float
    keys: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Read:
    """What a reader got."""

    t: float
    path: str
    status: int
    words: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What the nemesis did, from ``t`` until ``until``."""

    t: float
    wall: float
    until: float
    name: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Thing:
    """An object at rest; ``links``: the keys of the site's own pages that it leads to."""

    version: int
    sha256: str
    status: int = 200
    words: tuple[str, ...] = ()
    links: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PageRow:
    """A page as the database has it; ``rendered``: the hash of what its state renders to."""

    key: str
    wanted: int
    live: int
    stored: int
    rendered: str
    served: str
    served_status: int


@dataclass(frozen=True, kw_only=True)
class Dump:
    """The system at rest.

    ``revisions``: article, number, headline. ``publications``: id to article and state. ``articles``: id to
    the key of its page. ``finishes``: step, fence and how often that claim was finished.
    ``lives``: how often each publication was announced as live. ``before``: the keys there were at the
    start. ``recovered``: seconds from the end of faults until nothing was left to do, None for never.
    """

    revisions: tuple[tuple[str, int, str], ...] = ()
    publications: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    articles: Mapping[str, str] = field(default_factory=dict)
    corrections: tuple[str, ...] = ()
    pages: tuple[PageRow, ...] = ()
    objects: Mapping[str, Thing] = field(default_factory=dict)
    finishes: tuple[tuple[int, int, int], ...] = ()
    unfinished: tuple[int, ...] = ()
    lives: Mapping[str, int] = field(default_factory=dict)
    dead: tuple[str, ...] = ()
    before: frozenset[str] = frozenset()
    healed_at: float = 0.0
    recovered: float | None = None


@dataclass(frozen=True, kw_only=True)
class History:
    """A whole run."""

    calls: tuple[Call, ...] = ()
    writes: tuple[Write, ...] = ()
    purges: tuple[Purge, ...] = ()
    reads: tuple[Read, ...] = ()
    faults: tuple[Fault, ...] = ()
    dump: Dump = Dump()


KINDS: Final[dict[str, type]] = {
    "calls": Call, "writes": Write, "purges": Purge, "reads": Read, "faults": Fault,
}  # fmt: skip


class Log:
    """The logs of a run, written line by line as things happen; many threads may write."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._files = {name: (folder / f"{name}.jsonl").open("a", encoding="utf-8") for name in KINDS}
        self._lock = threading.Lock()
        self._ended = False

    def add(self, record: Call | Write | Purge | Read | Fault) -> None:
        """What comes after the end belongs to no run."""
        name = next(name for name, kind in KINDS.items() if isinstance(record, kind))
        with self._lock:
            if self._ended:
                return
            self._files[name].write(json.dumps(asdict(record), ensure_ascii=False) + "\n")
            self._files[name].flush()

    def close(self, dump: Dump) -> History:
        """Ends the logs with the dump and reads all of it back."""
        with self._lock:
            self._ended = True
            for file in self._files.values():
                file.close()
        plain = {**asdict(dump), "before": sorted(dump.before)}
        (self.folder / "dump.json").write_text(json.dumps(plain, ensure_ascii=False), "utf-8")
        return load(self.folder)


def load(folder: Path) -> History:
    """A run out of its folder."""
    logs = {name: tuple(_lines(folder / f"{name}.jsonl", kind)) for name, kind in KINDS.items()}
    return History(**logs, dump=_dump(json.loads((folder / "dump.json").read_text("utf-8"))))


def _lines(file: Path, kind: type) -> list[Any]:
    return [kind(**_frozen(json.loads(line))) for line in file.read_text("utf-8").splitlines()]


def _frozen(record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in record.items()}


def _dump(plain: dict[str, Any]) -> Dump:
    return Dump(
        revisions=tuple((a, int(n), h) for a, n, h in plain["revisions"]),
        publications={name: (a, s) for name, (a, s) in plain["publications"].items()},
        articles=plain["articles"],
        corrections=tuple(plain["corrections"]),
        pages=tuple(PageRow(**row) for row in plain["pages"]),
        objects={key: Thing(**_frozen(thing)) for key, thing in plain["objects"].items()},
        finishes=tuple((s, f, n) for s, f, n in plain["finishes"]),
        unfinished=tuple(plain["unfinished"]),
        lives=plain["lives"],
        dead=tuple(plain["dead"]),
        before=frozenset(plain["before"]),
        healed_at=plain["healed_at"],
        recovered=plain["recovered"],
    )


def now() -> dict[str, float]:
    """Both clocks, for a record."""
    return {"t": time.monotonic(), "wall": time.time()}
