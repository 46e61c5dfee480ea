"""libfaketime, for processes whose clock is wrong; where it is missing, Debian's package is unpacked."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
UNPACKED = ROOT / ".pytest_cache" / "faketime"
LIBRARY = "faketime/libfaketimeMT.so.1"


class NoFaketime(Exception):
    """libfaketime cannot be had on this machine; the text says why."""


@cache
def library() -> Path:
    """The installed one, else Debian's, unpacked without root. Raises NoFaketime."""
    for folder in (Path("/usr/lib"), UNPACKED / "usr/lib"):
        if found := next(folder.glob(f"*/{LIBRARY}"), None):
            return found
    packages = UNPACKED / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(
            ["apt-get", "download", "libfaketime"], cwd=packages, check=True, capture_output=True, timeout=60
        )
        for package in packages.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, UNPACKED], check=True, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise NoFaketime(f"no libfaketime, and Debian's package cannot be had: {error}") from error
    return next(UNPACKED.glob(f"usr/lib/*/{LIBRARY}"))


def off_by(seconds: int) -> dict[str, str]:
    """What a process needs in its environment to take now for ``seconds`` later. Raises NoFaketime.

    Only the hour is wrong: what measures a span goes on as ever.
    """
    return {"LD_PRELOAD": str(library()), "FAKETIME": f"{seconds:+d}", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
