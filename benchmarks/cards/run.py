"""``python benchmarks/cards/run.py [NAME ...] [--quick]``: what cards cost, and who sets words right."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.cards.suite import main

if __name__ == "__main__":
    main()
