"""The formats of social cards: their names, their sizes in px, and which every publication carries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal, get_args

Format = Literal["og", "square", "portrait", "story"]

SIZES: Final[Mapping[Format, tuple[int, int]]] = {
    "og": (1200, 630),  # Open Graph, X, LinkedIn, WhatsApp, Telegram
    "square": (1080, 1080),
    "portrait": (1080, 1350),
    "story": (1080, 1920),
}

FORMATS: Final[tuple[Format, ...]] = get_args(Format)
PUBLISHED: Final[tuple[Format, ...]] = ("og", "square")
ON_REQUEST: Final[tuple[Format, ...]] = ("portrait", "story")

State = Literal["plain", "breaking", "correction"]
"""What a card says of its story at first sight."""


def font_key(site: str, sha256: str, suffix: str) -> str:
    """Where a site's own card font lies in the private bucket."""
    return f"{site}/fonts/{sha256}{suffix}"


def is_font_key(site: str, key: str) -> bool:
    """Whether a key of the private bucket can only be a font of this site: a theme may name no other."""
    return re.fullmatch(rf"{re.escape(site)}/fonts/[0-9a-f]{{64}}\.(ttf|otf)", key) is not None
