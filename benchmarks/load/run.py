"""``python benchmarks/load/run.py [--quick] [NAME ...]``: overload; see README."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.load.suite import main

if __name__ == "__main__":
    main()
