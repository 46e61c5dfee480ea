"""CPU and memory of a stack's processes, read from /proc by program."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
SUPERVISOR = "supervisor"


@dataclass(frozen=True)
class Memory:
    """Bytes resident; ``proportional`` counts a shared page once, split among those who share it."""

    resident: int
    proportional: int


def owners(data: Path) -> Mapping[int, str]:
    """Every process of the stack in ``data`` and the program it belongs to."""
    status = json.loads((data / "status.json").read_text())
    roots = {row["pid"]: row["name"] for row in status["programs"] if row["pid"]}
    parents = {pid: int(fields[1]) for pid in _pids() if (fields := _stat(pid))}
    found = {}
    for pid in parents:
        ancestor = pid
        while ancestor not in roots and ancestor != status["pid"] and ancestor in parents:
            ancestor = parents[ancestor]
        if ancestor in roots or ancestor == status["pid"]:
            found[pid] = roots.get(ancestor, SUPERVISOR)
    return found


def cpu_seconds(data: Path) -> Mapping[str, float]:
    """CPU used so far by program, in seconds; children that ended are in their parent's account."""
    ticks: Counter[str] = Counter()
    for pid, program in owners(data).items():
        ticks[program] += _cpu_ticks(pid)
    return {program: count / TICKS for program, count in ticks.items()}


def memory(data: Path) -> Mapping[str, Memory]:
    """Memory by program, from smaps_rollup."""
    found: dict[str, Memory] = {}
    for pid, program in owners(data).items():
        before, now = found.get(program, Memory(0, 0)), _memory(pid)
        found[program] = Memory(before.resident + now.resident, before.proportional + now.proportional)
    return found


def tree_memory(root: int) -> Memory:
    """Memory of one process and all that it started, and they."""
    each = [_memory(pid) for pid in tree_pids(root)]
    return Memory(sum(one.resident for one in each), sum(one.proportional for one in each))


def tree_cpu_ticks(root: int) -> int:
    """CPU used so far by one process and all that it started, and they, in TICKS a second."""
    return sum(_cpu_ticks(pid) for pid in tree_pids(root))


def tree_pids(root: int) -> set[int]:
    """One process and all that it started, and they."""
    parents = {pid: int(fields[1]) for pid in _pids() if (fields := _stat(pid))}
    family, size = {root}, 0
    while size < len(family):
        size = len(family)
        family |= {pid for pid, parent in parents.items() if parent in family}
    return family


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; empty for a process that is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []


def _cpu_ticks(pid: int) -> int:
    """User and system time, its own and that of children it has waited for."""
    return sum(int(field) for field in _stat(pid)[11:15])


def _memory(pid: int) -> Memory:
    values = dict.fromkeys(("Rss", "Pss"), 0)
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name in values:
                values[name] = int(rest.split()[0]) * 1024
    return Memory(values["Rss"], values["Pss"])
