"""How far a long command is: a bar on a terminal, a line now and then elsewhere, on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import typer

if TYPE_CHECKING:
    from nashr.runtime.verifying import Progress

REPORT: Final = 10.0  # seconds between two lines where there is no terminal


@contextmanager
def shown(name: str) -> Iterator[Progress]:
    """Tells how far ``name`` is, from what to what; gone from the terminal when it is over."""
    from rich.console import Console  # noqa: PLC0415 - no command pays for what another imports
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.progress import Progress as Bars  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    silent = not sys.stderr.isatty()
    reported = time.monotonic()
    with Bars(*columns, transient=True, disable=silent, console=Console(stderr=True)) as bars:
        task = bars.add_task(name, total=None)

        def tell(what: str, done: int, total: int | None) -> None:
            nonlocal reported
            bars.update(task, description=f"{name}: {what}", completed=done, total=total)
            if silent and time.monotonic() - reported > REPORT:
                reported = time.monotonic()
                typer.echo(
                    f"{name}: {done} of {total} {what}" if total else f"{name}: {done} {what}", err=True
                )

        yield tell
