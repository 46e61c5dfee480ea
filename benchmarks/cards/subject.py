"""nashr as the benchmarks see it: the only module here that knows how cards are drawn.

``python -m benchmarks.cards.subject`` draws what it reads, a job in JSON a line, and answers as the peers do;
with ``pool`` it draws all of them in a pool and prints the most memory that its child has held.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nashr.runtime import sandbox
from nashr_cards.card import CardText, Theme
from nashr_cards.pool import CardPool

FOCAL = (0.5, 0.4)
Row = Mapping[str, Any]
"""A Job as JSON."""


def draw(rows: Iterable[Row]) -> None:
    """As a child of the pool does, in this process: CPU and wall clock run from the photo's file to JPEGs."""
    from nashr_cards import child  # noqa: PLC0415 - the pool's parent never loads libvips

    sandbox.tune_memory()
    for row in rows:
        words = _words(row)
        cpu, wall = time.process_time(), time.perf_counter()
        cards = child.draw(**words, hero=_hero(row), focal=FOCAL, formats=row["formats"])
        used, took = time.process_time() - cpu, time.perf_counter() - wall
        for card in cards if row["folder"] else ():
            (Path(row["folder"]) / f"nashr-{card.format}.jpg").write_bytes(card.data)
        print(
            json.dumps({"cpu": used, "wall": took, "bytes": [len(card.data) for card in cards]}), flush=True
        )


def peak(rows: Iterable[Row]) -> int:
    """Bytes (VmHWM)."""
    pool = CardPool(size=1)
    try:
        pool.warm()
        for row in rows:
            pool.draw(**_words(row), hero=_hero(row), focal=FOCAL, formats=row["formats"])
        return max(_held(process) for process in _children())
    finally:
        pool.close()


def _words(row: Row) -> dict[str, Any]:
    story, logo = row["story"], Path(row["logo"]).read_bytes()
    words = (story[name] for name in ("headline", "label", "language", "direction", "date"))
    return {
        "text": CardText(*words),
        "theme": Theme("#be123c", "#0f172a", "#ffffff", story["site"], logo),
    }


def _hero(row: Row) -> bytes | None:
    return Path(row["hero"]).read_bytes() if row["hero"] else None


def _children() -> list[int]:
    threads = Path(f"/proc/{os.getpid()}/task").iterdir()
    return [int(child) for thread in threads for child in (thread / "children").read_text().split()]


def _held(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


if __name__ == "__main__":
    read = map(json.loads, sys.stdin)
    if sys.argv[1:] == ["pool"]:
        print(peak(read))
    else:
        draw(read)
