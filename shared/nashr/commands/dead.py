"""``nashr dead list|replay|skip``: work that failed for good, and what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from nashr.commands.database import database
from nashr.commands.stack import DataOption
from nashr.runtime.programs import StackError
from nashr.steps import STEPS

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from nashr.store.dead import Dead

dead = typer.Typer(no_args_is_help=True, help="Work that failed for good: list, replay, skip.")

ACTOR: Final = "nashr dead"
_BATCH: Final = 100
_ERROR: Final = 160  # characters of an error that a list shows

Steps = Annotated[list[int] | None, typer.Argument(help="Numbers that nashr dead list shows")]
Site = Annotated[str | None, typer.Option(help="Only this site's")]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="Only this kind of step; may be repeated")]
All = Annotated[bool, typer.Option("--all", help="Everything that list shows with the same options")]


@dead.command("list")
def show(
    *,
    site: Site = None,
    kind: Kinds = None,
    as_json: Annotated[bool, typer.Option("--json", help="One object per line, for programs")] = False,
    data: DataOption = None,
) -> None:
    """Show dead steps, youngest first: what for, how often tried, what went wrong, what waits for them."""
    from nashr.store.database import statement  # noqa: PLC0415 - no command pays for what another imports

    with database(data) as (engine, _), statement(engine) as conn:
        for number, found in enumerate(_each(conn, site=site, kinds=_known(kind))):
            if as_json:
                typer.echo(json.dumps(asdict(found), default=str, ensure_ascii=False))
                continue
            typer.echo(("" if number == 0 else "\n") + _described(found))


def _described(found: Dead) -> str:
    lines = [
        f"{found.id}  {found.kind}  {found.subject}",
        f"  site {found.site}, {found.attempts} attempts, dead since {found.since:%Y-%m-%d %H:%M:%S} UTC",
        f"  {found.error[:_ERROR]}",
        *(f"  blocks {one.publication} of {one.article} ({one.state})" for one in found.blocks),
    ]
    return "\n".join(lines)


@dead.command("replay")
def replay(
    steps: Steps = None,
    *,
    every: All = False,
    site: Site = None,
    kind: Kinds = None,
    data: DataOption = None,
) -> None:
    """Try dead steps again, as if for the first time. Mend the cause first."""
    from nashr.store import dead as work  # noqa: PLC0415 - no command pays for what another imports

    def act(conn: Connection, found: Dead) -> None:
        work.replay(conn, found, actor=ACTOR)

    _end(data, "replayed", act, steps=steps, every=every, site=site, kinds=_known(kind))


@dead.command("skip")
def skip(
    steps: Steps = None,
    *,
    reason: Annotated[str | None, typer.Option(help="Kept in the audit trail")] = None,
    every: All = False,
    site: Site = None,
    kind: Kinds = None,
    data: DataOption = None,
) -> None:
    """Close dead steps: pages go out without them. What cannot be live without has failed, and says so."""
    from nashr.store import dead as work  # noqa: PLC0415 - no command pays for what another imports

    def act(conn: Connection, found: Dead) -> None:
        work.skip(conn, found, actor=ACTOR, reason=reason)

    _end(data, "skipped", act, steps=steps, every=every, site=site, kinds=_known(kind))


def _end(
    data: Path | None,
    word: str,
    act: Callable[[Connection, Dead], None],
    *,
    steps: list[int] | None,
    every: bool,
    site: str | None,
    kinds: list[str],
) -> None:
    """Acts on each step in a transaction of its own, so that one that is gone stops no other before it."""
    from nashr.store import dead as work  # noqa: PLC0415 - no command pays for what another imports
    from nashr.store.database import statement, transaction  # noqa: PLC0415

    if bool(steps) == every:
        raise StackError("name the steps by their numbers, or say --all (with --site or --kind to narrow it)")
    with database(data) as (engine, _):
        with statement(engine) as conn:
            chosen = steps or [found.id for found in _each(conn, site=site, kinds=kinds)]
        for number in sorted(set(chosen)):
            with transaction(engine) as conn:
                found = work.find(conn, number)
                act(conn, found)
            typer.echo(f"{word} {found.id}  {found.kind}  {found.subject}")
        if not chosen:
            typer.echo(f"nothing {word}: no such work is dead")


def _each(conn: Connection, *, site: str | None, kinds: list[str]) -> Iterator[Dead]:
    from nashr.store import dead as work  # noqa: PLC0415 - no command pays for what another imports

    before = None
    while found := work.every(conn, site=site, kinds=kinds, before=before, limit=_BATCH):
        yield from found
        before = found[-1].id


def _known(kinds: list[str] | None) -> list[str]:
    for kind in kinds or ():
        if kind not in STEPS:
            raise StackError(f"there is no kind {kind}: the kinds are {', '.join(STEPS)}")
    return kinds or []


def add_to(app: typer.Typer) -> None:
    """Adds these commands to ``app``."""
    app.add_typer(dead, name="dead")
