"""Sets of renditions a minute, with one child of the pool, with one a core, and with one more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Final

from nashr_images.pool import DecodePool

from benchmarks.figures import Table
from benchmarks.images.spec import Spec
from benchmarks.images.subject import ours_in_pool

CHILDREN: Final = (1, 2, 3)


def measure(photos: Sequence[Path], spec: Spec, *, seconds: float) -> Table:
    rows = []
    for children in CHILDREN:
        took, elapsed = _work(photos, spec, children=children, seconds=seconds)
        rows.append(
            [str(children), f"{len(took) * 60 / elapsed:.1f}", f"{median(took):.2f} s", str(len(took))]
        )
    return Table(
        "Sets a minute",
        ("children", "sets a minute", "one set, median", "sets measured"),
        rows,
        [f"{len(photos)} photos in turn, a thread a child, for {seconds:.0f} s and until the last is done."],
    )


def _work(
    photos: Sequence[Path], spec: Spec, *, children: int, seconds: float
) -> tuple[Sequence[float], float]:
    """Seconds that each set took, and seconds in all."""
    pool = DecodePool(workers=children)
    turn, lock = cycle(photos), threading.Lock()
    took: list[float] = []

    def work() -> None:
        while time.perf_counter() < started + seconds:
            with lock:
                photo = next(turn)
            begun = time.perf_counter()
            ours_in_pool(pool, photo, spec)
            took.append(time.perf_counter() - begun)

    try:
        _together(lambda: ours_in_pool(pool, photos[0], spec), children)  # all children are up
        started = time.perf_counter()
        _together(work, children)
        return took, time.perf_counter() - started
    finally:
        pool.close()


def _together(work: Callable[[], object], times: int) -> None:
    """Runs it in as many threads, and raises what one of them raised."""
    with ThreadPoolExecutor(times) as threads:
        for future in [threads.submit(work) for _ in range(times)]:
            future.result()
