"""The site's static folder: what it may hold, and how the bucket follows it.

Its keys are remembered in the private bucket: what leaves the folder leaves the site, and nothing else does.
"""

from __future__ import annotations

import json
import mimetypes
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nashr.domain.errors import Fault, Refused
from nashr.domain.site import Site
from nashr.domain.slugs import RESERVED

if TYPE_CHECKING:
    from nashr.ports import ObjectStore

_OURS: Final = (RESERVED - {".well-known"}) | {"_nashr"}
_TYPES: Final = {
    ".avif": "image/avif",
    ".js": "text/javascript",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}
_JSON: Final = frozenset({"apple-app-site-association", "nodeinfo"})


def found(root: Path) -> Iterator[tuple[str, Path]]:
    """(site path, file) of everything below ``root`` but hidden files; ``.well-known`` is not hidden.

    A folder's ``index.html`` is the folder's own path. Raises Refused for a link that leads out of ``root``.
    """
    inside = root.resolve()
    for file in sorted(root.rglob("*")):
        parts = file.relative_to(root).parts
        if not file.is_file() or any(part.startswith(".") and part != ".well-known" for part in parts):
            continue
        if not file.resolve().is_relative_to(inside):
            raise _refused(file, "leads out of the static folder: put the file itself there")
        path = "/" + "/".join(parts)
        yield path.removesuffix("index.html") if parts[-1] == "index.html" else path, file


def check(files: Mapping[str, Path], pages: frozenset[str]) -> None:
    """Raises Refused for the first file at one of nashr's own paths, or at the path of a page."""
    for path, file in files.items():
        first = path.split("/")[1]
        if path in pages:
            raise _refused(file, f"would replace the page at {path}: rename the file, or move the page first")
        if first in _OURS:
            raise _refused(file, f"lies below /{first}/, which nashr writes itself: give it another folder")


def content_type(name: str) -> str:
    """What a file is served as; text says that it is UTF-8. Never by what the machine has installed."""
    suffix = Path(name).suffix.lower()
    kind = _TYPES.get(suffix) or _REGISTERED.guess_type(f"file{suffix}")[0]
    if name in _JSON:
        kind = "application/json"
    kind = kind or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


_REGISTERED: Final = mimetypes.MimeTypes()


def replace(
    site: Site, files: Mapping[str, Path], pages: frozenset[str], *, public: ObjectStore, private: ObjectStore
) -> int:
    """Stores ``files`` and removes what an earlier folder had; returns how many were removed.

    Both are remembered before anything is sent: after a crash, the next run removes what is left over. A
    path that a page has taken meanwhile is the page's.
    """
    memory = f"static/{site.id}.json"
    before = set(json.loads(private.get(memory) or b"[]"))
    now = {site.key(path): file for path, file in files.items()}
    _remember(private, memory, before | set(now))
    for key, file in now.items():
        public.put(key, file.read_bytes(), content_type=content_type(file.name))
    gone = before - set(now) - {site.key(path) for path in pages}
    for key in gone:
        public.delete(key)
    _remember(private, memory, set(now))
    return len(gone)


def _remember(private: ObjectStore, memory: str, keys: set[str]) -> None:
    private.put(memory, json.dumps(sorted(keys)).encode(), content_type="application/json")


def _refused(file: Path, detail: str) -> Refused:
    fault = Fault("/static", "reserved", f"{file} {detail}")
    return Refused("invalid", fault.detail, faults=(fault,))
