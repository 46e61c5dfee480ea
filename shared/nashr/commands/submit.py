"""``nashr submit``: a draft with its local photos, as an editor's script would send it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from nashr import settings as configuration
from nashr.commands.stack import DataOption
from nashr.runtime.folder import check_is_folder
from nashr.runtime.programs import StackError


def endpoints(data: Path | None) -> Mapping[str, str]:
    """What DIR/endpoints.json says. Raises StackError when no stack is up."""
    path = configuration.load(data=data).endpoints_file
    check_is_folder(path.parent.absolute())
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        raise StackError(f"{path.absolute()} is not there: start the stack with nashr up") from None


def submit(
    draft: Annotated[
        Path, typer.Argument(help="The article as JSON; images name local files", exists=True, dir_okay=False)
    ],
    *,
    publish: Annotated[bool, typer.Option("--publish", help="Publish it as well")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Return once it is live (implies --publish)")] = False,
    data: DataOption = None,
) -> None:
    """Submit a draft with its photos."""
    from nashr.client import ApiError, Client  # noqa: PLC0415 - no command pays for what another imports

    where = endpoints(data)
    text = _read(draft)
    client = Client(where["api"], where["admin_token"])
    try:
        done = _with_progress(client, text, draft.parent, publish=publish or wait)
        publication = done.publication
        if publication is not None and wait:
            publication = client.wait(publication["id"])
    except ApiError as error:
        raise StackError(str(error)) from error
    typer.echo(f"{done.article['id']} revision {done.article['revision']}")
    for warning in done.article.get("warnings", ()):
        typer.echo(f"  {warning['pointer']}: {warning['detail']}")
    if publication is not None:
        typer.echo(f"{publication['id']} {publication['state']} {publication.get('url') or ''}")


def _read(draft: Path) -> dict[str, Any]:
    try:
        text = json.loads(draft.read_text("utf-8"))
    except ValueError as error:
        raise StackError(f"{draft} is not JSON in UTF-8: {error}") from error
    if not isinstance(text, dict):
        raise StackError(f"{draft} must hold one JSON object, the draft")
    return text


def _with_progress(client: Any, text: dict[str, Any], folder: Path, *, publish: bool) -> Any:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn  # noqa: PLC0415

    from nashr.client import local_files  # noqa: PLC0415

    names = local_files(text)
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise StackError(f"{folder / missing[0]} is not there: the draft names it")
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, transient=True) as progress:
        tasks = {name: progress.add_task(name, total=(folder / name).stat().st_size) for name in names}
        return client.submit(
            text, folder=folder, publish=publish, watch=lambda name, read: progress.advance(tasks[name], read)
        )


def add_to(app: typer.Typer) -> None:
    """Adds these commands to ``app``."""
    app.command()(submit)
