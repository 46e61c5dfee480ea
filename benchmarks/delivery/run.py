"""``python benchmarks/delivery/run.py [--quick] [NAME ...]``: pushes, corrections, changes; see README."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.delivery.suite import main

if __name__ == "__main__":
    main()
