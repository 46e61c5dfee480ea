"""``python benchmarks/load/run.py [--quick] [NAME ...]``: overload; see README."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks import set as benchmarks
from benchmarks.load import accept, breaking, refused

ALL = {
    "accept": accept.run,
    "breaking": breaking.run,
    "refused": refused.run,
}

if __name__ == "__main__":
    benchmarks.run(ALL, folder=Path(__file__).parent)
