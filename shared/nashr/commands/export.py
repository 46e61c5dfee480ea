"""``nashr export``: the way out. Articles, photos and the site itself, as files that need no nashr."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nashr.commands import progress
from nashr.commands.backup import PATIENCE, stores
from nashr.commands.database import database
from nashr.commands.stack import DataOption
from nashr.runtime.programs import StackError

_SHOWN = 20


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to; a folder for each site below it")],
    *,
    site: Annotated[str | None, typer.Option(help="Only this site; else all")] = None,
    data: DataOption = None,
) -> None:
    """Export articles, photos and the published site while publishing goes on.

    drafts/*.json can be submitted again; articles.jsonl has every revision; site/ is the site as plain files.
    """
    from nashr.runtime import exporting  # noqa: PLC0415 - no command pays for what another imports
    from nashr.store import sites  # noqa: PLC0415
    from nashr.store.database import statement  # noqa: PLC0415

    missing = unplaced = 0
    with database(data, patience=PATIENCE) as (engine, settings):
        with statement(engine) as conn:
            known = sites.every(conn)
        chosen = [one for one in known if site in {None, one.id}]
        if not chosen:
            raise StackError(f"there is no site {site or ''}: the sites are {[one.id for one in known]}")
        for one in chosen:
            below = [other.prefix for other in known if other.prefix != one.prefix]
            others = [prefix for prefix in below if prefix.startswith(one.prefix)]
            with progress.shown(one.id) as tell:
                done = exporting.export(engine, stores(settings), one, others, folder / one.id, tell)
            missing += done.missing
            unplaced += len(done.unplaced)
            typer.echo(
                f"{folder / one.id}: {done.articles} articles, {done.drafts} of them as drafts, "
                f"{done.photos} photos, {done.files} files of the site"
            )
            for key in sorted(done.unplaced)[:_SHOWN]:
                typer.echo(f"no file: {key} is too long a name, or is a file and a folder at once", err=True)
    wrong = {"originals are missing in the bucket": missing, "objects cannot be files here": unplaced}
    if any(wrong.values()):
        told = " and ".join(f"{number} {what}" for what, number in wrong.items() if number)
        raise StackError(f"{told}; everything else is in {folder}")


def add_to(app: typer.Typer) -> None:
    """Adds this command to ``app``."""
    app.command()(export)
