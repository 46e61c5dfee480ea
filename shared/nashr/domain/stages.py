"""The stages of a publication, from the editor's request to the edge's proof, and how long each took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

STAGES: Final = ("accepted", "released", "enriched", "rendered", "stored", "purged", "proven")
"""In the order of time. accepted: 202. released: its hour has come. enriched: what it waited for is there, or
its wait is over. stored: the store has acknowledged. purged: the edge has. proven: the edge serves it."""


@dataclass(frozen=True)
class Stage:
    """One stage that was reached; ``seconds`` since the one before it."""

    stage: str
    at: datetime
    seconds: float


def timeline(times: Mapping[str, datetime | None]) -> Sequence[Stage]:
    """The stages that have a time, in order. Nothing is sent of an unchanged page: it has no ``stored``."""
    found: list[Stage] = []
    for name in STAGES:
        at = times.get(name)
        if at is not None:
            before = found[-1].at if found else at
            found.append(Stage(name, at, round((at - before).total_seconds(), 3)))
    return found
