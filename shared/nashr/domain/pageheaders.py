"""The metadata by which a page in the store says what it is: its version, and a seal over its headers.

An ETag covers the body only. The seal tells whether somebody has changed or lost the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

VERSION: Final = "version"
SEAL: Final = "seal"
_ALWAYS: Final = frozenset({"status", "location"})  # also where they are not to be


def sealed(content_type: str, cache_control: str, metadata: Mapping[str, str]) -> dict[str, str]:
    """``metadata`` with its seal: sixteen hex digits, and the names that they cover."""
    names = sorted(metadata)
    digest = _digest(content_type, cache_control, metadata, names)
    return {**metadata, SEAL: " ".join((digest, *names))}


def is_whole(content_type: str, cache_control: str, metadata: Mapping[str, str]) -> bool:
    """Whether headers are those that were sealed. A store may add metadata of its own."""
    digest, *names = metadata.get(SEAL, "").split() or [""]
    return digest == _digest(content_type, cache_control, metadata, names)


def _digest(content_type: str, cache_control: str, metadata: Mapping[str, str], names: list[str]) -> str:
    covered = [(name, metadata.get(name)) for name in sorted(_ALWAYS.union(names))]
    said = (_folded(content_type.partition(";")[0]), _folded(cache_control), covered)
    return sha256(repr(said).encode()).hexdigest()[:16]


def _folded(header: str) -> str:
    """Without the white space and the case that servers differ in; some drop the charset of XML, too."""
    return "".join(header.split()).lower()
