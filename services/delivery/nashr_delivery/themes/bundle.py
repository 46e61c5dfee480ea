"""A theme folder as one value and as one file: what a site puts in the place of ours, piece by piece.

The same folder packs into the same bytes, so its hash names it. Not here: whether what it holds is right.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

FORMAT: Final = 1


@dataclass(frozen=True)
class Bundle:
    """A theme folder.

    ``templates``: sources by name such as ``article.html``. ``css`` comes after our style sheet, or after
    ``sheet``, which stands in its place. ``texts``: words by locale and id. ``files``: pictures, fonts and
    icons by their path in the folder, such as ``images/lines.svg``.
    """

    templates: Mapping[str, str] = field(default_factory=dict)
    css: str = ""
    sheet: str | None = None
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)

    def pack(self) -> bytes:
        """JSON in UTF-8, its keys sorted."""
        files = {name: b64encode(body).decode() for name, body in self.files.items()}
        data = {"format": FORMAT, **vars(self), "files": files}
        return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    def words(self, locale: str) -> dict[str, str]:
        """The words for a locale by id: ``ar-LB`` has those of ``ar``, and its own before them."""
        parts = locale.split("-")
        tags = ["-".join(parts[:end]).lower() for end in range(1, len(parts) + 1)]
        by_tag = {tag.lower(): texts for tag, texts in self.texts.items()}
        return {name: text for tag in tags for name, text in by_tag.get(tag, {}).items()}


NOTHING: Final = Bundle()


def unpack(packed: bytes) -> Bundle:
    """The bundle out of its bytes. Raises ValueError for those of another version of nashr."""
    data: dict[str, Any] = json.loads(packed)
    if data.pop("format", None) != FORMAT:
        raise ValueError("this theme was packed by another version of nashr: apply its site again")
    files = {name: b64decode(body) for name, body in data.pop("files").items()}
    return Bundle(**data, files=files)
