"""What is remembered of a site's static folder, in the private bucket, and how it is written there.

Who follows the folder is commands/static.py; who keeps its files is runtime/backup.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Memory:
    """What the bucket has of the folder: the SHA-256 of each file by key, "" where nobody knows it.

    ``owed``: keys whose copies the edge has still to forget.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    owed: frozenset[str] = frozenset()


def memory_key(site: str) -> str:
    """The key in the private bucket where the memory of a site's folder lies."""
    return f"static/{site}.json"


def parsed(body: bytes | None) -> Memory:
    """The memory out of its bytes; None: there is none. Before there were hashes it was a list of keys."""
    data = json.loads(body or b"[]")
    if isinstance(data, list):
        return Memory(dict.fromkeys(data, ""))
    return Memory(data["files"], frozenset(data["owed"]))


def written(memory: Memory) -> bytes:
    """What ``parsed`` reads."""
    data = {"files": dict(sorted(memory.files.items())), "owed": sorted(memory.owed)}
    return json.dumps(data).encode()
