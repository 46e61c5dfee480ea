"""The engines, each kept warm: nashr in a process of its own, satori in Node, headless Chromium."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import fontpkg_ibm_plex_sans_arabic as plex
from nashr.domain.cards import SIZES
from playwright.sync_api import Page

from benchmarks.cards.jobs import Job
from benchmarks.processes import TICKS, tree_cpu_ticks, tree_pids
from tests.lettering import chromium

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
PEERS: Final = HERE / "peers"
FONTS: Final = Path(plex.ROOT) / "files"
BOLD: Final = FONTS / "IBMPlexSansArabic-Bold.ttf"
MEDIUM: Final = FONTS / "IBMPlexSansArabic-Medium.ttf"
OURS: Final = "nashr"
SATORI: Final = "satori + resvg, at its best"
USUAL: Final = "satori + resvg, as mostly used"
CHROMIUM: Final = "Chromium, warm"
QUALITY: Final = 85


class EngineFailed(Exception):
    """An engine's process ended with an error; the text is what it said."""


@dataclass(frozen=True)
class Drawn:
    """What one job cost: seconds of CPU of all processes involved, wall clock, and the files' bytes."""

    cpu: float
    wall: float
    bytes: Sequence[int]


class Engine(Protocol):
    """Something that draws cards."""

    title: str

    def draw(self, job: Job, *, folder: Path | None = None) -> Drawn:
        """Draws all formats of a job; ``folder`` keeps the files."""

    def peak(self) -> int:
        """The most memory in bytes that it has held."""


class Talking:
    """A process that reads jobs and answers, a line of JSON each."""

    def __init__(self, title: str, command: Sequence[str], *, errors: Path) -> None:
        self.title = title
        self._errors = errors
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "VIPS_CONCURRENCY": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors.open("w"),
            text=True,
        )

    def ask(self, job: Mapping[str, Any]) -> Mapping[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise EngineFailed(f"{self.title} failed: {self._errors.read_text()[-2000:]}")
        return dict(json.loads(answer))

    def draw(self, job: Job, *, folder: Path | None = None) -> Drawn:
        return Drawn(**self.ask(job.row(folder=folder)))

    def peak(self) -> int:
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

    def close(self) -> None:
        self._process.stdin.close()  # type: ignore[union-attr] # it is a pipe
        self._process.wait(30)


class Browser:
    """A page that stays open: words and photo are replaced, then it is photographed as JPEG."""

    title = CHROMIUM

    def __init__(self, page: Page, process: int, *, folder: Path) -> None:
        self._page = page
        self._process = process
        self._number = 0
        self._peak = 0
        file = folder / "card.html"
        faces = (f"@font-face{{font-family:Plex;font-weight:{weight};src:url('{font.as_uri()}')}}"
                 for font, weight in ((BOLD, 700), (MEDIUM, 500)))  # fmt: skip
        file.write_text(f"<style>{''.join(faces)}</style>{(PEERS / 'card.html').read_text()}")
        page.goto(file.as_uri())

    def draw(self, job: Job, *, folder: Path | None = None) -> Drawn:
        cpu, wall = tree_cpu_ticks(self._process), time.perf_counter()
        files = [self._shot(job, SIZES[one]) for one in job.formats]
        took, ticks = time.perf_counter() - wall, tree_cpu_ticks(self._process) - cpu
        for one, data in zip(job.formats, files, strict=True) if folder else ():
            (Path(str(folder)) / f"chromium-{one}.jpg").write_bytes(data)
        return Drawn(ticks / TICKS, took, [len(data) for data in files])

    def _shot(self, job: Job, size: tuple[int, int]) -> bytes:
        """Under another address the photo is decoded again, as a new story's would be."""
        width, height = size
        if self._page.viewport_size != {"width": width, "height": height}:
            self._page.set_viewport_size({"width": width, "height": height})
        self._number += 1
        hero = f"{Path(job.hero).as_uri()}?{self._number}" if job.hero else ""
        shown = {"story": job.row()["story"], "hero": hero, "logo": Path(job.logo).as_uri()}
        self._page.evaluate("([job, size]) => show(job, size)", [shown, size])
        return self._page.screenshot(type="jpeg", quality=QUALITY)

    def peak(self) -> int:
        """The sum over its processes of the most that each has held: shared pages count repeatedly."""
        lines = (
            line
            for process in tree_pids(self._process)
            for line in Path(f"/proc/{process}/status").read_text().splitlines()
        )
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


@contextmanager
def opened(folder: Path) -> Iterator[Sequence[Engine]]:
    """All that this machine can run, nashr first; says what is left out, and why."""
    with ExitStack() as stack:
        ours = Talking(OURS, (sys.executable, "-m", "benchmarks.cards.subject"), errors=folder / "nashr.err")
        stack.callback(ours.close)
        engines: list[Engine] = [ours]
        if has_satori():
            for title, mode in ((SATORI, "best"), (USUAL, "usual")):
                satori = talking_satori(title, mode, folder=folder)
                stack.callback(satori.close)
                engines.append(satori)
        if chromium.program() is None:
            print("Chromium is left out: install the package chromium.\n", flush=True)
        else:
            page, process = stack.enter_context(_page(folder))
            engines.append(Browser(page, process, folder=folder))
        yield engines


def talking_satori(title: str, mode: str, *, folder: Path) -> Talking:
    """satori's process in one of the modes of satori.mjs, to be closed."""
    command = ("node", str(PEERS / "satori.mjs"), mode, str(BOLD), str(MEDIUM))
    return Talking(title, command, errors=folder / f"satori-{mode}.err")


@contextmanager
def _page(folder: Path) -> Iterator[tuple[Page, int]]:
    """A page, and the process that all others of its browser come from."""
    with chromium.opened(folder, fonts=FONTS) as page:
        yield page, _browser()


def _browser() -> int:
    """The browser's first process: the oldest below this one that runs Chromium's own program."""
    for process in sorted(tree_pids(os.getpid())):
        command = Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
        if b"--headless" in b" ".join(command) and not any(word.startswith(b"--type=") for word in command):
            return process
    raise EngineFailed("Chromium's process was not found")


def has_satori() -> bool:
    """Whether satori can be had; installs it, or says why not."""
    if not (shutil.which("node") and shutil.which("npm")):
        print("satori is left out: it needs node and npm.\n", flush=True)
        return False
    installed, lock = PEERS / "node_modules" / ".package-lock.json", PEERS / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return True
    done = subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund"], cwd=PEERS, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"satori is left out: npm ci failed: {done.stderr.strip()[-300:]}\n", flush=True)
    return done.returncode == 0
