"""The site's static folder: what it may hold, and how the bucket follows it.

Its keys are remembered in the private bucket, and what the edge has still to forget of them: what leaves the
folder leaves the site, and nothing else does.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nashr.domain import staticfolder
from nashr.domain.errors import Fault, Refused
from nashr.domain.site import Site
from nashr.domain.slugs import RESERVED
from nashr.domain.staticfolder import Memory

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


def check(files: Mapping[str, Path], pages: AbstractSet[str]) -> None:
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


def remembered(site: Site, private: ObjectStore) -> Memory:
    """What the last run wrote down."""
    return staticfolder.parsed(private.get(staticfolder.memory_key(site.id)))


def paths(site: Site, memory: Memory) -> list[str]:
    """The site paths of what is remembered, but for what lies below an earlier prefix of the site."""
    return [site.path(key) for key in memory.files if key.startswith(site.prefix)]


def replace(
    site: Site,
    files: Mapping[str, Path],
    pages: AbstractSet[str],
    *,
    cache: str,
    public: ObjectStore,
    private: ObjectStore,
) -> Memory:
    """Stores what is new or changed of ``files`` and removes what an earlier folder had.

    ``cache``: the Cache-Control of each. ``pages``: the paths that pages have; one that a page has taken
    meanwhile is the page's. Returns what is remembered then: ``owed`` is to be purged and ``settle``d.
    Both are remembered before anything is sent: after a crash, the next run does what is left over.
    """
    before = remembered(site, private)
    now = {site.key(path): file for path, file in files.items()}
    hashes = {key: sha256(file.read_bytes() + cache.encode()).hexdigest() for key, file in now.items()}
    changed = {key for key, digest in hashes.items() if _differs(public, key, digest, before)}
    gone = before.files.keys() - now.keys() - {site.key(path) for path in pages}
    owed = before.owed | changed | gone
    _remember(site, private, Memory({**before.files, **dict.fromkeys(changed, "")}, owed))
    for key in sorted(changed):
        public.put(key, now[key].read_bytes(), content_type=content_type(now[key].name), cache_control=cache)
    for key in sorted(gone):
        public.delete(key)
    after = Memory(hashes, owed)
    _remember(site, private, after)
    return after


def _differs(public: ObjectStore, key: str, digest: str, before: Memory) -> bool:
    return before.files.get(key) != digest or public.head(key) is None


def settle(site: Site, private: ObjectStore, purged: AbstractSet[str]) -> None:
    """The edge has forgotten its copies of these keys."""
    memory = remembered(site, private)
    _remember(site, private, Memory(memory.files, memory.owed - purged))


def _remember(site: Site, private: ObjectStore, memory: Memory) -> None:
    body = staticfolder.written(memory)
    private.put(staticfolder.memory_key(site.id), body, content_type="application/json")


def _refused(file: Path, detail: str) -> Refused:
    fault = Fault("/static", "reserved", f"{file} {detail}")
    return Refused("invalid", fault.detail, faults=(fault,))
