"""The small files the stack writes below DIR: whole or not at all, readable by their owner only."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nashr.runtime.programs import StackError

STACK = "stack.json"
ENDPOINTS = "endpoints.json"
STATUS = "status.json"


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Replaces ``path`` in one step, mode 0600."""
    fresh = path.with_name(path.name + ".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2, ensure_ascii=False)
        file.write("\n")
    fresh.replace(path)


def read(path: Path) -> dict[str, Any]:
    """What ``write`` wrote; empty if nothing was. Raises StackError on a damaged file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StackError(f"{path} cannot be read ({error}): remove it, nashr up writes a new one") from None
    if not isinstance(content, dict):
        raise StackError(f"{path} holds no JSON object: remove it, nashr up writes a new one")
    return content
