"""``python benchmarks/delivery/run.py [--quick] [NAME ...]``: pushes, corrections, changes; see README."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks import set as benchmarks
from benchmarks.delivery import changes, corrections, keeping, push, republish

ALL = {
    "push": push.run,
    "corrections": corrections.run,
    "changes": changes.run,
    "republish": republish.run,
    "keeping": keeping.run,
}

if __name__ == "__main__":
    benchmarks.run(ALL, folder=Path(__file__).parent)
