"""The pages that independent tools judge, and where those tools are installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.audit.newsroom import publish_newsroom

if TYPE_CHECKING:
    from tests.conftest import Stack

TOOLS: Final = Path(__file__).parent / "node_modules"


def tool(path: str) -> Path:
    """A file of an installed npm package; skips where ``make audit`` has not installed it."""
    found = TOOLS / path
    if not found.exists():
        pytest.skip(f"{found.name} is not installed: make audit installs it")
    return found


def node(script: str, *words: str, seconds: int = 60, **environment: str) -> Any:
    """What one of our scripts for the npm tools prints, from JSON; skips without node or the packages."""
    if (program := shutil.which("node")) is None:
        pytest.skip("no node on this machine: apt-get install nodejs npm, then make audit")
    tool("axe-core/package.json")
    done = subprocess.run(
        [program, str(Path(__file__).with_name(script)), *words], env={**os.environ, **environment},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{script}: {done.stderr[-4000:]}"
    return json.loads(done.stdout)


def java() -> str:
    """The java command; skips without one."""
    found = shutil.which("java")
    return found or pytest.skip("no java: the Nu HTML checker needs it")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if (binary := shutil.which("chromium")) is None:
        pytest.skip("no chromium on this machine")
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="session")
def pages(stack: Stack) -> Mapping[str, str]:
    """A name for each kind of page, and its absolute address."""
    return publish_newsroom(stack)
