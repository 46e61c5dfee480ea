"""Many runs, each on a fresh stack and with a seed of its own; a table of what came of them.

``python -m tests.faults.chaos.soak --seeds 20 --minutes 1.5``; ``--seed 7`` does one again.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from pathlib import Path

from tests.faults.chaos import naive_run, run
from tests.faults.chaos.run import Plan, Verdict
from tests.faults.history.promises import lags
from tests.faults.lab import opened

COLUMNS = (
    *("seed", "faults", "accepted", "lost", "stale", "double", "half", "other"),
    *("recovery", "lag p50", "lag max"),
)
NAMED = {
    "lost": ("lost",),
    "stale": ("stale", "back", "bytes"),
    "double": ("double effects", "repeated"),
    "half": ("half pages",),
}


def row(verdict: Verdict) -> dict[str, str]:
    """One line of the table; a recovery of None is written as never."""
    counts = {name: sum(len(verdict.complaints[p]) for p in parts) for name, parts in NAMED.items()}
    rest = sum(len(found) for found in verdict.complaints.values()) - sum(counts.values())
    seconds = sorted(value for part in lags(verdict.history).values() for value in part)
    recovered = verdict.history.dump.recovered
    return {
        "seed": str(verdict.seed),
        "faults": str(len(verdict.history.faults)),
        "accepted": str(verdict.accepted),
        **{name: str(count) for name, count in counts.items()},
        "other": str(rest),
        "recovery": "never" if recovered is None else f"{recovered:.1f} s",
        "lag p50": f"{seconds[len(seconds) // 2]:.1f} s" if seconds else "-",
        "lag max": f"{seconds[-1]:.1f} s" if seconds else "-",
    }


def soak(plans: list[Plan], folder: Path, *, naive: int) -> list[Verdict]:
    """Runs the plans one after another; prints a line for each, and what was broken.

    The first ``naive`` of them also run against the naive publisher, on the same servers.
    """
    print("  ".join(f"{name:>9}" for name in ("", *COLUMNS)), flush=True)
    verdicts = []
    for place, plan in enumerate(plans):
        home = folder / f"seed-{plan.seed}"
        with opened(home) as lab:
            verdicts.append(run.against(lab, plan, home / "logs"))
            _tell("nashr", verdicts[-1], home)
            if place < naive:
                _tell("naive", naive_run.against(lab, plan, home / "naive"), home)
    return verdicts


def _tell(who: str, verdict: Verdict, home: Path) -> None:
    print("  ".join(f"{value:>9}" for value in (who, *row(verdict).values())), flush=True)
    for name, found in verdict.broken.items():
        print(f"    {name}: {len(found)}: {'; '.join(found[:3])}", flush=True)
    said = json.dumps(verdict.complaints, ensure_ascii=False, indent=1)
    (home / f"{who}.json").write_text(said, "utf-8")


def main() -> None:
    """Ends with 1 if any promise was broken."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seeds", type=int, default=5, help="how many random seeds")
    asked.add_argument("--seed", type=int, help="this one seed only")
    asked.add_argument("--minutes", type=float, default=1.25, help="of faults, for each seed")
    asked.add_argument("--faults", type=int, help="for each seed; one every 1.6 s if not given")
    asked.add_argument(
        "--naive", type=int, default=1, help="how many of them run against the naive publisher too"
    )
    asked.add_argument("--only", default="", help="beginnings of names of faults, with commas between")
    asked.add_argument("--folder", type=Path, default=Path(".soak") / time.strftime("%Y%m%d-%H%M%S"))
    given = asked.parse_args()
    seconds = given.minutes * 60
    seeds = [given.seed] if given.seed is not None else random.sample(range(1, 100_000), given.seeds)
    faults = given.faults or max(1, round(seconds / 1.6))
    folder = given.folder.absolute()
    kinds = tuple(given.only.split(","))
    plans = [Plan(seed, seconds=seconds, faults=faults, kinds=kinds) for seed in seeds]
    verdicts = soak(plans, folder, naive=given.naive)
    failed = [verdict.seed for verdict in verdicts if verdict.broken]
    print(f"logs: {folder}")
    if failed:
        print(f"again: make soak SEED={failed[0]} MINUTES={given.minutes:g}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
