"""``nashr backup`` and ``nashr restore``: all that cannot be made again, into a folder and out of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nashr.commands import progress
from nashr.commands.database import database
from nashr.commands.rebuild import watch
from nashr.commands.stack import DataOption
from nashr.runtime.programs import StackError

if TYPE_CHECKING:
    from nashr.runtime.archive import Archive, Manifest
    from nashr.runtime.backup import Stores
    from nashr.runtime.restoring import Report
    from nashr.settings import Settings

PATIENCE = 3600.0  # seconds: a COPY checks what its rows refer to before it says a word
_SHOWN = 20

FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The backup's folder")]


def backup(folder: FolderArgument, *, data: DataOption = None) -> None:
    """Back up database and originals while publishing goes on.

    Into the folder of an earlier backup only what is new is copied. Exit code 1 if originals are missing.
    """
    from nashr.runtime import archive  # noqa: PLC0415 - no command pays for what another imports
    from nashr.runtime import backup as taking  # noqa: PLC0415

    started = time.monotonic()
    with database(data, patience=PATIENCE) as (engine, settings), progress.shown("backup") as tell:
        try:
            taken = taking.take(engine, stores(settings), archive.Archive(folder), tell)
        except (archive.Damaged, archive.Busy) as error:
            raise StackError(str(error)) from error
    found = taken.manifest
    typer.echo(
        f"{folder}: {sum(table.rows for table in found.tables)} rows and {found.objects} objects "
        f"({taken.fetched} of them new) of {', '.join(found.sites) or 'no site'}, as of {found.taken_at}, "
        f"in {time.monotonic() - started:.1f} s"
    )
    for key, wrong in list(taken.missing.items())[:_SHOWN]:
        typer.echo(f"missing: {key} {wrong}", err=True)
    if taken.missing:
        raise StackError(
            f"{len(taken.missing)} objects are missing; everything else is in {folder}. Put originals back "
            "from an earlier backup (objects/, by SHA-256) or withdraw their photos; apply sites again for "
            "their files"
        )


def restore(
    folder: FolderArgument,
    *,
    check: Annotated[bool, typer.Option("--check", help="Only read the backup against its sums")] = False,
    wait: Annotated[bool, typer.Option(help="Stay until every page is published again")] = True,
    data: DataOption = None,
) -> None:
    """Restore a backup into an empty installation, and have everything published again.

    A store that holds newer pages is overtaken: versions go past its own.
    """
    from nashr.runtime import archive, restoring  # noqa: PLC0415 - no command pays for what another imports

    kept = archive.Archive(folder)
    try:
        with progress.shown("restore") as tell:
            manifest = restoring.check(kept, tell)
        typer.echo(f"{folder}: whole, as of {manifest.taken_at}, written by nashr {manifest.nashr}")
        if check:
            return
        _restore(kept, manifest, wait=wait, data=data)
    except (archive.Damaged, restoring.NotEmpty) as error:
        raise StackError(str(error)) from error


def _restore(kept: Archive, manifest: Manifest, *, wait: bool, data: Path | None) -> None:
    from nashr.runtime import restoring  # noqa: PLC0415 - no command pays for what another imports
    from nashr.store.migrate import is_current  # noqa: PLC0415

    with database(data, patience=PATIENCE) as (engine, settings):
        if not is_current(settings.database_url):
            raise StackError("the schema is not at the installed version: run nashr migrate")
        with progress.shown("restore") as tell:
            report = restoring.restore(engine, stores(settings), kept, manifest, tell)
        _tell(report)
        _purge(settings, report.urls)
        for site in manifest.sites if wait else ():
            with progress.shown(site) as tell:
                total = watch(engine, site, None, tell)
            typer.echo(f"{site}: {total} pages published again")


def _tell(report: Report) -> None:
    typer.echo(
        f"restored: {report.pages} pages are wanted again, {report.ahead} of them past the store's version"
    )
    if report.files_lost:
        typer.echo(f"{report.files_lost} files are made again, or when they are needed")
    for name, found in (
        ("removed after the backup, and stays removed", report.removed),
        ("published after the backup, kept in the private bucket as", report.aside),
    ):
        for one in found[:_SHOWN]:
            typer.echo(f"{name}: {one}")
        if len(found) > _SHOWN:
            typer.echo(f"  and {len(found) - _SHOWN} more")


def _purge(settings: Settings, urls: list[str]) -> None:
    """Has the edge forget pages that are deleted already: what fails here expires by itself."""
    from nashr import bootstrap  # noqa: PLC0415 - no command pays for what another imports
    from nashr.domain.errors import Permanent, Retryable  # noqa: PLC0415

    with_edge = bootstrap.cdn(settings)
    try:
        for url in urls:
            with_edge.purge(urls=[url])
    except (Retryable, Permanent) as error:
        typer.echo(f"the edge was not purged of pages that are gone ({error}): purge it as a whole", err=True)
    finally:
        with_edge.close()


def stores(settings: Settings) -> Stores:
    """Both buckets of the settings."""
    from nashr.adapters import s3  # noqa: PLC0415 - no command pays for what another imports
    from nashr.runtime.backup import Stores  # noqa: PLC0415

    client = s3.connect(settings)
    return Stores(
        *(s3.S3ObjectStore(client, name) for name in (settings.s3_bucket, settings.s3_private_bucket))
    )


def add_to(app: typer.Typer) -> None:
    """Adds these commands to ``app``."""
    app.command()(backup)
    app.command()(restore)
