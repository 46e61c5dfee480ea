"""A backup's folder, without database and buckets."""

from __future__ import annotations

from pathlib import Path

import pytest
from nashr.runtime.archive import Archive, Busy, Damaged, Held, Manifest

DUMP = "dump-1"


def whole(folder: Path, body: bytes) -> tuple[Archive, Manifest]:
    """A backup of one object."""
    archive = Archive(folder)
    with archive.prepared():
        digest = archive.keep(body)
        (folder / DUMP).mkdir()
        number, index = archive.write_index(DUMP, [Held("private", "key", digest, len(body), "image/jpeg")])
        manifest = Manifest("0", "0001", "16", "now", DUMP, [], [], number, index)
        archive.write(manifest)
    return archive, manifest


def ignore(*_: object) -> None:
    """Nobody watches."""


def test_one_backup_at_a_time_writes_into_a_folder(tmp_path: Path) -> None:
    """A second one is refused, and goes ahead once the first has ended."""
    with (
        Archive(tmp_path).prepared(),
        pytest.raises(Busy, match="another backup is being written"),
        Archive(tmp_path).prepared(),
    ):
        pass
    with Archive(tmp_path).prepared():
        assert (tmp_path / "objects").is_dir()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """The first file that is no backup's is named."""
    (tmp_path / "letters").mkdir()
    with pytest.raises(Damaged, match="holds letters"), Archive(tmp_path).prepared():
        pass
    assert [item.name for item in tmp_path.iterdir()] == ["letters"]


def test_the_cure_of_a_damaged_object_is_true(tmp_path: Path) -> None:
    """Other bytes of the same number are found, and deleting them has the next backup fetch the object."""
    archive, manifest = whole(tmp_path, b"photo")
    path = next((tmp_path / "objects").glob("*/*"))
    path.write_bytes(b"phot0")
    with pytest.raises(Damaged, match=rf"{path.name}.*Delete it and take another backup"):
        archive.verify(manifest, ignore)
    path.unlink()
    assert not archive.has(path.name, 5)
    archive.keep(b"photo")
    archive.verify(manifest, ignore)


def test_bytes_at_hand_replace_a_damaged_file(tmp_path: Path) -> None:
    """What is fetched in any case, as logos are, heals by itself."""
    archive, manifest = whole(tmp_path, b"logo")
    next((tmp_path / "objects").glob("*/*")).write_bytes(b"l0go")
    archive.keep(b"logo")
    archive.verify(manifest, ignore)
