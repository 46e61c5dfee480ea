"""A story with three new photos of 24 megapixels: until the page with all their renditions is at the edge."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import httpx

from benchmarks import photos
from benchmarks.bench import Bench, Published
from benchmarks.figures import SPREAD, Report, Table, Verdict, megabytes, spread
from benchmarks.measures.stages import stages
from benchmarks.stack import SITE, BenchError

ROUNDS, QUICK = 5, 1
PHOTOS = 3
_SRCSET = re.compile(r'srcset="([^"]+)"')


@dataclass(frozen=True)
class Round:
    """One story: seconds its uploads took together, and the rest counted from two beginnings."""

    uploads: float
    from_upload: float
    published: Published


def run(bench: Bench) -> Report:
    """All photos are drawn before the first round: drawing takes seconds of CPU."""
    count = bench.rounds(ROUNDS, QUICK)
    folder = bench.stack.data / "bench-photos"
    folder.mkdir()
    files = [folder / f"{number}.jpg" for number in range(PHOTOS * (count + 1))]
    for seed, file in enumerate(files):
        photos.draw(file, seed=seed)
    _round(bench, "photo-warm", files[:PHOTOS])
    rounds = [
        _round(bench, f"photo-{number}", files[PHOTOS * number : PHOTOS * (number + 1)])
        for number in range(1, count + 1)
    ]
    published = [one.published for one in rounds]
    visible = [one.visible for one in published]
    return Report(
        tables=(_table(rounds, files), stages("Where a photo story's time goes", published)),
        verdicts=(
            Verdict("three 24 MP photos, publish to visible, median", median(visible) * 1000, 2500, "ms"),
        ),
    )


def _round(bench: Bench, name: str, files: Sequence[Path]) -> Round:
    """Uploads one after another, drafts and publishes at once, as an editor in a hurry would."""
    bench.stack.rest()
    started = time.perf_counter()
    assets = [bench.newsroom.upload(file, site=SITE)["id"] for file in files]
    uploaded = time.perf_counter()
    story, article = bench.draft(name, photos=assets)
    published = bench.publish(article["id"], story)
    _check(bench, published.seen.page)
    return Round(uploaded - started, published.seen.at - started, published)


def _check(bench: Bench, page: httpx.Response) -> None:
    """Every photo stands on the page, and every file that the page names for it is there."""
    if page.text.count("<figure") != PHOTOS:
        raise BenchError(f"{page.url} shows {page.text.count('<figure')} photos instead of {PHOTOS}")
    for candidates in _SRCSET.findall(page.text):
        for one in candidates.split(", "):
            path = urlsplit(one.split()[0]).path
            if bench.reader.get(path).status_code != 200:
                raise BenchError(f"{page.url} names {path}, which is not there")


def _table(rounds: Sequence[Round], files: Sequence[Path]) -> Table:
    published = [one.published for one in rounds]
    sizes = sorted(file.stat().st_size for file in files)
    return Table(
        f"Story with three photos of {photos.WIDTH} x {photos.HEIGHT}; rounds: {len(rounds)}",
        ("", *SPREAD),
        (
            ("from the publish request to visible with its photos", *spread([p.visible for p in published])),
            ("from the publish request to the receipt", *spread([p.proven for p in published])),
            ("from the first byte uploaded to visible", *spread([one.from_upload for one in rounds])),
            ("of these, three uploads one after another", *spread([one.uploads for one in rounds])),
        ),
        notes=(f"JPEG files of {megabytes(sizes[0])} to {megabytes(sizes[-1])}, no two alike.",),
    )
