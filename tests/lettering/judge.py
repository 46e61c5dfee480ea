"""Whether one setting of a headline shows the same as another, line by line. Pure: masks in, faults out.

The judged setting may differ from the reference as two good renderers of one font do: by the rounding of
glyph positions, by the edges of anti-aliasing, and by which font a space is taken from. So words are laid
over each other one by one, and then no ink may be further than SLACK from ink of the other side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise, product
from operator import itemgetter
from typing import Final

from tests.lettering.headlines import Direction
from tests.lettering.masks import Blob, Mask

SLACK: Final = 2
"""px that ink may lie beside the reference's: both renderers round the places of glyphs."""
GAP: Final = 0.15
"""em of blank columns that end a word."""
DRIFT: Final = 0.12
"""em by which a space may be wider or narrower."""
ROOM: Final = 0.6
"""em of blank around the ink that is compared; half of it is what a whole line may drift."""
MARK: Final = 0.4
"""em that dots, vowels, accents and points are lower than."""
LIMITS: Final[Mapping[str, float]] = {
    "stray": 1, "lost": 1, "unlike": 0.17, "weight": 0.1, "width": 0.3, "blobs": 0.2, "marks": 0,
    "indent": 0.1, "rise": 0.2,
}  # fmt: skip
"""The most of each measure; benchmarks/cards/RESULTS.md has what right and broken headlines come to."""
_OF_LINES: Final = tuple(name for name in LIMITS if name not in {"indent", "rise"})


@dataclass(frozen=True)
class Measure:
    """One thing that was looked at: ``line`` counts from 1, ``value`` is a size without sign."""

    name: str
    line: int
    value: float

    @property
    def limit(self) -> float:
        """0 for the number of lines, which has to be the same."""
        return LIMITS.get(self.name, 0)

    @property
    def over(self) -> bool:
        return self.value > self.limit

    def __str__(self) -> str:
        return f"line {self.line}: {self.name} {self.value:.2f} (at most {self.limit:g})"


@dataclass(frozen=True)
class Line:
    """A line with the reference's laid over it; lengths in em, areas in thousandths of em squared."""

    ours: Mask
    reference: Mask
    em: int
    width: float
    """How much wider it is than the reference's."""
    indent: float
    """How far its start lies to the right of where the reference's lies."""
    rise: float
    """How much lower it lies."""

    @cached_property
    def unlike(self) -> float:
        """1 less the intersection over the union of the ink."""
        common = self.ours.common(self.reference)
        union = self.ours.area + self.reference.area - common
        return 1 - common / union if union else 0.0

    @cached_property
    def weight(self) -> float:
        """How much more ink it has, as a share of the reference's."""
        return self.ours.area / max(1, self.reference.area) - 1

    @cached_property
    def stray(self) -> float:
        """The largest blob of ink where the reference has none."""
        return self._largest(self.ours.without(self.reference.grown(SLACK)))

    @cached_property
    def lost(self) -> float:
        """The largest blob of the reference's ink that is not there."""
        return self._largest(self.reference.without(self.ours.grown(SLACK)))

    @cached_property
    def blobs(self) -> float:
        """How many more pieces its ink falls into, as a share; two may always touch or come apart."""
        count = len(self.reference.blobs)
        return max(0, abs(len(self.ours.blobs) - count) - 2) / max(1, count)

    @cached_property
    def marks(self) -> int:
        """How many dots, vowels and accents the other side has no ink for, or not where they are."""
        return len(list(_alone(self.ours, self.reference, self.em))) + len(
            list(_alone(self.reference, self.ours, self.em))
        )

    def _largest(self, mask: Mask) -> float:
        return max((blob.area for blob in mask.blobs), default=0) / self.em**2 * 1000 if mask.bits else 0.0


def faults(
    ours: Sequence[Mask], reference: Sequence[Mask], *, em: int, direction: Direction
) -> Iterator[Measure]:
    """What is wrong with a headline, nothing if it is right. Each mask holds one line in its full height."""
    return (found for found in measured(ours, reference, em=em, direction=direction) if found.over)


def measured(
    ours: Sequence[Mask], reference: Sequence[Mask], *, em: int, direction: Direction
) -> Iterator[Measure]:
    """All that is looked at, one after another: who stops at the first fault has it quickly.

    Of two headlines with unlike numbers of lines nothing else is compared. ``indent`` is the start of a
    line beside the first one's, ``rise`` its baseline beside the line above's.
    """
    if len(ours) != len(reference):
        yield Measure("lines", len(ours), abs(len(ours) - len(reference)))
        return
    laid = []
    for number, (one, other) in enumerate(zip(ours, reference, strict=True), 1):
        laid.append(line(one, other, em=em, direction=direction))
        yield from (Measure(name, number, abs(getattr(laid[-1], name))) for name in _OF_LINES)
    for number, (above, below) in enumerate(pairwise(laid), 2):
        yield Measure("indent", number, abs(below.indent - laid[0].indent))
        yield Measure("rise", number, abs(below.rise - above.rise))


def line(ours: Mask, reference: Mask, *, em: int, direction: Direction) -> Line:
    """Lays the reference's words over ours."""
    room = round(ROOM * em)
    left, top, right, bottom = ours.box()
    ref_left, ref_top, ref_right, ref_bottom = reference.box()
    width = max(right - left, ref_right - ref_left)
    above, below = min(top, ref_top) - room // 2, max(bottom, ref_bottom) + room // 2
    at, ref_at = (right - width, ref_right - width) if direction == "rtl" else (left, ref_left)
    one = ours.cut(at - room, above, at + width + room, below)
    two = reference.cut(ref_at - room, above, ref_at + width + room, below)
    rise = _rise(one, two, most=room // 2 - SLACK - 1)
    return Line(
        one,
        _laid(one, two, rise=rise, em=em, rtl=direction == "rtl"),
        em,
        width=((right - left) - (ref_right - ref_left)) / em,
        indent=(right - ref_right if direction == "rtl" else left - ref_left) / em,
        rise=rise / em,
    )


def _rise(one: Mask, two: Mask, *, most: int) -> int:
    """By how many rows ``two`` has to go down for its rows to hold as much ink as those of ``one``."""
    ones, twos = ([row.bit_count() for row in mask.rows] for mask in (one, two))

    def apart(by: int) -> int:
        moved = twos[-by:] + [0] * -by if by < 0 else [0] * by + twos
        return sum(abs(a - b) for a, b in zip(ones, moved, strict=False))

    return min(range(-most, most + 1), key=lambda by: (apart(by), abs(by)))


def _laid(one: Mask, two: Mask, *, rise: int, em: int, rtl: bool) -> Mask:
    """``two`` word by word where it covers ``one`` best, each word near where the last one came to lie."""
    drift, most = round(DRIFT * em), round(ROOM * em) // 2
    bits, at = 0, 0
    words = two.pieces(round(GAP * em))
    for word in reversed(words) if rtl else words:
        ink = two.only(*word)
        places = product(range(max(-most, at - drift), min(most, at + drift) + 1), (rise, rise - 1, rise + 1))
        covered = ((ink.moved(*place).common(one), *place) for place in places)
        _, at, lower = max(covered, key=itemgetter(0))
        bits |= ink.moved(at, lower).bits
    return Mask(two.width, two.height, bits)


def _alone(one: Mask, other: Mask, em: int) -> Iterator[Blob]:
    """The marks of ``one`` that are not half covered by ink of the other."""
    near = other.grown(1)
    for blob in one.blobs:
        if blob.height < MARK * em and blob.area > 4:
            box = blob.left - 1, blob.top, blob.right + 1, blob.bottom
            part = one.cut(*box).part(replace(blob, left=1, top=0, seed=blob.seed - blob.left + 1))
            if part.common(near.cut(*box)) < part.area / 2:
                yield blob
