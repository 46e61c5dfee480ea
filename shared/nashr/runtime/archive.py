"""A backup as it lies in a folder: manifest.json, the tables of one snapshot, and objects by their SHA-256.

Whatever is written is whole or not there. The manifest goes last and names everything with its sum, so a
backup that was cut short leaves the one before it as it was.
"""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final, Literal, TypeAlias, cast

FORMAT: Final = 1
_MANIFEST: Final = "manifest.json"
_LOCK: Final = "lock"
_BLOCK: Final = 1024 * 1024

Bucket: TypeAlias = Literal["site", "private"]
Progress: TypeAlias = Callable[[str, int, int | None], None]


class Damaged(Exception):
    """The folder is no whole backup; the text names the file and what is wrong with it."""


class Busy(Exception):
    """Another backup is being written into the folder, or nobody can tell whether one is."""


@dataclass(frozen=True)
class DumpedTable:
    """A table's file below the dump's folder: gzip of COPY's text."""

    name: str
    columns: list[str]
    rows: int
    sha256: str


@dataclass(frozen=True)
class Held:
    """An object of a bucket; its bytes lie under their SHA-256."""

    bucket: Bucket
    key: str
    sha256: str
    bytes: int
    content_type: str
    cache_control: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. ``schema``: the version of the database; ``dump``: the folder of its tables."""

    nashr: str
    schema: str
    postgres: str
    taken_at: str
    dump: str
    sites: list[str]
    tables: list[DumpedTable]
    objects: int
    objects_sha256: str
    format: int = FORMAT


class Archive:
    """One backup in one folder, readable by its owner only: it holds tokens' hashes and sites' secrets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def prepared(self) -> Iterator[None]:
        """Makes the folder; inside the block nobody else writes there.

        Raises Damaged for a folder that holds something else, Busy while another backup is written into it.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        others = [item.name for item in self.folder.iterdir() if not _is_ours(item.name)]
        if others:
            raise Damaged(f"{self.folder} holds {min(others)}: give a new or empty folder, or a backup")
        with _locked(self.folder / _LOCK):
            (self.folder / "objects").mkdir(mode=0o700, exist_ok=True)
            yield

    def object_path(self, digest: str) -> Path:
        return self.folder / "objects" / digest[:2] / digest

    def has(self, digest: str, size: int) -> bool:
        """Whether these bytes were kept already, by this backup or one before it.

        By the size: ``verify`` reads the bytes, and what it finds damaged is deleted by hand.
        """
        path = self.object_path(digest)
        return path.is_file() and path.stat().st_size == size

    def keep(self, body: bytes) -> str:
        """Keeps bytes, also in place of a file that is damaged; returns their SHA-256."""
        digest = sha256(body).hexdigest()
        path = self.object_path(digest)
        if not (path.is_file() and _digest(path) == digest):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with _whole(path) as file:
                file.write(body)
        return digest

    @contextmanager
    def table(self, dump: str, name: str) -> Iterator[BinaryIO]:
        """A file for a table's rows; it is there once the block ends."""
        folder = self.folder / dump
        folder.mkdir(mode=0o700, exist_ok=True)
        with (
            _whole(folder / f"{name}.gz") as file,
            gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0) as packed,
        ):
            yield cast("BinaryIO", packed)

    def table_path(self, manifest: Manifest, name: str) -> Path:
        return self.folder / manifest.dump / f"{name}.gz"

    def blocks(self, manifest: Manifest, name: str) -> Iterator[bytes]:
        """A table's rows as COPY wrote them."""
        with gzip.open(self.table_path(manifest, name)) as file:
            while block := file.read(_BLOCK):
                yield block

    def write_index(self, dump: str, held: Iterable[Held]) -> tuple[int, str]:
        """Writes the list of objects; returns their number and the list's SHA-256."""
        path, number = self.folder / dump / "objects.jsonl", 0
        with _whole(path) as file:
            for one in held:
                file.write(json.dumps(asdict(one), ensure_ascii=False).encode() + b"\n")
                number += 1
        return number, _digest(path)

    def index(self, manifest: Manifest) -> Iterator[Held]:
        with (self.folder / manifest.dump / "objects.jsonl").open(encoding="utf-8") as file:
            for line in file:
                yield Held(**json.loads(line))

    def write(self, manifest: Manifest) -> None:
        """From here on the folder is this backup; what only earlier ones needed goes."""
        with _whole(self.folder / _MANIFEST) as file:
            file.write(json.dumps(asdict(manifest), ensure_ascii=False, indent=1).encode())
        for item in self.folder.glob("dump-*"):
            if item.name != manifest.dump:
                shutil.rmtree(item)
        named = {one.sha256 for one in self.index(manifest)}
        for path in (self.folder / "objects").glob("*/*"):
            if path.name not in named:
                path.unlink()

    def read(self) -> Manifest:
        """Raises Damaged where there is no backup, or one of a later format."""
        path = self.folder / _MANIFEST
        try:
            found = json.loads(path.read_bytes())
            if found["format"] != FORMAT:
                raise Damaged(
                    f"{path} is of format {found['format']}: restore it with the nashr that wrote it"
                )
            return Manifest(**{**found, "tables": [DumpedTable(**table) for table in found["tables"]]})
        except FileNotFoundError:
            raise Damaged(
                f"{self.folder} is no backup, or one that was never finished: {path} is missing"
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise Damaged(f"{path} cannot be read: {error}") from error

    def verify(self, manifest: Manifest, tell: Progress) -> None:
        """Reads every byte against its sum. Raises Damaged for the first that differs."""
        index = self.folder / manifest.dump / "objects.jsonl"
        _compare(index, manifest.objects_sha256)
        for done, table in enumerate(manifest.tables, start=1):
            _compare(self.table_path(manifest, table.name), table.sha256)
            tell("tables checked", done, len(manifest.tables))
        for done, one in enumerate(self.index(manifest), start=1):
            _compare(self.object_path(one.sha256), one.sha256)
            tell("objects checked", done, manifest.objects)


def digest_of_table(archive: Archive, dump: str, name: str) -> str:
    """The SHA-256 of a table's file."""
    return _digest(archive.folder / dump / f"{name}.gz")


def _is_ours(name: str) -> bool:
    return name in {_MANIFEST, "objects", _LOCK} or name.startswith("dump-") or name.endswith(".new")


def _compare(path: Path, wanted: str) -> None:
    try:
        found = _digest(path)
    except OSError as error:
        raise Damaged(f"{path} cannot be read: {error.strerror}: take another backup") from error
    if found != wanted:
        raise Damaged(
            f"{path} has SHA-256 {found}, not {wanted}: it is damaged. Delete it and take another backup"
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        made = sha256()
        while block := file.read(_BLOCK):
            made.update(block)
    return made.hexdigest()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds a file's lock, which ends with the process. Raises Busy."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(
                f"another backup is being written into {path.parent}: wait for it, or give another folder"
            ) from error
        except OSError as error:
            raise Busy(f"{path} cannot be locked ({error.strerror}): give a folder elsewhere") from error
        yield


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its name once it is written and on the disk; mode 0600."""
    fresh = path.with_name(f"{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
