"""The site's font, IBM Plex Sans Arabic (OFL), cut once per process into the same bytes for every site.

Cutting takes a second of CPU and fontTools 22 MB (measured), which would stay: so other processes do it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final

FACES: Final = ((400, "Regular"), (700, "Bold"))


@cache
def woff2(style: str) -> bytes:
    """The WOFF2 bytes of one style, such as ``Bold``; the same bytes every time."""
    command = [sys.executable, "-P", "-m", "nashr_delivery.fontcut", style]
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout


def prepare() -> Sequence[bytes]:
    """Cuts all styles at once, so that no page waits for it."""
    with ThreadPoolExecutor(len(FACES)) as threads:
        return list(threads.map(woff2, [style for _, style in FACES]))
