"""Many runs, each on a fresh stack and with a seed of its own; a table of what came of them.

``python -m tests.faults.chaos.soak --seeds 20 --minutes 1.5``; ``--seed 7`` does one again.
"""

from __future__ import annotations

import argparse
import json
import random
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from tests.faults.chaos import naive_run, run
from tests.faults.chaos.run import Plan, Verdict
from tests.faults.history.promises import PUBLISHING, WRITING, lags
from tests.faults.lab import opened

Row: TypeAlias = dict[str, Any]
COLUMNS = (
    *("seed", "faults", "drafts", "published", "lost", "stale", "double", "half", "other"),
    *("recovery", "lag p50", "lag max"),
)
TIMES = COLUMNS[-3:]
TOKEN_RATE = "40"
"""Requests a second of one token: the crowd meets its limit, writers hardly."""
NAMED = {
    "lost": ("lost",),
    "stale": ("stale", "back", "bytes"),
    "double": ("double effects", "repeated"),
    "half": ("half pages", "dead links"),
}


def row(verdict: Verdict) -> Row:
    """One line of the table: counts, and seconds; a recovery of None never came."""
    counts = {name: sum(len(verdict.complaints[p]) for p in parts) for name, parts in NAMED.items()}
    rest = sum(len(found) for found in verdict.complaints.values()) - sum(counts.values())
    seconds = sorted(value for part in lags(verdict.history).values() for value in part)
    return {
        "seed": verdict.seed,
        "faults": len(verdict.history.faults),
        "drafts": verdict.accepted(WRITING),
        "published": verdict.accepted(PUBLISHING),
        **counts,
        "other": rest,
        "recovery": verdict.history.dump.recovered,
        "lag p50": seconds[len(seconds) // 2] if seconds else None,
        "lag max": seconds[-1] if seconds else None,
    }


def total(rows: Sequence[Row]) -> Row:
    """The counts added up, the median of recoveries and of median lags, and the longest lag."""
    summed = {name: sum(one[name] or 0 for one in rows) for name in COLUMNS[1:-3]}
    return {
        "seed": len(rows), **summed,
        "recovery": _median([one["recovery"] for one in rows]),
        "lag p50": _median([one["lag p50"] for one in rows]),
        "lag max": max((one["lag max"] or 0.0 for one in rows), default=0.0),
    }  # fmt: skip


def _median(values: Sequence[float | None]) -> float | None:
    """What never came is later than any number."""
    return sorted(values, key=_late)[len(values) // 2] if values else None


def soak(plans: list[Plan], folder: Path, *, naive: int) -> list[int]:
    """Runs the plans one after another; prints a line for each, and what was broken; returns failed seeds.

    The first ``naive`` of them also run against the naive publisher, on the same servers. Every line is also
    one of FOLDER/rows.jsonl.
    """
    print("  ".join(f"{name:>9}" for name in ("", *COLUMNS)), flush=True)
    rows: dict[str, list[Row]] = {"nashr": [], "naive": []}
    failed = []
    for place, plan in enumerate(plans):
        home = folder / f"seed-{plan.seed}"
        try:
            with opened(home, token_rate=TOKEN_RATE, token_burst=TOKEN_RATE) as lab:
                verdict = run.against(lab, plan, home / "logs")
                failed += [plan.seed] if verdict.broken else []
                rows["nashr"].append(_tell("nashr", verdict, home))
                if place < naive:
                    rows["naive"].append(_tell("naive", naive_run.against(lab, plan, home / "naive"), home))
        except Exception as error:  # no verdict is a bad one; the other seeds are still to come
            print(f"    seed {plan.seed}: {error!r}", flush=True)
            failed.append(plan.seed)
    for who, found in rows.items():
        if found:
            print(f"{who}: {len(found)} runs, added up; recovery and lag p50 are medians")
            _print(who, total(found))
            recoveries = [one["recovery"] for one in found]
            print(f"    recoveries: {', '.join(_seconds(value) for value in sorted(recoveries, key=_late))}")
    return failed


def _late(value: float | None) -> float:
    return float("inf") if value is None else value


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s"


def _print(who: str, found: Row) -> None:
    shown = [_seconds(value) if name in TIMES else str(value) for name, value in found.items()]
    print("  ".join(f"{value:>9}" for value in (who, *shown)), flush=True)


def _tell(who: str, verdict: Verdict, home: Path) -> Row:
    found = row(verdict)
    _print(who, found)
    for name, complaints in verdict.broken.items():
        print(f"    {name}: {len(complaints)}: {'; '.join(complaints[:3])}", flush=True)
    said = json.dumps(verdict.complaints, ensure_ascii=False, indent=1)
    (home / f"{who}.json").write_text(said, "utf-8")
    with (home.parent / "rows.jsonl").open("a", encoding="utf-8") as rows:
        rows.write(json.dumps({"who": who, **found}) + "\n")
    return found


def again(seed: int, given: argparse.Namespace) -> str:
    """The command that makes this seed's plan again."""
    kept = {"only": given.only, "faults": given.faults}
    if given.writers != run.WRITERS:
        kept["writers"] = given.writers
    words = " ".join(f"--{name} {shlex.quote(str(value))}" for name, value in kept.items() if value)
    return f"make soak SEED={seed} MINUTES={given.minutes}" + (f' SOAK="{words}"' if words else "")


def options() -> argparse.ArgumentParser:
    """What may be asked for."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, default=5, help="how many random seeds")
    asked.add_argument("--seed", type=int, help="this one seed only")
    asked.add_argument("--minutes", type=float, default=1.25, help="of faults, for each seed")
    asked.add_argument("--faults", type=int, help="for each seed; one every 1.6 s if not given")
    asked.add_argument("--writers", type=int, default=run.WRITERS, help="at work meanwhile")
    asked.add_argument(
        "--naive", type=int, default=1, help="how many of them run against the naive publisher too"
    )
    asked.add_argument("--only", default="", help="beginnings of names of faults, with commas between")
    asked.add_argument("--folder", type=Path, default=Path(".soak") / time.strftime("%Y%m%d-%H%M%S"))
    return asked


def main() -> None:
    """Ends with 1 if any promise was broken."""
    given = options().parse_args()
    seconds = given.minutes * 60
    seeds = [given.seed] if given.seed is not None else random.sample(range(1, 100_000), given.seeds)
    faults = given.faults or max(1, round(seconds / 1.6))
    folder = given.folder.absolute()
    kinds = tuple(given.only.split(","))
    plans = [Plan(seed, seconds=seconds, faults=faults, writers=given.writers, kinds=kinds) for seed in seeds]
    failed = soak(plans, folder, naive=given.naive)
    print(f"logs: {folder}")
    if failed:
        print(f"again: {again(failed[0], given)}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
