"""What the decode pool promises when children hang, die, eat memory or lose their parent.

A named pipe stands for a photo that never finishes: its child blocks on reading it, and opening
the other end waits until the child is in the middle of that job.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import connection
from pathlib import Path
from typing import Any

import pytest
from nashr.domain.recipe import RECIPE, Size
from nashr.runtime.sandbox import Limits, Sandbox, SandboxUnavailable
from nashr_images.metadata import Metadata
from nashr_images.pool import DecodePool, Kept
from nashr_images.renditions import (
    BrokenImage,
    Decode,
    ImageCrashed,
    LightJob,
    NotAnImage,
    TooManyPixels,
)
from PIL import Image

OpenPool = Callable[..., DecodePool]


@pytest.fixture
def open_pool() -> Iterator[OpenPool]:
    opened: list[DecodePool] = []

    def start(**settings: Any) -> DecodePool:
        opened.append(DecodePool(**settings))
        return opened[-1]

    yield start
    for pool in opened:
        pool.close()
    assert not multiprocessing.active_children()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    return named_pipe(tmp_path / "endless")


def named_pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def jpeg(width: int = 400, height: int = 300, **options: Any) -> bytes:
    file = io.BytesIO()
    noise = Image.effect_noise((width, height), 60).convert("RGB")
    noise.save(file, "JPEG", **options)
    return file.getvalue()


def only_child() -> int:
    (child,) = multiprocessing.active_children()
    assert child.pid
    return child.pid


def wait_for_exit(pid: int, *, seconds: float = 30.0) -> bool:
    """Waits on the process itself; true once it is gone."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def test_renders_bytes_and_paths_alike(open_pool: OpenPool, tmp_path: Path) -> None:
    """A photo handed over as bytes or as a file gives the same renditions as core itself."""
    from nashr_images import core  # noqa: PLC0415 - only this test decodes in its own process

    data = jpeg()
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    pool = open_pool()
    assert pool.render(data) == pool.render(path) == core.render(data)


def test_refusals_arrive_as_they_are(open_pool: OpenPool) -> None:
    """A refusal in the child reaches the caller with its type and message, and costs no child."""
    pool = open_pool(max_pixels=100)
    pool.warm()
    child = only_child()
    with pytest.raises(NotAnImage, match="accepted format"):
        pool.render(b"not an image")
    with pytest.raises(TooManyPixels, match="400 x 300"):
        pool.render(jpeg())
    with pytest.raises(BrokenImage, match="damaged"):
        pool.render(jpeg(10, 10)[:-200])
    assert only_child() == child


def test_killed_child_is_reported_and_replaced(
    open_pool: OpenPool, threads: ThreadPoolExecutor, endless: Path
) -> None:
    """A photo whose process is killed fails clearly; the next photo works."""
    pool = open_pool()
    job = threads.submit(pool.render, endless)
    writer = os.open(endless, os.O_WRONLY)
    os.kill(only_child(), signal.SIGKILL)
    with pytest.raises(ImageCrashed, match=r"ended its process \(exit code -9\)"):
        job.result()
    os.close(writer)
    assert pool.render(jpeg()).width == 400


def test_child_killed_at_rest_is_not_the_photos_fault(open_pool: OpenPool) -> None:
    """When an idle child was killed, the next photo just gets another."""
    pool = open_pool()
    pool.warm()
    os.kill(only_child(), signal.SIGKILL)
    assert pool.render(jpeg()).width == 400


def test_what_a_task_raises_is_no_sign_of_a_missing_child() -> None:
    """A RuntimeError of its own reaches the caller as it is: it could not be told from an outage."""
    sandbox = Sandbox("asyncio", children=1)
    with pytest.raises(RuntimeError, match="no running event loop"):
        sandbox.run("get_running_loop")
    sandbox.close()


def test_time_limit(open_pool: OpenPool, endless: Path) -> None:
    """A photo over its time limit fails clearly, its process is ended, the next photo works."""
    pool = open_pool(limits=Limits(seconds=2.0))
    pool.warm()
    stuck = only_child()
    holder = os.open(endless, os.O_RDWR)
    with pytest.raises(ImageCrashed, match="longer than 2 s"):
        pool.render(endless)
    os.close(holder)
    assert wait_for_exit(stuck)
    assert pool.render(jpeg()).width == 400


def test_memory_limit(open_pool: OpenPool) -> None:
    """A photo that needs more memory than allowed fails clearly; a smaller one still works."""
    pool = open_pool(limits=Limits(memory_bytes=96 << 20))
    hungry = io.BytesIO()  # its coefficients alone take 170 MB, for a progressive file streams nothing
    Image.new("RGB", (7700, 7700)).save(hungry, "JPEG", progressive=True)
    with pytest.raises(ImageCrashed, match=r"memory|ended its process"):
        pool.render(hungry.getvalue())
    assert pool.render(jpeg(60, 40)).width == 60


def test_limits_of_a_child(open_pool: OpenPool) -> None:
    """The kernel itself bounds a child's CPU time and memory, and it leaves no core dump."""
    pool = open_pool(limits=Limits(seconds=20))
    pool.warm()
    lines = Path(f"/proc/{only_child()}/limits").read_text().splitlines()
    soft = {line[:25].strip(): line[25:].split()[0] for line in lines[1:]}
    assert 40 < int(soft["Max cpu time"]) < 50  # two threads
    assert int(soft["Max address space"]) < 2 << 30
    assert soft["Max core file size"] == "0"


def test_children_are_recycled(open_pool: OpenPool) -> None:
    """A child serves only so many photos, so that memory cannot creep for ever."""
    pool = open_pool(limits=Limits(tasks=2))
    pool.warm()
    first = only_child()
    pool.warm()
    assert wait_for_exit(first)
    assert pool.render(jpeg()).width == 400


def test_photos_in_parallel_then_rest(
    open_pool: OpenPool, threads: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """Two photos run at once in two children; at rest one child stays."""
    pool = open_pool(workers=2, rest_seconds=0.01)
    pipes = [named_pipe(tmp_path / name) for name in ("one", "two")]
    jobs = [threads.submit(pool.render, pipe) for pipe in pipes]
    writers = [os.open(pipe, os.O_WRONLY) for pipe in pipes]
    children = multiprocessing.active_children()
    assert len(children) == 2
    for writer in writers:
        with os.fdopen(writer, "wb") as file:
            file.write(jpeg())
    assert [job.result().width for job in jobs] == [400, 400]
    assert len(connection.wait([child.sentinel for child in children], timeout=30)) == 1
    assert pool.render(jpeg()).width == 400
    assert only_child() in {child.pid for child in children}


def test_callers_beyond_the_limit_wait(open_pool: OpenPool, threads: ThreadPoolExecutor) -> None:
    """More photos than children are all rendered, by no more children than allowed."""
    pool = open_pool(workers=1)
    jobs = [threads.submit(pool.render, jpeg(100 + extra, 80)) for extra in range(4)]
    assert [job.result().width for job in jobs] == [100, 101, 102, 103]
    assert only_child()


def test_the_decode_is_used_again(open_pool: OpenPool) -> None:
    """A photo's second phase needs its original only where the decode is not at hand any more."""
    data, asked = jpeg(), []
    pool = open_pool()

    def original() -> bytes:
        asked.append(1)
        return data

    job = LightJob(RECIPE, (("image/avif", Size(None, 320, 240)),), (0.5, 0.5))
    pool.render(data, name="one")
    first = pool.render_lighter(original, job, name="one")
    assert (len(asked), [one.content_type for one in first]) == (0, ["image/avif"])
    assert pool.render_lighter(original, job, name="one") == first
    assert len(asked) == 1


def test_decodes_are_kept_within_bounds() -> None:
    """Only the newest decodes wait for their second phase; one too large for the room is not kept."""
    kept = Kept(100)
    for name, size in (("a", 60), ("b", 30), ("c", 30), ("d", 101)):
        kept.put(name, Decode(1, 1, 1, bytes(size), Metadata()))
    assert [kept.take(name) is not None for name in "abcd"] == [False, True, True, False]


def test_closed_pool_refuses(open_pool: OpenPool) -> None:
    """After close no child is left and photos are refused as retryable work."""
    pool = open_pool()
    pool.warm()
    child = only_child()
    pool.close()
    assert wait_for_exit(child)
    with pytest.raises(SandboxUnavailable, match="closed"):
        pool.render(jpeg())


PARENT = """
import multiprocessing, sys
from pathlib import Path
from nashr_images.pool import DecodePool

print("main imported", flush=True)
if __name__ == "__main__":
    pool = DecodePool()
    pool.warm()
    assert "pyvips" not in sys.modules
    print(multiprocessing.active_children()[0].pid, flush=True)
    pool.render(Path(sys.argv[1]))
"""


def test_children_die_with_their_parent(tmp_path: Path, endless: Path) -> None:
    """When a worker is killed in the middle of a photo, its child ends too.

    The worker never loads libvips, and its child never loads the worker's main module.
    """
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    command = [sys.executable, str(script), str(endless)]
    quiet = subprocess.DEVNULL  # the killed parent's semaphores are cleaned up with a warning
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=quiet, text=True) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == "main imported\n"
        child = int(parent.stdout.readline())
        writer = os.open(endless, os.O_WRONLY)
        parent.kill()
        assert wait_for_exit(child)
        os.close(writer)
