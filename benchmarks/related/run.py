"""``python benchmarks/related/run.py [NAME ...] [--quick]``: related links, and their cost."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.related.suite import main

if __name__ == "__main__":
    main()
