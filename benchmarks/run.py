"""``python benchmarks/run.py [NAME ...] [--quick] [--data DIR]``: starts a stack and measures it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.suite import main

if __name__ == "__main__":
    main()
