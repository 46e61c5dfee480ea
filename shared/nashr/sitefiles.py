"""Assets on the site: immutable files whose name is a keyed hash of their bytes, stored if absent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection

from nashr.domain.site import Site
from nashr.ports import ObjectStore, StoreConflict, StoreUnavailable
from nashr.store import objects
from nashr.store.ids import keyed_name

CACHE: Final = "public, max-age=31536000, immutable"
_SUFFIX: Final = {"image/jpeg": "jpg", "image/webp": "webp", "image/avif": "avif", "image/png": "png"}


@dataclass(frozen=True)
class File:
    """A file of the site: its path such as ``/media/ab12.jpg``, and its bytes."""

    path: str
    body: bytes
    content_type: str


def named(folder: str, body: bytes, content_type: str, *, secret: str) -> File:
    """The file under its keyed name. The secret is the site's."""
    return File(f"/{folder}/{keyed_name(secret, body)}.{_SUFFIX[content_type]}", body, content_type)


def put(store: ObjectStore, site: Site, files: Sequence[File], *, parallel: int = 6) -> None:
    """Stores files that are not there yet; already there is success. Raises StoreUnavailable."""
    if len(files) == 1:
        _put_one(store, site, files[0])
        return
    with ThreadPoolExecutor(parallel) as pool:
        list(pool.map(lambda file: _put_one(store, site, file), files))


def _put_one(store: ObjectStore, site: Site, file: File) -> None:
    """A conflict is looked into: S3 says 409 too, when two requests met and maybe neither stored anything."""
    key = site.key(file.path)
    try:
        store.put(
            key,
            file.body,
            content_type=file.content_type,
            cache_control=CACHE,
            if_none_match=True,
        )
    except StoreConflict as conflict:
        if store.head(key) is None:
            raise StoreUnavailable(f"{conflict}: the file is not there, it is stored again") from conflict


def record(conn: Connection, site: Site, files: Iterable[File], *, source: str | None = None) -> None:
    """Writes acknowledged files into the manifest.

    ``source``: the asset, or the key of the cards step, that can make them again; None for what is kept.
    """
    unique = {file.path: file for file in files}.values()  # two sizes of a photo may be the same bytes
    objects.record(
        conn,
        site.id,
        [
            objects.Put(site.key(file.path), sha256(file.body).hexdigest(), file.content_type, len(file.body))
            for file in unique
        ],
        source=source,
    )
