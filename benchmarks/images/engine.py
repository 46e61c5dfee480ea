"""One engine, one photo, one process: ``python -m benchmarks.images.engine NAME PHOTO SPEC [FOLDER]``.

Prints CPU seconds (of its children too), wall-clock seconds, peak memory in bytes and the files. The clock
runs from the photo's path to the last file in memory: imports are not in it, and files are written after it.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from benchmarks.images import spec as specs


def main() -> None:
    name, photo, text, *folder = sys.argv[1:]
    spec = specs.read(text)
    make = _engine(name)
    cpu, wall = _cpu(), time.perf_counter()
    files = make(Path(photo), spec)
    used, took = _cpu() - cpu, time.perf_counter() - wall
    found = {"cpu": used, "wall": took, "peak": peak(), "files": [one.row() for one in files]}
    for one in files if folder else ():
        one.save(Path(folder[0]))
    print(json.dumps(found))


def _engine(name: str) -> specs.Engine:
    """Imported one at a time: a process holds the libraries of its own engine only."""
    if name == "ours":
        from nashr_images import core as _core  # noqa: F401, PLC0415

        from benchmarks.images.subject import ours  # noqa: PLC0415

        return ours
    from benchmarks.images import pillow  # noqa: PLC0415

    return {"pillow-once": pillow.once, "pillow-each": pillow.each}[name]


def _cpu() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def peak() -> int:
    """The most that this process has held, in bytes (VmHWM)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
