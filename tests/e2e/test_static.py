"""The static folder of a site from the command to the reader: shown, replaced, explained, taken away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Stack

TOML = """\
id = "folder"
name = "Folder"
locale = "en"
base_url = "{site}/folder/"
static = "static"

[[sections]]
slug = "news"
label = "News"
"""


@pytest.fixture
def folder(stack: Stack, tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "folder.toml").write_text(TOML.format(site=stack.site), "utf-8")
    (tmp_path / "static").mkdir()
    yield tmp_path / "static"
    for file in (tmp_path / "static").iterdir():
        file.unlink()
    apply(stack, tmp_path / "static")


def apply(stack: Stack, folder: Path) -> None:
    stack.command("site", "apply", str(folder.parent / "folder.toml"))


def test_a_replaced_file_reaches_readers_at_once(stack: Stack, folder: Path) -> None:
    """The edge keeps it and forgets it when the site is applied; what left the folder is gone at once."""
    file, url = folder / "ads.txt", f"{stack.site}/folder/ads.txt"
    file.write_text("first")
    apply(stack, folder)
    assert (stack.fetch(url).text, stack.fetch(url).headers["x-cache"]) == ("first", "HIT")
    file.write_text("second")
    apply(stack, folder)
    assert stack.fetch(url).text == "second"
    file.unlink()
    apply(stack, folder)
    assert stack.fetch(url).status_code == 404


def test_a_file_of_the_folder_is_explained(stack: Stack, folder: Path) -> None:
    """It is no page, and no mistake either: key, type and size are told; what is not there is nothing."""
    (folder / "humans.txt").write_text("us")
    apply(stack, folder)
    told = json.loads(stack.command("explain", f"{stack.site}/folder/humans.txt", "--json"))
    assert told["is"] == "file of the static folder"
    assert told["file"] == {
        "key": "folder/humans.txt", "content_type": "text/plain; charset=utf-8", "bytes": 2,
    }  # fmt: skip
    other = json.loads(stack.command("explain", f"{stack.site}/folder/robots2.txt", "--json"))
    assert other["is"] == "nothing"
