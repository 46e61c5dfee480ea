"""``nashr rebuild``: every page rendered anew, behind everything else, as after a change of the theme."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from nashr.commands import progress
from nashr.commands.database import database
from nashr.commands.stack import DataOption
from nashr.runtime.programs import StackError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from nashr.runtime.verifying import Progress

POLL: Final = 1.0  # seconds
_BATCH: Final = 200  # pages that one transaction locks


def rebuild(
    *,
    site: Annotated[str | None, typer.Option(help="Only this site; else all")] = None,
    section: Annotated[str | None, typer.Option(help="Only this section's articles, front and feed")] = None,
    wait: Annotated[bool, typer.Option(help="Stay until it is done, showing progress")] = True,
    data: DataOption = None,
) -> None:
    """Render pages anew as bulk work; those that come out the same are not sent again.

    To stop it stops only the asking and the watching. Run again it goes on: pages that are on their way
    are left alone, and those that are done cost a rendering and nothing else.
    """
    from nashr.store import sites  # noqa: PLC0415 - no command pays for what another imports
    from nashr.store.database import statement  # noqa: PLC0415

    with database(data) as (engine, _):
        with statement(engine) as conn:
            known = sites.every(conn)
        chosen = [one for one in known if site in {None, one.id}]
        if not chosen:
            raise StackError(f"there is no site {site or ''}: the sites are {[one.id for one in known]}")
        chosen = [one for one in chosen if section is None or one.section(section)]
        if not chosen:
            raise StackError(f"no such site has a section {section}")
        for one in chosen:
            started = time.monotonic()
            with progress.shown(one.id) as tell:
                _want(engine, one.id, section, tell)
                total = watch(engine, one.id, section, tell) if wait else _left(engine, one.id, section)
            took = f" in {time.monotonic() - started:.0f} s" if wait else " on their way"
            typer.echo(f"{one.id}: {total} pages{took}")


def _want(engine: Engine, site: str, section: str | None, tell: Progress) -> None:
    from nashr.store import repairing  # noqa: PLC0415 - no command pays for what another imports
    from nashr.store.database import transaction  # noqa: PLC0415

    after: int | None = 0
    wanted = 0
    while after is not None:
        with transaction(engine) as conn:
            number, after = repairing.rebuild(conn, site, section=section, after=after, limit=_BATCH)
        wanted += number
        tell("pages asked for", wanted, None)


def _left(engine: Engine, site: str, section: str | None) -> int:
    from nashr.store import repairing  # noqa: PLC0415 - no command pays for what another imports
    from nashr.store.database import statement  # noqa: PLC0415

    with statement(engine) as conn:
        return repairing.rebuild_state(conn, site, section=section)[1]


def watch(engine: Engine, site: str, section: str | None, tell: Progress) -> int:
    """Until no page of it is on its way; returns how many there are."""
    from nashr.store import repairing  # noqa: PLC0415 - no command pays for what another imports
    from nashr.store.database import statement  # noqa: PLC0415

    while True:
        with statement(engine) as conn:
            total, left = repairing.rebuild_state(conn, site, section=section)
        tell("pages", total - left, total)
        if not left:
            return total
        time.sleep(POLL)


def add_to(app: typer.Typer) -> None:
    """Adds this command to ``app``."""
    app.command()(rebuild)
