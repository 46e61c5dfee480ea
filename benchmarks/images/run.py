"""``python benchmarks/images/run.py [NAME ...] [--quick]``: renditions beside their peers, bombs, memory."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.images.suite import main

if __name__ == "__main__":
    main()
