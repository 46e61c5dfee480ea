"""What the numbers were measured on, in one line."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def describe() -> str:
    """CPU, cores, memory, kernel, Python, version of nashr, day, and the load when the run began."""
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    return (
        f"{_cpu()}, {len(os.sched_getaffinity(0))} cores, {_memory_gib():.0f} GiB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"nashr {version('nashr')}, {datetime.now(UTC):%Y-%m-%d}; load average at the start {load}"
    )


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_gib() -> float:
    first = Path("/proc/meminfo").read_text().splitlines()[0]
    return int(first.split()[1]) / 2**20
