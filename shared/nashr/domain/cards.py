"""The formats of social cards: their names, their sizes in px, and which every publication carries."""

from __future__ import annotations

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
