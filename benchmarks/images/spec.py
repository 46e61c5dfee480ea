"""What every engine has to make of a photo: the same sizes, the same quality numbers, the same files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final


@dataclass(frozen=True)
class Spec:
    """Widths never above the photo's, crops from its middle, each size in every format.

    ``quality`` holds the formats to make: jpeg (progressive, optimised), webp, avif. ``effort`` is libvips'
    and sharp's, 9 less aom's speed; None leaves every encoder at its own default. ``narrow``: the numbers
    below NARROW pixels; ``hasty`` AVIF's number and effort for crops and for files of more than LARGE pixels.
    ``table`` is mozjpeg's quantisation table, which Pillow does not offer. ``cropped``: formats of crops.
    """

    widths: Sequence[int]
    crops: Sequence[tuple[int, int]]
    quality: Mapping[str, int]
    effort: Mapping[str, int] | None
    narrow: Mapping[str, int]
    hasty: Mapping[str, int]
    table: int = 0
    cropped: Sequence[str] = ("jpeg", "webp", "avif")

    @property
    def files(self) -> int:
        """How many come of a photo that is large enough."""
        return len(self.widths) * len(self.quality) + len(self.crops) * len(self.forms(crop=True))

    def forms(self, *, crop: bool) -> list[str]:
        """The formats of one kind of file."""
        return [form for form in self.quality if not crop or form in self.cropped]

    def number(self, form: str, size: tuple[int, int], *, crop: bool) -> int:
        """The quality number of one file."""
        if self._in_haste(form, size, crop=crop):
            return self.hasty["quality"]
        return (self.narrow if size[0] < NARROW else self.quality)[form]

    def effort_of(self, form: str, size: tuple[int, int], *, crop: bool) -> int | None:
        """None for the encoder's own."""
        if self.effort is None:
            return None
        return self.hasty["effort"] if self._in_haste(form, size, crop=crop) else self.effort[form]

    def _in_haste(self, form: str, size: tuple[int, int], *, crop: bool) -> bool:
        return form == "avif" and (crop or size[0] * size[1] > LARGE)

    def text(self) -> str:
        """As JSON, for a process."""
        return json.dumps(asdict(self))

    def usual(self) -> Spec:
        """The same with each encoder's default effort, which is what most sites run."""
        return replace(self, effort=None, table=0)


def read(text: str) -> Spec:
    return Spec(**json.loads(text))


@dataclass(frozen=True)
class Made:
    """One encoded file; ``crop`` says that it does not show the whole photo."""

    format: str
    width: int
    height: int
    crop: bool
    data: bytes

    def row(self) -> dict[str, Any]:
        """Without the bytes, which go to a file where they are wanted."""
        row = asdict(self)
        row["bytes"] = len(row.pop("data"))
        return row

    def save(self, folder: Path) -> None:
        (folder / f"{self.width}x{self.height}{'c' * self.crop}.{self.format}").write_bytes(self.data)


Engine = Callable[[Path, Spec], list[Made]]

NARROW: Final = 480
LARGE: Final = 2_000_000
# QUALITY.md says where the numbers are from: at these, SSIMULACRA2 is 75 on average, of narrow files 70.
_PAGE: Final = {"jpeg": 74, "webp": 81}
_WHOLE: Final = Spec(
    widths=(320, 640, 960, 1280, 1920),
    crops=((1200, 675), (1200, 900), (1200, 1200)),
    quality={**_PAGE, "avif": 62},
    effort={"webp": 2, "avif": 1},
    narrow={"jpeg": 80, "webp": 83, "avif": 73},
    hasty={"quality": 64, "effort": 0},
    table=3,
)
SETS: Final = {
    "widths": replace(_WHOLE, crops=(), quality=_PAGE),
    "publishable": replace(_WHOLE, quality=_PAGE, cropped=("jpeg",)),
    "whole": _WHOLE,
}
"""``publishable`` is what a page needs before it goes out, ``whole`` adds AVIF, ``widths`` has no crops."""
