"""``nashr explain URL``: what a page was made from, and why it was last built."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from nashr.commands import static
from nashr.commands.database import database
from nashr.commands.stack import DataOption

if TYPE_CHECKING:
    from nashr.domain.site import Site
    from nashr.settings import Settings

SHOWN: Final = 5
"""Entries of a long list that people are shown; --json has them all."""


def explain(
    url: Annotated[str, typer.Argument(help="An address of a site, or a path with --site")],
    *,
    site: Annotated[str | None, typer.Option(help="The site, where only a path is given")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON")] = False,
    data: DataOption = None,
) -> None:
    """Say what stands at an address: what it was made from, and why it was last built."""
    from nashr.store import addressing, sites  # noqa: PLC0415 - no command pays for what another imports
    from nashr.store.database import snapshot  # noqa: PLC0415

    with database(data) as (engine, settings), snapshot(engine) as conn:
        told = addressing.explain(conn, url, site=site)
        if told["is"] == "nothing" and "site" in told:
            told |= _of_the_folder(settings, sites.get(conn, told["site"]["id"]).site, told["path"])
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2, default=_plain))
    else:
        typer.echo("\n".join(lines(told)))


def _of_the_folder(settings: Settings, site: Site, path: str) -> dict[str, Any]:
    """What is told of a file out of the site's static folder; nothing where there is none."""
    from nashr.adapters import s3  # noqa: PLC0415 - no command pays for what another imports

    client = s3.connect(settings)
    memory = static.remembered(site, s3.S3ObjectStore(client, settings.s3_private_bucket))
    key = site.key(path)
    if key not in memory.files:
        return {}
    found = s3.S3ObjectStore(client, settings.s3_bucket).head(key)
    told = {"key": key, "content_type": found.content_type, "bytes": found.bytes} if found else {"key": key}
    return {"is": "file of the static folder", "readers_get": None, "file": told}


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """The same for people: one thing a line; what is empty is left out."""
    width = max(len(name) for name in told)
    for name, value in told.items():
        first, *rest = list(_cell(value)) or [""]
        if first:
            yield f"{name.replace('_', ' '):<{width}}  {first}"
            yield from (f"{'':<{width}}  {line}" for line in rest)


def _cell(value: object) -> Iterator[str]:
    """The lines of one value."""
    if isinstance(value, Mapping):
        plain = {name: item for name, item in value.items() if not isinstance(item, Mapping | list | tuple)}
        yield _words(plain)
        for name, item in value.items():
            if name not in plain:
                yield from _cell(item)
    elif isinstance(value, list | tuple):
        yield from _entries(value)
    elif value is not None:
        yield _said(value)


def _entries(value: Sequence[object]) -> Iterator[str]:
    if all(isinstance(item, str) for item in value) and sum(len(str(item)) for item in value) < 80:
        yield " ".join(map(str, value))
        return
    for item in value[:SHOWN]:
        yield from _cell(item)
    if len(value) > SHOWN:
        yield f"and {len(value) - SHOWN} more"


def _words(item: Mapping[str, object]) -> str:
    """Names and values; what is empty says nothing."""
    return "  ".join(
        f"{name.replace('_', ' ')} {_said(found)}" for name, found in item.items() if found not in {None, ""}
    )


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:%Y-%m-%d %H:%M:%S}Z" if isinstance(value, datetime) else str(value)


def add_to(app: typer.Typer) -> None:
    """Adds this command to ``app``."""
    app.command()(explain)
