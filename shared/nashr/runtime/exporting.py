"""Takes a site along: drafts that the API takes again, every revision, photos, and the site as plain files.

Run again into the same folder it reads only photos and files that are new or have changed, and removes what
the site has no more.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, Final

from sqlalchemy import Connection, Engine

from nashr.domain.site import Site
from nashr.ports import Entry, ObjectStore
from nashr.runtime.archive import Progress
from nashr.runtime.backup import Stores
from nashr.store import dumping, leaving
from nashr.store.database import snapshot

_PARALLEL: Final = 8
_SUFFIXES: Final = {
    "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif",
    "image/avif": ".avif", "image/heic": ".heic", "image/tiff": ".tiff",
}  # fmt: skip
_NO_PLACE: Final = frozenset({errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG})
"""What a file system says of ``story`` beside ``story/amp``, and of names that are too long for it."""


@dataclass
class Report:
    """What an export of one site wrote. ``missing``: originals that are not in the bucket.

    ``unplaced``: keys of objects that cannot be files here.
    """

    articles: int = 0
    drafts: int = 0
    photos: int = 0
    files: int = 0
    missing: int = 0
    unplaced: list[str] = field(default_factory=list)


def export(
    engine: Engine, stores: Stores, site: Site, others: Iterable[str], folder: Path, tell: Progress
) -> Report:
    """Writes one site below ``folder``. ``others``: prefixes of other sites below this one's."""
    report = Report()
    again = (folder / "site.json").is_file()
    for name in ("drafts", "photos", "site"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with snapshot(engine) as conn:
        dumping.unhurried(conn)
        photos = list(leaving.photos(conn, site.id))
        editions = leaving.external_ids(conn, site.id)
        _write_lines(folder / "articles.jsonl", _articles(conn, site, report, tell))
        _write_lines(folder / "authors.jsonl", leaving.authors(conn, site.id))
    named = _photos(photos, stores.private, folder, report, tell)
    written = _drafts(site, named, editions, folder, report)
    _write(folder / "site.json", site.to_json())
    kept = _files(stores.site, site, tuple(others), folder / "site", report, tell)
    if again:
        _remove_all_but(folder / "drafts", written)
        _remove_all_but(folder / "photos", {folder / "photos" / _name(item) for item in photos})
        if kept:  # a bucket without a single file is lost, or another one: what was exported stays
            _remove_all_but(folder / "site", kept)
    return report


def _name(photo: Mapping[str, Any]) -> str:
    return f"{photo['id']}{_SUFFIXES.get(photo['content_type'], '')}"


def _photos(
    photos: Iterable[Mapping[str, Any]], private: ObjectStore, folder: Path, report: Report, tell: Progress
) -> dict[str, str]:
    """Copies originals and says what is known of them; returns the file names by the photos' ids."""
    names: dict[str, str] = {}

    def told() -> Iterator[Mapping[str, Any]]:
        for item in photos:
            name = _name(item)
            if not _has_original(folder / "photos" / name, item, private):
                report.missing += 1
                continue
            names[item["id"]] = name
            report.photos += 1
            tell("photos", report.photos, None)
            yield {"file": name, **{k: v for k, v in item.items() if k != "original_key"}}

    _write_lines(folder / "photos.jsonl", told())
    return names


def _has_original(path: Path, photo: Mapping[str, Any], private: ObjectStore) -> bool:
    """Copies an original unless it is there; False where the bucket has not got it."""
    if path.is_file() and path.stat().st_size == photo["bytes"]:
        return True
    body = private.get(photo["original_key"])
    if body is not None:
        _whole(path, body)
    return body is not None


def _articles(conn: Connection, site: Site, report: Report, tell: Progress) -> Iterator[Mapping[str, Any]]:
    for item in leaving.articles(conn, site.id):
        report.articles += 1
        tell("articles", report.articles, None)
        url = site.url(item["path"]) if item["path"] else None
        yield {"site": site.id, "url": url, **item}


def _drafts(
    site: Site, photos: Mapping[str, str], editions: Mapping[str, str], folder: Path, report: Report
) -> set[Path]:
    """Writes drafts of the articles that articles.jsonl has; returns their files.

    Out of the file, so that no snapshot is open while originals are copied.
    """
    written = set()
    with (folder / "articles.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            item = json.loads(line)
            if item["status"] in leaving.GONE:
                continue
            path = folder / "drafts" / f"{item['number']:07d}.json"
            _write(path, draft(item, site, photos, editions))
            written.add(path)
            report.drafts += 1
    return written


def _remove_all_but(folder: Path, kept: AbstractSet[Path]) -> None:
    """Removes what an earlier export has left: killed articles, withdrawn photos, pages that are gone."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir():
            with suppress(OSError):  # it is not empty
                path.rmdir()
        elif path not in kept:
            path.unlink()


def draft(
    article: Mapping[str, Any], site: Site, photos: Mapping[str, str], editions: Mapping[str, str]
) -> dict[str, Any]:
    """What ``nashr submit`` sends to have a line of articles.jsonl again: what is live, else the latest.

    Photos are files beside it; those that may not be shown any more are left out. The address and the day
    stay. Pins and bans name articles by ids of this installation, and are left out; so is the original of a
    translation that is not among ``editions``.
    """
    chosen = article["live_revision"] or article["latest_revision"]
    doc = next(one["doc"] for one in article["revisions"] if one["revision"] == chosen)
    made = {name: value for name, value in doc.items() if value is not None and name != "related"}
    made |= {"site": site.id, "external_id": leaving.external_id(article), "section": article["section"]}
    if article["slug_frozen"]:
        made["slug"] = article["slug"]
    if article["published_at"] is not None:
        made["published_at"] = article["published_at"]
    if article["translation_of"] in editions:
        made["translation_of"] = editions[article["translation_of"]]
    for name in ("hero", "social_image"):
        if name in made and not _with_file(made[name], photos):
            del made[name]
    made["body"] = [
        _with_file(block, photos) if block["type"] == "image" else block for block in made.get("body", ())
    ]
    made["body"] = [block for block in made["body"] if block]
    for name in {"hero", "social_image"} & made.keys():
        made[name] = _with_file(made[name], photos)
    return made


def _with_file(use: Mapping[str, Any], photos: Mapping[str, str]) -> dict[str, Any] | None:
    """The use of a photo with a file in place of its id; None where the photo is not taken along."""
    name = photos.get(use["asset"])
    if name is None:
        return None
    kept = {key: value for key, value in use.items() if key != "asset" and value is not None}
    return {**kept, "file": f"../photos/{name}"}


def _files(
    store: ObjectStore, site: Site, others: tuple[str, ...], folder: Path, report: Report, tell: Progress
) -> set[Path]:
    """The bucket's objects as files that a plain web server serves; returns those that are there.

    A folder's mark is no file.
    """

    def copy(entry: Entry) -> Path | None:
        path = _path(folder, entry.key.removeprefix(site.prefix))
        try:
            if path is not None:
                return path if _has_copy(path, entry, store) else None
        except OSError as error:
            if error.errno not in _NO_PLACE:
                raise
        report.unplaced.append(entry.key)
        return None

    ours = (entry for entry in store.entries(site.prefix) if not entry.key.startswith(("_nashr/", *others)))
    kept = set()
    with ThreadPoolExecutor(_PARALLEL) as pool:
        for path in pool.map(copy, (entry for entry in ours if not entry.key.endswith("/"))):
            if path is not None:
                kept.add(path)
            report.files = len(kept)
            tell("files of the site", report.files, None)
    return kept


def _has_copy(path: Path, entry: Entry, store: ObjectStore) -> bool:
    """Copies an object unless it is there; False where it has left the bucket meanwhile."""
    if _is_same(path, entry):
        return True
    body = store.get(entry.key)
    if body is None:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    _whole(path, body)
    at = entry.modified_at.timestamp()
    os.utime(path, (at, at))
    return True


def _path(folder: Path, name: str) -> Path | None:
    """Where an object lies as a file; None for names that no file can have here."""
    parts = PurePosixPath(name).parts
    bad = not parts or name.endswith("/") or any(part in {"..", "/"} for part in parts)
    if bad or any(len(part.encode()) > 255 for part in parts):
        return None
    return folder.joinpath(*parts)


def _is_same(path: Path, entry: Entry) -> bool:
    try:
        there = path.stat()
    except OSError:
        return False
    return there.st_size == entry.bytes and abs(there.st_mtime - entry.modified_at.timestamp()) < 1


def _write(path: Path, content: Any) -> None:
    _whole(path, json.dumps(content, ensure_ascii=False, indent=1, default=_plain).encode() + b"\n")


def _write_lines(path: Path, items: Iterable[Mapping[str, Any]]) -> None:
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        for item in items:
            file.write(json.dumps(dict(item), ensure_ascii=False, default=_plain) + "\n")
    fresh.replace(path)


def _plain(value: Any) -> str:
    return str(value.isoformat() if hasattr(value, "isoformat") else value)


def _whole(path: Path, body: bytes) -> None:
    """Under a short name first: a name may have 255 bytes, and ``.new`` would be too many."""
    fresh = path.with_name(f"{sha256(path.name.encode()).hexdigest()}.new")
    try:
        fresh.write_bytes(body)
        fresh.replace(path)
    except OSError as error:
        if error.errno != errno.ENOTDIR:  # then there is no folder to look in
            fresh.unlink(missing_ok=True)
        raise
