"""Takes a site along: drafts that the API takes again, every revision, photos, and the site as plain files.

Run again into the same folder it reads only photos and files that are new or have changed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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
_GONE: Final = frozenset({"killed", "taken_down"})


@dataclass
class Report:
    """What an export of one site wrote. ``missing``: originals that are not in the bucket."""

    articles: int = 0
    drafts: int = 0
    photos: int = 0
    files: int = 0
    missing: int = 0


def export(
    engine: Engine, stores: Stores, site: Site, others: Iterable[str], folder: Path, tell: Progress
) -> Report:
    """Writes one site below ``folder``. ``others``: prefixes of other sites below this one's."""
    report = Report()
    for name in ("drafts", "photos", "site"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with snapshot(engine) as conn:
        dumping.unhurried(conn)
        named = _photos(conn, stores.private, site, folder, report, tell)
        _articles(conn, site, named, folder, report, tell)
        _write_lines(folder / "authors.jsonl", leaving.authors(conn, site.id))
    _write(folder / "site.json", site.to_json())
    _files(stores.site, site, tuple(others), folder / "site", report, tell)
    return report


def _photos(
    conn: Connection, private: ObjectStore, site: Site, folder: Path, report: Report, tell: Progress
) -> dict[str, str]:
    """Copies originals and says what is known of them; returns the file names by the photos' ids."""
    names: dict[str, str] = {}

    def told() -> Iterator[Mapping[str, Any]]:
        for item in leaving.photos(conn, site.id):
            name = f"{item['id']}{_SUFFIXES.get(item['content_type'], '')}"
            path = folder / "photos" / name
            if not (path.is_file() and path.stat().st_size == item["bytes"]):
                body = private.get(item["original_key"])
                if body is None:
                    report.missing += 1
                    continue
                _whole(path, body)
            names[item["id"]] = name
            report.photos += 1
            tell("photos", report.photos, None)
            yield {"file": name, **{k: v for k, v in item.items() if k != "original_key"}}

    _write_lines(folder / "photos.jsonl", told())
    return names


def _articles(
    conn: Connection, site: Site, photos: Mapping[str, str], folder: Path, report: Report, tell: Progress
) -> None:
    editions = leaving.external_ids(conn, site.id)

    def told() -> Iterator[Mapping[str, Any]]:
        for item in leaving.articles(conn, site.id):
            if item["status"] not in _GONE:
                _write(folder / "drafts" / f"{item['number']:07d}.json", draft(item, site, photos, editions))
                report.drafts += 1
            report.articles += 1
            tell("articles", report.articles, None)
            url = site.url(item["path"]) if item["path"] else None
            yield {"site": site.id, "url": url, **item}

    _write_lines(folder / "articles.jsonl", told())


def draft(
    article: Mapping[str, Any], site: Site, photos: Mapping[str, str], editions: Mapping[str, str]
) -> dict[str, Any]:
    """What ``nashr submit`` sends to have the article again: what is live of it, else its latest revision.

    Photos are files beside it; those that may not be shown any more are left out. The address and the day
    stay. Pins and bans name articles by ids of this installation, and are left out.
    """
    chosen = article["live_revision"] or article["latest_revision"]
    doc = next(one["doc"] for one in article["revisions"] if one["revision"] == chosen)
    made = {name: value for name, value in doc.items() if value is not None and name != "related"}
    made |= {"site": site.id, "external_id": leaving.external_id(article), "section": article["section"]}
    if article["slug_frozen"]:
        made["slug"] = article["slug"]
    if article["published_at"] is not None:
        made["published_at"] = article["published_at"].isoformat()
    if article["translation_of"]:
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
) -> None:
    """The bucket's objects as files that a plain web server serves."""

    def copy(entry: Entry) -> bool:
        path = _path(folder, entry.key.removeprefix(site.prefix))
        if path is None or _is_same(path, entry):
            return path is not None
        body = store.get(entry.key)
        if body is None:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        _whole(path, body)
        at = entry.modified_at.timestamp()
        os.utime(path, (at, at))
        return True

    listed = (entry for entry in store.entries(site.prefix) if not entry.key.startswith(("_nashr/", *others)))
    with ThreadPoolExecutor(_PARALLEL) as pool:
        for copied in pool.map(copy, listed):
            report.files += copied
            tell("files of the site", report.files, None)


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
    fresh = path.with_name(f"{path.name[:200]}.new")
    fresh.write_bytes(body)
    fresh.replace(path)
