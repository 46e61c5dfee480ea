"""The embedded store ends rather than say yes to what is not on its disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nashr.runtime.store_server import or_end


def ended(folder: Path, *, kept: bool) -> list[int]:
    """The exit codes that a PUT leads to whose object came onto the disk, or only its bytes did."""
    codes: list[int] = []

    def persist(_bucket: str, key: str, found: dict[str, Any]) -> None:
        (folder / key).write_bytes(found["body"])
        if kept:
            found["body"] = None

    or_end(persist, where=lambda _, key: str(folder / key), end=codes.append)("b", "page", {"body": b"new"})
    return codes


def test_what_is_on_the_disk_is_acknowledged(tmp_path: Path) -> None:
    """The process goes on."""
    assert ended(tmp_path, kept=True) == []
    assert (tmp_path / "page").exists()


def test_a_new_object_that_is_half_there_goes_with_the_process(tmp_path: Path) -> None:
    """Bytes without their metadata would be an object of another type."""
    assert ended(tmp_path, kept=False) == [os.EX_IOERR]
    assert not (tmp_path / "page").exists()


def test_an_object_that_was_there_stays(tmp_path: Path) -> None:
    """Its metadata is the old one, so whoever comes again replaces it."""
    (tmp_path / "page.meta.json").write_text("{}")
    assert ended(tmp_path, kept=False) == [os.EX_IOERR]
    assert (tmp_path / "page").exists()
