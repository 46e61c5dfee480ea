"""``nashr related rebuild``: signs every live article anew, while publishing goes on."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Final

import typer

from nashr.commands.database import database
from nashr.commands.stack import DataOption
from nashr.runtime.programs import StackError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from nashr.store.corpora import Rebuild

related = typer.Typer(no_args_is_help=True, help="Related links: rebuild what they are found by.")

POLL: Final = 0.5  # seconds
REPORT: Final = 10.0  # seconds between two lines where there is no terminal


@related.callback()
def _group() -> None:
    """Keeps ``rebuild`` a subcommand while it is the only one."""


@related.command("rebuild")
def rebuild(
    *,
    site: Annotated[str | None, typer.Option(help="Only this site; else all")] = None,
    wait: Annotated[bool, typer.Option(help="Stay until it is done, showing progress")] = True,
    data: DataOption = None,
) -> None:
    """Sign all live articles anew and count their words anew. The related service does it, newest first.

    Needed after an upgrade whose notes ask for it. Pages keep their links meanwhile, and new stories go
    first; to stop waiting stops nothing.
    """
    from nashr.store import corpora, sites  # noqa: PLC0415 - no command pays for what another imports
    from nashr.store.database import transaction  # noqa: PLC0415

    with database(data) as (engine, _):
        with transaction(engine) as conn:
            known = [one.id for one in sites.every(conn)]
            if site is not None and site not in known:
                raise StackError(f"there is no site {site}: the sites are {', '.join(known) or 'none yet'}")
            chosen = [one for one in known if site in {None, one}]
            for one in chosen:
                corpora.rebuild(conn, one)
        for one in chosen if wait else ():
            _watch(engine, one)
    if not wait:
        typer.echo(f"rebuilding {', '.join(chosen) or 'nothing: there is no site'}")


def _watch(engine: Engine, site: str) -> None:
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    reported = started = time.monotonic()
    with Progress(*columns, transient=True, disable=not sys.stdout.isatty()) as progress:
        task = progress.add_task(site, total=None)
        for state in _states(engine, site):
            progress.update(task, completed=state.done, total=state.total or None)
            if progress.disable and time.monotonic() - reported > REPORT:
                reported = time.monotonic()
                typer.echo(f"{site}: {state.done} of {state.total} articles signed")
            last = state
    typer.echo(f"{site}: {last.done} articles signed in {time.monotonic() - started:.0f} s")


def _states(engine: Engine, site: str) -> Iterator[Rebuild]:
    """How far it is, until it is over."""
    from nashr.store import corpora  # noqa: PLC0415 - no command pays for what another imports
    from nashr.store.database import statement  # noqa: PLC0415

    while True:
        with statement(engine) as conn:
            state = corpora.rebuild_state(conn, site)
        yield state
        if state.over:
            return
        time.sleep(POLL)


def add_to(app: typer.Typer) -> None:
    """Adds these commands to ``app``."""
    app.add_typer(related, name="related")
