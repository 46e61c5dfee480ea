"""Files of a few kilobytes that announce four thousand megapixels: what it costs to see through them."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, Final

import pyvips

from benchmarks.figures import Table, megabytes, milliseconds
from benchmarks.images.peers import ROOT

PNG_SIDE: Final = 65_536
JPEG_SIDE: Final = 65_500
_LIMIT: Final = 60_000_000
_LOOKS: Final = ("nashr_ingest.imagefile", "nashr_images.core")


def measure(folder: Path, *, rounds: int) -> Table:
    rows = []
    for file in (_png(folder / "bomb.png"), _jpeg(folder / "bomb.jpg")):
        for look in _LOOKS:
            found = [_probed(file, look) for _ in range(rounds)]
            rows.append(
                [
                    f"{file.name}, {file.stat().st_size / 1000:.1f} KB",
                    f"{look}.inspect",
                    found[0]["answer"],
                    milliseconds(median(one["wall"] for one in found)),
                    milliseconds(median(one["cpu"] for one in found)),
                    megabytes(max(one["peak"] for one in found)),
                    megabytes(max(one["peak"] - one["before"] for one in found)),
                ]
            )
    return Table(
        "Bombs",
        ("file", "looked at by", "answer", "time", "CPU", "peak memory", "of that, for this file"),
        rows,
        [f"A fresh process each time, medians of {rounds}; its imports are not in the time."],
    )


def _png(file: Path) -> Path:
    """PNG_SIDE squared in RGB; its pixels end after the first few."""
    header = struct.pack(">IIBBBBB", PNG_SIDE, PNG_SIDE, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1 << 20), 9)), (b"IEND", b""))
    parts = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return file


def _jpeg(file: Path) -> Path:
    """A small JPEG whose frame header says JPEG_SIDE squared."""
    data = bytearray(pyvips.Image.black(256, 256, bands=3).copy(interpretation="srgb").jpegsave_buffer(Q=80))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", JPEG_SIDE, JPEG_SIDE)
    file.write_bytes(data)
    return file


def _probed(file: Path, look: str) -> Mapping[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.images.bombs", str(file), look],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return dict(json.loads(done.stdout))


def _probe(file: Path, look: str) -> Mapping[str, Any]:
    """In a fresh process: what it says, how long it took, and the memory before and at most."""
    from benchmarks.images.engine import peak  # noqa: PLC0415

    inspect = _inspector(look)
    before, cpu, wall = peak(), time.process_time(), time.perf_counter()
    answer = "accepted"
    try:
        inspect(file)
    except Exception as error:
        answer = getattr(error, "code", type(error).__name__)
    took, used = time.perf_counter() - wall, time.process_time() - cpu
    return {"answer": answer, "wall": took, "cpu": used, "before": before, "peak": peak()}


def _inspector(look: str) -> Callable[[Path], object]:
    if look == "nashr_images.core":
        from nashr_images import core  # noqa: PLC0415 - each probe loads what it measures

        return lambda file: core.inspect(file.read_bytes())
    from nashr_ingest import imagefile  # noqa: PLC0415

    return lambda file: imagefile.inspect(file, max_pixels=_LIMIT)


if __name__ == "__main__":
    print(json.dumps(_probe(Path(sys.argv[1]), sys.argv[2])))
