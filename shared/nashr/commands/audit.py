"""``nashr audit``: who did what to which thing, when, from where; and what was refused."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from nashr.commands.database import database
from nashr.commands.stack import DataOption
from nashr.runtime.programs import StackError

if TYPE_CHECKING:
    from nashr.store.audit import Entry

OUTCOMES = ("accepted", "refused")


def audit(  # noqa: PLR0913 - options, each named
    *,
    site: Annotated[str | None, typer.Option(help="Only what was done to this site")] = None,
    actor: Annotated[
        str | None, typer.Option(help="Only what this person, token name or command did")
    ] = None,
    token: Annotated[str | None, typer.Option(help="Only what was done with the token of this id")] = None,
    action: Annotated[str | None, typer.Option(help="Such as article.publish, or refused.forbidden")] = None,
    subject: Annotated[str | None, typer.Option(help="Only what was done to the thing of this id")] = None,
    outcome: Annotated[str | None, typer.Option(help="accepted or refused")] = None,
    since: Annotated[datetime | None, typer.Option(help="From this time on, UTC")] = None,
    until: Annotated[datetime | None, typer.Option(help="Before this time, UTC")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, newest first")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One object per line, for programs")] = False,
    data: DataOption = None,
) -> None:
    """Show the audit trail, newest first. It is only ever added to."""
    from nashr.store.audit import Filter, entries  # noqa: PLC0415 - no command pays for what another imports
    from nashr.store.database import statement  # noqa: PLC0415

    if outcome not in {None, *OUTCOMES}:
        raise StackError(f"there is no outcome {outcome}: say {' or '.join(OUTCOMES)}")
    where = Filter(
        site=site, actor=actor, token=token, action=action, subject=subject, outcome=outcome,
        since=_utc(since), until=_utc(until),
    )  # fmt: skip
    with database(data) as (engine, _), statement(engine) as conn:
        for found in entries(conn, where, limit=limit):
            typer.echo(
                json.dumps(asdict(found), default=str, ensure_ascii=False) if as_json else _line(found)
            )


def _line(found: Entry) -> str:
    parts = (
        f"{found.at:%Y-%m-%d %H:%M:%S}  {found.action}  {found.subject}",
        f"by {found.actor if found.actor.isprintable() else repr(found.actor)}",
        f"site {found.site}" if found.site else "",
        f"token {found.token}" if found.token else "",
        f"from {found.address}" if found.address else "",
        json.dumps(found.detail, ensure_ascii=False) if found.detail else "",
    )
    return "  ".join(part for part in parts if part)


def _utc(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at and at.tzinfo is None else at


def add_to(app: typer.Typer) -> None:
    """Adds this command to ``app``."""
    app.command()(audit)
