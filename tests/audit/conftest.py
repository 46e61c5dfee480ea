"""The pages that independent tools judge, in Arabic and English, and where those tools are installed."""

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

if TYPE_CHECKING:
    from tests.conftest import Stack

TOOLS: Final = Path(__file__).parent / "node_modules"
ARABIC: Final = "فقرة عن جلسة المجلس في المدينة، وفيها رابط إلى تقرير سابق نشرته الصحيفة."
ENGLISH: Final = "A paragraph on the council's session, which links to an older report of this newsroom."


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if (binary := shutil.which("chromium")) is None:
        pytest.skip("no chromium on this machine")
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        yield started
        started.close()


def _blocks(text: str, *, photo: str) -> list[dict[str, object]]:
    return [
        {"type": "paragraph", "html": text},
        {"type": "heading", "level": 2, "text": text[:30]},
        {"type": "quote", "html": text, "cite": text[:20]},
        {"type": "list", "ordered": False, "items": [text, text]},
        {"type": "image", "asset": photo, "alt": text[:40], "caption": text},
        {"type": "paragraph", "html": text},
    ]


@pytest.fixture(scope="session")
def pages(stack: Stack) -> Mapping[str, str]:
    """A name for each kind of page, and its absolute address."""
    made: dict[str, str] = {}
    for language, who, text, base in (("ar", "editor", ARABIC, "/"), ("en", "stranger", ENGLISH, "/other/")):
        photo = stack.upload(who=who)["id"]
        fields = {"headline": f"{text[:30]} {stack.word()}", "standfirst": text, "language": language}
        plain = stack.publish_and_wait(
            who=who, **fields, slug=stack.word(), body=[{"type": "paragraph", "html": text}]
        )
        full = stack.publish_and_wait(
            who=who, **{**fields, "headline": f"{text[:25]} {stack.word()}"}, slug=stack.word(),
            hero={"asset": photo, "alt": text[:40], "caption": text}, body=_blocks(text, photo=photo),
        )  # fmt: skip
        made |= {f"{language} article": full["url"], f"{language} without photo": plain["url"]}
        made |= {f"{language} home": f"{stack.site}{base}"}
        made |= {f"{language} section": f"{stack.site}{base}politics/"}
    made["ar nothing there"] = f"{stack.site}/nothing-there/"
    return made
