"""What the stack's logs say about the time it was measured: the steps that ran, and what went wrong."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.figures import table

COMPLAINTS = frozenset({"warning", "error", "critical"})


@dataclass(frozen=True)
class Ran:
    """One step that was done: seconds it took, and seconds it was due before a worker took it."""

    took: float
    waited: float


def steps_since(folder: Path, start: float) -> Mapping[str, list[Ran]]:
    """The steps done since ``start`` (seconds since the epoch), by kind."""
    found = defaultdict(list)
    for _, entry in _entries(folder):
        if entry.get("event") == "step.done" and _at(entry) >= start:
            found[entry["kind"]].append(Ran(entry["ms"] / 1000, entry["waited"]))
    return found


def complaints(folder: Path) -> str:
    """A markdown section of warnings and errors, counted; it says so when there were none."""
    found = Counter(
        (program, _beginning(entry.get("event", "")), _beginning(entry.get("error", "")))
        for program, entry in _entries(folder)
        if entry.get("level") in COMPLAINTS
    )
    rows = [(*what, str(count)) for what, count in found.most_common()]
    text = table(("program", "event", "error", "times"), rows) if rows else "None.\n"
    return f"### Warnings and errors in the logs\n\n{text}"


def _entries(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(program, entry) of each structured line."""
    for file in sorted(folder.glob("*.log")):
        for line in file.read_text("utf-8", errors="replace").splitlines():
            if line.startswith("{") and line.endswith("}"):
                yield file.stem, json.loads(line)


def _at(entry: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(entry["timestamp"]).timestamp()


def _beginning(text: object) -> str:
    return str(text).split("\n", 1)[0].replace("|", "\\|")[:80]
