"""The tables of QUALITY.md: which number gives which level, what it costs, and what the variants change."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import product
from statistics import fmean, median
from typing import Final

from benchmarks.figures import Table
from benchmarks.images import samples
from benchmarks.images.curves import Curve, Curves, mean_score, quality_for_mean

LEVELS: Final = (70, 75, 80)
MIDDLE: Final = 75
SMALL: Final = "320"
"""Far below the others at the same Q, so it has a Q of its own."""
_NAMES: Final = {encoder.name: encoder for encoder in (*samples.ENCODERS, *samples.VARIANTS)}
_BASES: Final = {"jpeg": "jpeg", "webp": "webp 2", "avif": "avif 1"}
"""What a variant of a format is compared with."""


def report(found: Sequence[samples.Sample], *, photos: Collection[str]) -> Iterator[Table]:
    """``photos`` are the pictures that a mean is taken over: all that were measured, where it is empty."""
    curves = Curves.of(found)
    measured = list(dict.fromkeys(one.picture for one in found))
    sizes = list(dict.fromkeys(one.size for one in found))
    mean_of = [name for name in measured if name in photos] or measured
    yield _qualities(curves, mean_of, sizes)
    yield _one_for_all(curves, mean_of, sizes)
    yield _by_picture(curves, mean_of, measured)
    yield _costs(curves, mean_of, sizes)
    yield from _variants(curves, mean_of, measured)
    yield _small(curves, mean_of)


def one_quality(curves: Curves, encoder: str, level: float, photos: Collection[str]) -> int | None:
    """The whole number whose mean score over photos and all sizes but SMALL comes nearest to the level."""
    exact = quality_for_mean(_without_small(curves, encoder, photos), level)
    return None if exact is None else round(exact)


def _without_small(curves: Curves, encoder: str, photos: Collection[str]) -> list[Curve]:
    sizes = {size for _, size, _ in curves.all if size != SMALL}
    return curves.pick(encoder, pictures=photos, sizes=sizes)


def _qualities(curves: Curves, photos: Sequence[str], sizes: Sequence[str]) -> Table:
    rows = []
    for encoder, level in product(samples.ENCODERS, LEVELS):
        each = [
            quality_for_mean(curves.pick(encoder.name, pictures=photos, sizes=[size]), level)
            for size in sizes
        ]
        rows.append([f"{encoder.name}, {level}", *(_number(quality, 1) for quality in each)])
    return Table(
        f"Q for a mean SSIMULACRA2 of {_listed(LEVELS)}, by size",
        ("encoder and level", *sizes),
        rows,
        [f"The mean over {_listed(photos)}. `webp 2`, `avif 1`: effort. {_OUTSIDE}"],
    )


_OUTSIDE: Final = "`-`: outside of the numbers that were tried."


def _one_for_all(curves: Curves, photos: Sequence[str], sizes: Sequence[str]) -> Table:
    rows = []
    for encoder, level in product(samples.ENCODERS, LEVELS):
        quality = one_quality(curves, encoder.name, level, photos)
        if quality is None:
            rows.append([f"{encoder.name}, {level}", "-", *("-" for _ in sizes), "-"])
            continue
        means = [
            mean_score(curves.pick(encoder.name, pictures=photos, sizes=[size]), quality) for size in sizes
        ]
        single = [curve.score_at(quality) for curve in _without_small(curves, encoder.name, photos)]
        rows.append(
            [
                f"{encoder.name}, {level}",
                str(quality),
                *(f"{mean:.1f}" for mean in means),
                f"{min(single):.1f} to {max(single):.1f}",
            ]
        )
    return Table(
        f"One Q for all sizes but {SMALL}: the mean score that it gives in each",
        ("encoder and level", "Q", *sizes, f"one photo, not {SMALL}"),
        rows,
    )


def _by_picture(curves: Curves, photos: Sequence[str], measured: Sequence[str]) -> Table:
    names = [encoder.name for encoder in samples.ENCODERS]
    chosen = {name: one_quality(curves, name, MIDDLE, photos) for name in names}
    rows = [
        [
            picture,
            *(
                _number(mean_score(_without_small(curves, name, [picture]), quality) if quality else None, 1)
                for name, quality in chosen.items()
            ),
        ]
        for picture in measured
    ]
    return Table(
        f"Mean score over all sizes but {SMALL} by picture, with the one Q for {MIDDLE}",
        ("picture", *(f"{name}, Q{quality or '-'}" for name, quality in chosen.items())),
        rows,
    )


def _costs(curves: Curves, photos: Sequence[str], sizes: Sequence[str]) -> Table:
    rows = []
    for encoder in samples.ENCODERS:
        shares = [curves.ratio(encoder.name, "jpeg", level, pictures=photos, sizes=sizes) for level in LEVELS]
        totals = [_kilobytes(curves, encoder.name, level, photos) for level in LEVELS]
        cpu = [curve.cpu_per_megapixel for curve in curves.pick(encoder.name, pictures=photos)]
        rows.append(
            [
                encoder.name,
                *(_number(share, 3) for share in shares),
                *(_number(total, 0) for total in totals),
                f"{median(cpu):.3f} s",
            ]
        )
    return Table(
        "Bytes and CPU at equal quality",
        (
            "encoder",
            *(f"share of JPEG's bytes at {level}" for level in LEVELS),
            *(f"KB a set at {level}" for level in LEVELS),
            "CPU a megapixel",
        ),
        rows,
        [
            "Shares are geometric means over photos and sizes, each at its own Q for exactly that score.",
            f"A set is {len(sizes)} pictures of one format with its one Q from above, the mean over photos.",
        ],
    )


def _kilobytes(curves: Curves, encoder: str, level: float, photos: Sequence[str]) -> float | None:
    quality = one_quality(curves, encoder, level, photos)
    if quality is None:
        return None
    sets = [
        sum(curve.bytes_at(quality) for curve in curves.pick(encoder, pictures=[name])) for name in photos
    ]
    return fmean(sets) / 1000


def _variants(curves: Curves, photos: Sequence[str], measured: Sequence[str]) -> Iterator[Table]:
    others = [name for name in measured if name not in photos]
    for form, base in _BASES.items():
        names = [name for name in _NAMES if name.startswith(form) and name != base]
        rows = []
        for name in (base, *names):
            shares = [
                curves.ratio(name, base, level, pictures=photos, sizes=samples.VARIED) for level in LEVELS
            ]
            each = [
                curves.ratio(name, base, LEVELS[-1], pictures=[other], sizes=samples.VARIED)
                for other in others
            ]
            found = curves.pick(name, pictures=photos, sizes=samples.VARIED)
            usual = curves.pick(name, pictures=photos, sizes=set(samples.VARIED) - {SMALL})
            if found:
                rows.append(
                    [
                        name,
                        *(_change(share) for share in (*shares, *each)),
                        _number(quality_for_mean(usual, MIDDLE), 1),
                        f"{median(curve.cpu_per_megapixel for curve in found):.3f} s",
                    ]
                )
        yield Table(
            f"{form.upper()}: bytes at equal score, beside {base}",
            (
                "encoder",
                *(f"photos at {level}" for level in LEVELS),
                *(f"{other} at {LEVELS[-1]}" for other in others),
                f"Q for {MIDDLE}",
                "CPU a megapixel",
            ),
            rows,
            [f"Sizes {_listed(samples.VARIED)}. {_OUTSIDE} `Q for {MIDDLE}` is for sizes but {SMALL}."],
        )


def _small(curves: Curves, photos: Sequence[str]) -> Table:
    rows = []
    for name in _NAMES:
        found = curves.pick(name, pictures=photos, sizes=[SMALL])
        qualities = [quality_for_mean(found, level) if found else None for level in LEVELS]
        sizes = [
            fmean(curve.bytes_at(quality) for curve in found) / 1000 if quality else None
            for quality in qualities
        ]
        rows.append(
            [name, *(_number(quality, 1) for quality in qualities), *(_number(size, 1) for size in sizes)]
        )
    return Table(
        f"The width {SMALL} alone: Q for a mean score, and KB",
        ("encoder", *(f"Q for {level}" for level in LEVELS), *(f"KB at {level}" for level in LEVELS)),
        rows,
        ["libvips leaves chroma whole (4:4:4) from Q90 on in JPEG and AVIF."],
    )


def _change(share: float | None) -> str:
    return "-" if share is None else f"{(share - 1) * 100:+.1f} %"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _listed(names: Collection[object]) -> str:
    *first, last = (str(name) for name in names)
    return f"{', '.join(first)} and {last}" if first else last
