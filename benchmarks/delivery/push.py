"""Bulk push: the same files to one server by nashr's adapter, s5cmd, obstore and boto3, one after another."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from nashr.adapters.s3 import connect, ensure_buckets
from nashr.settings import load

from benchmarks.delivery.clients import BUCKET, CACHE, IN_FLIGHT, KEY, SECRET
from benchmarks.figures import Report, Table, Verdict
from benchmarks.stack import BenchError
from tests.servers import rclone

PAGES, IMAGES = 10_000, 2_000
QUICK: Final = 20
"""One file in so many, in a quick run."""
SIZES: Final = {"pages": (5_000, 60_000, ".html"), "images": (50_000, 300_000, ".jpg")}
CLIENTS: Final = ("nashr", "s5cmd", "obstore", "boto3")
LEAST: Final = 0.8
_KEYS: Final = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}


@dataclass(frozen=True)
class Pushed:
    """One client's push of one kind of file: how many, in seconds, with how much CPU of its own."""

    kind: str
    client: str
    files: int
    size: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        return self.files / self.seconds

    def row(self, beside: Pushed) -> tuple[str, ...]:
        return (
            self.kind, self.client, f"{self.rate:.0f}", f"{self.size / 1e6 / self.seconds:.1f} MB/s",
            f"{self.cpu / self.files * 1000:.2f} ms", f"{self.rate / beside.rate:.2f}",
        )  # fmt: skip


def run(folder: Path, *, quick: bool) -> Report:
    """Every client pushes every kind; each into an empty prefix, which is emptied afterwards."""
    counts = {"pages": PAGES, "images": IMAGES}
    if quick:
        counts = {kind: count // QUICK for kind, count in counts.items()}
    found: list[Pushed] = []
    with rclone(folder) as server:
        client = connect(load(s3_endpoint=server.url))
        ensure_buckets(client, public=BUCKET, private=f"{BUCKET}-private")
        for kind, count in counts.items():
            files = _write(folder / kind, kind, count)
            for name in CLIENTS:
                found.append(_pushed(name, server.url, files, kept=folder / "rclone" / BUCKET))  # noqa: PERF401
            shutil.rmtree(files)
        client.close()
    return Report(tables=(_table(found),), verdicts=_verdicts(found))


def _write(folder: Path, kind: str, count: int) -> Path:
    least, most, ending = SIZES[kind]
    chance = Random(kind)
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:06}{ending}").write_bytes(chance.randbytes(chance.randint(least, most)))
    return folder


def _pushed(name: str, endpoint: str, files: Path, *, kept: Path) -> Pushed:
    kind = files.name
    prefix = f"{kind}-{name}/"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    done = subprocess.run(
        _command(name, endpoint, files, prefix), capture_output=True, text=True, check=False,
        env={**os.environ, **_KEYS},
    )  # fmt: skip
    seconds = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise BenchError(f"{name} ended with {done.returncode}: {done.stderr[-2000:]}")
    there = sorted(path.name for path in (kept / prefix).iterdir())
    if there != sorted(path.name for path in files.iterdir()):
        raise BenchError(f"{name} stored {len(there)} files of {kind}, not all")
    size = sum(path.stat().st_size for path in files.iterdir())
    shutil.rmtree(kept / prefix)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Pushed(kind, name, len(there), size, seconds, cpu)


def _command(name: str, endpoint: str, files: Path, prefix: str) -> Sequence[str]:
    if name == "s5cmd":
        program = Path(sys.executable).with_name("s5cmd")
        return (
            str(program), "--endpoint-url", endpoint, "--numworkers", str(IN_FLIGHT), "--log", "error", "cp",
            "--cache-control", CACHE, f"{files}/*", f"s3://{BUCKET}/{prefix}",
        )  # fmt: skip
    return (
        sys.executable,
        "-P",
        str(Path(__file__).with_name("clients.py")),
        name,
        endpoint,
        str(files),
        prefix,
    )


def _beside(found: Sequence[Pushed], one: Pushed) -> Pushed:
    return next(other for other in found if (other.kind, other.client) == (one.kind, "s5cmd"))


def _table(found: Sequence[Pushed]) -> Table:
    return Table(
        "Bulk push to rclone's S3 server",
        ("files", "by", "PUT/s", "throughput", "CPU of the client a PUT", "beside s5cmd"),
        [one.row(_beside(found, one)) for one in found],
        notes=("Pages have 5 to 60 kB, images 50 to 300 kB, of random bytes.",),
    )


def _verdicts(found: Sequence[Pushed]) -> Sequence[Verdict]:
    return [
        Verdict(
            f"push of {one.kind}, beside s5cmd",
            one.rate / _beside(found, one).rate,
            LEAST,
            "times",
            "at least",
        )
        for one in found
        if one.client == "nashr"
    ]
