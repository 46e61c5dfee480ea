"""``nashr migrate``: database and buckets to the installed version, where no ``nashr up`` does it."""

from __future__ import annotations

from typing import Annotated

import typer

from nashr import settings as configuration
from nashr.commands.stack import DataOption
from nashr.runtime.folder import check_is_folder
from nashr.runtime.programs import StackError


def migrate(
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit code 1 if it is behind")
    ] = False,
    data: DataOption = None,
) -> None:
    """Bring schema, the services' rights on it and buckets to the installed version.

    Repeating it changes nothing.
    """
    from nashr.domain.errors import Retryable  # noqa: PLC0415 - no command pays for what another imports
    from nashr.runtime import prepare  # noqa: PLC0415
    from nashr.store.migrate import is_current  # noqa: PLC0415

    settings = configuration.load_for_stack(data)
    check_is_folder(settings.data.absolute())
    if not settings.database_url:
        raise StackError(
            f"no stack has run in {settings.data.absolute()}: set NASHR_DATABASE_URL, or give --data DIR"
        )
    try:
        if not check:
            prepare.upgrade(settings)
        elif not is_current(settings.database_url):
            raise StackError("the schema is not at the installed version: run nashr migrate")
    except Retryable as error:
        raise StackError(f"{error}: nothing was lost, run it again when it answers") from error
    typer.echo("the schema is at the installed version")


def add_to(app: typer.Typer) -> None:
    """Adds this command to ``app``."""
    app.command()(migrate)
