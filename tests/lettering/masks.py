"""Ink as bits: cutting, moving, growing and counting it. Plain integers, so that nothing has to be installed.

Not here: what two pieces of ink have to have in common.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, takewhile
from typing import Final

_INK: Final = bytes(48 + (value >= 128) for value in range(256))
_RUN: Final = re.compile("1+")


@dataclass(frozen=True)
class Blob:
    """Ink that hangs together (8 neighbours): its box in px, right and bottom excluded, and its area.

    ``seed`` is the column of one of its pixels in its top row.
    """

    left: int
    top: int
    right: int
    bottom: int
    area: int
    seed: int

    @property
    def height(self) -> int:
        return self.bottom - self.top

    @property
    def centre(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


@dataclass(frozen=True)
class Mask:
    """``bits`` holds ``height`` rows of ``width`` px, the first pixel in the lowest bit."""

    width: int
    height: int
    bits: int = field(repr=False)

    @classmethod
    def of_bytes(cls, data: bytes, *, width: int, height: int) -> Mask:
        """One byte a pixel; what is at least half covered is ink."""
        digits = data[: width * height].translate(_INK)[::-1]
        return cls(width, height, int(digits, 2) if digits else 0)

    @classmethod
    def of_rows(cls, *rows: str) -> Mask:
        """Drawn with ``#``, for small examples."""
        width = max(map(len, rows))
        data = "".join(row.ljust(width) for row in rows)
        return cls.of_bytes(bytes(255 * (mark == "#") for mark in data), width=width, height=len(rows))

    @property
    def area(self) -> int:
        return self.bits.bit_count()

    @cached_property
    def rows(self) -> Sequence[int]:
        ones = (1 << self.width) - 1
        return [(self.bits >> (self.width * row)) & ones for row in range(self.height)]

    @cached_property
    def columns(self) -> int:
        """A bit for every column that has ink."""
        found = 0
        for row in self.rows:
            found |= row
        return found

    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of the ink, the last two excluded; zeros where there is none."""
        inked = [at for at, row in enumerate(self.rows) if row]
        if not inked:
            return 0, 0, 0, 0
        left = (self.columns & -self.columns).bit_length() - 1
        return left, inked[0], self.columns.bit_length(), inked[-1] + 1

    def cut(self, left: int, top: int, right: int, bottom: int) -> Mask:
        """The part inside; what lies outside of the mask is blank."""
        width = right - left
        ones = (1 << width) - 1
        bits = 0
        for at in range(max(0, top), min(self.height, bottom)):
            row = self.rows[at]
            bits |= ((row >> left if left >= 0 else row << -left) & ones) << (width * (at - top))
        return Mask(width, bottom - top, bits)

    def only(self, left: int, right: int) -> Mask:
        """The same mask with ink in the columns from ``left`` to ``right`` alone."""
        stripe = (1 << right) - (1 << left)
        return Mask(self.width, self.height, self.bits & self._repeated(stripe))

    def moved(self, dx: int, dy: int) -> Mask:
        """Shifted; the caller sees to it that there is room, for ink must not run over an edge."""
        by = dx + dy * self.width
        bits = self.bits << by if by >= 0 else self.bits >> -by
        return Mask(self.width, self.height, bits)

    def grown(self, px: int) -> Mask:
        """Every pixel within ``px`` of ink to each side, corners cut. There must be so much room around."""
        reach = [self.bits]
        for step in range(1, px + 1):
            reach.append(reach[-1] | self.bits << step | self.bits >> step)
        bits = reach[px]
        for step in range(1, px + 1):
            row = reach[min(px, px + px // 2 - step)]
            bits |= row << (step * self.width) | row >> (step * self.width)
        return Mask(self.width, self.height, bits)

    def without(self, other: Mask) -> Mask:
        return Mask(self.width, self.height, self.bits & ~other.bits)

    def common(self, other: Mask) -> int:
        """How many pixels are ink in both."""
        return (self.bits & other.bits).bit_count()

    def pieces(self, gap: int) -> list[tuple[int, int]]:
        """Left and right of every stretch of ink between blanks of at least ``gap`` columns."""
        digits = f"{self.columns:0{self.width}b}"[::-1] if self.width else ""
        found: list[tuple[int, int]] = []
        for run in _RUN.finditer(digits):
            if found and run.start() - found[-1][1] < gap:
                found[-1] = (found[-1][0], run.end())
            else:
                found.append(run.span())
        return found

    @cached_property
    def blobs(self) -> Sequence[Blob]:
        """All ink that hangs together, from top to bottom."""
        return list(_blobs(self.rows, self.width))

    def part(self, blob: Blob) -> Mask:
        """The same mask with the ink of that blob alone."""
        bits, before = 1 << (blob.top * self.width + blob.seed), 0
        while bits != before:
            before = bits
            wide = bits | bits << 1 | bits >> 1
            bits = (wide | wide << self.width | wide >> self.width) & self.bits
        return Mask(self.width, self.height, bits)

    def _repeated(self, row: int) -> int:
        bits, have = row, 1
        while have < self.height:
            bits |= bits << (self.width * have)
            have *= 2
        return bits & ((1 << (self.width * self.height)) - 1)


def _blobs(rows: Sequence[int], width: int) -> Iterator[Blob]:
    """Each run of pixels goes to the blob that it touches in the row above; blobs that meet become one."""
    boxes: list[list[int]] = []
    parents: list[int] = []
    above: list[tuple[int, int, int]] = []
    for y, row in enumerate(rows):
        here: list[tuple[int, int, int]] = []
        first = 0
        for run in _RUN.finditer(f"{row:0{width}b}"[::-1]) if row else ():
            start, end = run.span()
            while first < len(above) and above[first][1] < start:
                first += 1
            touched = takewhile(lambda run: run[0] <= end, islice(above, first, None))  # noqa: B023
            labels = {_root(parents, label) for _, _, label in touched} or {len(parents)}
            label = min(labels)
            if label == len(parents):
                parents.append(label)
                boxes.append([start, y, end, y + 1, 0, start])
            for other in labels - {label}:
                parents[other] = label
                _join(boxes[label], boxes[other])
            _join(boxes[label], [start, y, end, y + 1, end - start, start])
            here.append((start, end, label))
        above = here
    yield from (Blob(*boxes[label]) for label, parent in enumerate(parents) if label == parent)


def _root(parents: Sequence[int], label: int) -> int:
    while parents[label] != label:
        label = parents[label]
    return label


def _join(box: list[int], other: Sequence[int]) -> None:
    left, top, right, bottom, area, seed = other
    if top < box[1]:
        box[1], box[5] = top, seed
    box[0], box[2], box[3] = min(box[0], left), max(box[2], right), max(box[3], bottom)
    box[4] += area
