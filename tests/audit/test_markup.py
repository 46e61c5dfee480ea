"""The Nu HTML checker finds no fault with any kind of page."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.audit.conftest import java, tool

if TYPE_CHECKING:
    from tests.conftest import Stack


# The checker reads files only (it asks no loopback host), where 'self' in a policy means nothing.
POLICY: Final = re.compile(rb'<meta http-equiv="?Content-Security-Policy"?[^>]*>', re.IGNORECASE)


def _faults(files: Sequence[Path]) -> list[str]:
    """The checker's errors and warnings, a line each."""
    command = [
        java(),
        "-jar",
        str(tool("vnu-jar/build/dist/vnu.jar")),
        "--format",
        "json",
        "--exit-zero-always",
    ]
    done = subprocess.run(
        [*command, *map(str, files)], capture_output=True, text=True, timeout=240, check=True
    )
    messages: list[dict[str, Any]] = json.loads(done.stderr)["messages"]
    return [f"{one.get('url', '')}: {one['message']} {one.get('extract', '')}" for one in messages]


def test_no_page_has_an_error_or_a_warning(stack: Stack, pages: Mapping[str, str], tmp_path: Path) -> None:
    files = []
    for name, url in pages.items():
        file = tmp_path / f"{name.replace(' ', '-')}.html"
        file.write_bytes(POLICY.sub(b"", stack.fetch(url).content))
        files.append(file)
    faults = _faults(files)
    assert not faults, "\n".join(faults)


def test_the_checker_rejects_a_broken_page(tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    broken.write_text('<!DOCTYPE html><html lang="en"><title>x</title><p><img src="a.png"><div></p>')
    assert len(_faults([broken])) >= 2
