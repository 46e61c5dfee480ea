"""``python benchmarks/pages/render.py [--quick]``: what an article page costs to render, and weighs."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.pages.suite import main

if __name__ == "__main__":
    main()
