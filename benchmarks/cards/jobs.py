"""What every engine draws: five stories, their photos, and the cases that are measured. Plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import pyvips
from nashr.domain.cards import FORMATS, SIZES, Format

from benchmarks import photos

Direction = Literal["rtl", "ltr"]
GRAIN: Final = 4.0
"""Of the photos once they are shrunk: a file of 2000 px then has about 450 kB, as a press photo has."""


@dataclass(frozen=True)
class Story:
    """The words of one card."""

    headline: str
    label: str
    date: str
    site: str
    language: str
    direction: Direction


@dataclass(frozen=True)
class Case:
    """Which formats are drawn, from a photo of which width in px; 0 for none."""

    title: str
    formats: Sequence[Format]
    base: int


@dataclass(frozen=True)
class Job:
    """One call of an engine: ``hero`` is a file, empty for none."""

    story: Story
    hero: str
    logo: str
    formats: Sequence[Format]

    def row(self, *, folder: Path | None = None) -> dict[str, Any]:
        """As JSON, with the formats' sizes; ``folder`` keeps the files."""
        sizes = [SIZES[one] for one in self.formats]
        return {**asdict(self), "sizes": sizes, "folder": str(folder) if folder else None}


STORIES: Final = (
    Story(
        "الوزير: «لن نرفع سعر الخبز» والمعارضة تطالب بضمانات مكتوبة قبل الخريف",
        "سياسة", "٢٨ نوفمبر ٢٠٢٦", "خبر", "ar", "rtl",
    ),
    Story(
        "باحثون يختبرون لقاحا جديدا (mRNA-1283) على 4500 متطوع في ثلاث مدن",
        "صحة", "٢٨ نوفمبر ٢٠٢٦", "خبر", "ar", "rtl",
    ),
    Story("انتخابات مبكرة في الربيع", "عاجل", "٢٨ نوفمبر ٢٠٢٦", "خبر", "ar", "rtl"),
    Story(
        "Harbour town votes to turn its last shipyard into a public garden",
        "Cities", "28 November 2026", "Khabar", "en", "ltr",
    ),
    Story(
        "پژوهشگران گچ‌بری‌های ۸۰۰ ساله را در چهار روستا یافتند",
        "فرهنگ", "۷ آذر ۱۴۰۵", "خبر", "fa", "rtl",
    ),
)  # fmt: skip
"""All in letters that IBM Plex Sans Arabic has, so that every engine sets them in that one file."""
CASES: Final = (
    Case("1200 x 630, photo of 1200 px", ("og",), 1200),
    Case("1200 x 630, photo of 2000 px", ("og",), 2000),
    Case("all four formats, photo of 2000 px", FORMATS, 2000),
    Case("1200 x 630, no photo", ("og",), 0),
)


def heroes(folder: Path) -> Mapping[int, Sequence[Path]]:
    """By width, a photo for each story: no two engines and no two stories in a row share a decoded one."""
    whole = folder / "whole.jpg"
    photos.draw(whole, seed=1)
    found: dict[int, Sequence[Path]] = {}
    for width in sorted({case.base for case in CASES} - {0}):
        base = pyvips.Image.thumbnail(str(whole), width, size="down").copy_memory()
        found[width] = [_hero(base, folder / f"hero-{width}-{at}.jpg", seed=at) for at in range(len(STORIES))]
    return found


def _hero(base: Any, file: Path, *, seed: int) -> Path:
    grain = pyvips.Image.gaussnoise(base.width, base.height, mean=0, sigma=GRAIN, seed=seed)
    (base + grain).cast("uchar").jpegsave(str(file), Q=85)
    return file


def logo(file: Path) -> Path:
    """A ring and a bar on nothing, 320 x 96, as PNG."""
    drawing = (
        b'<svg xmlns="http://www.w3.org/2000/svg" width="320" height="96"><circle cx="48" cy="48" r="36"'
        b' fill="none" stroke="#fff" stroke-width="16"/><rect x="112" y="30" width="190" height="36" rx="8"'
        b' fill="#fff"/></svg>'
    )
    pyvips.Image.svgload_buffer(drawing).pngsave(str(file))
    return file


def jobs(case: Case, *, heroes: Mapping[int, Sequence[Path]], logo: Path) -> Sequence[Job]:
    """One job for each story."""
    return [
        Job(story, str(heroes[case.base][at]) if case.base else "", str(logo), case.formats)
        for at, story in enumerate(STORIES)
    ]
