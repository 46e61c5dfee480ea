"""The published site as plain files, out of a bucket that is a dict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from nashr.domain.site import parse_site
from nashr.ports import Entry
from nashr.runtime.exporting import Report, _files, _remove_all_but

if TYPE_CHECKING:
    from nashr.ports import ObjectStore

SITE = parse_site(
    {
        "id": "paper", "name": "Paper", "locale": "en", "base_url": "http://paper.test/",
        "sections": [{"slug": "news", "label": "News"}],
    }
)  # fmt: skip


@dataclass
class Bucket:
    """The part of a store that an export reads."""

    bodies: dict[str, bytes]

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        for key, body in sorted(self.bodies.items()):
            if key.startswith(prefix):
                yield Entry(key, len(body), datetime(2026, 1, 1, tzinfo=UTC))

    def get(self, key: str) -> bytes | None:
        return self.bodies.get(key)


def files(folder: Path, *names: str) -> tuple[Report, set[Path]]:
    """Exports a bucket with objects of these names."""
    report = Report()
    bucket = Bucket({SITE.prefix + name: name.encode() for name in names})
    kept = _files(cast("ObjectStore", bucket), SITE, (), folder, report, lambda *_: None)
    return report, kept


def test_a_name_that_is_a_file_and_a_folder_is_told(tmp_path: Path) -> None:
    """Either is left out and named, and everything else is there."""
    report, kept = files(tmp_path, "other", "story", "story/amp")
    assert report.unplaced in ([f"{SITE.prefix}story"], [f"{SITE.prefix}story/amp"])
    assert report.files == len(kept) == 2
    assert (tmp_path / "other").read_text() == "other"
    assert list(tmp_path.rglob("*.new")) == []


def test_names_are_as_long_as_a_file_system_has_them(tmp_path: Path) -> None:
    """255 bytes fit, in any script; one more is told, and names that begin alike are not mixed up."""
    long = "خ" * 126
    report, _ = files(tmp_path, f"{long}abc", f"{long}abd", f"{long}abcd")
    assert report.unplaced == [f"{SITE.prefix}{long}abcd"]
    assert {path.read_text("utf-8") for path in tmp_path.iterdir()} == {f"{long}abc", f"{long}abd"}


def test_what_the_site_has_no_more_leaves_the_folder(tmp_path: Path) -> None:
    """Files and the folders that they leave empty."""
    files(tmp_path, "a/index.html", "b/index.html")
    _, kept = files(tmp_path, "a/index.html")
    _remove_all_but(tmp_path, kept)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == [
        "a", "a/index.html",
    ]  # fmt: skip
