"""``nashr verify``: database, bucket and edge compared, and repaired if asked to."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Final

import typer

from nashr.commands import progress
from nashr.commands.database import database
from nashr.commands.stack import DataOption
from nashr.runtime.programs import StackError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from nashr.ports import Cdn, ObjectStore
    from nashr.runtime.repair import Repair
    from nashr.runtime.verifying import Comparison, Drift
    from nashr.store.sites import SiteRow

DAY: Final = 86_400.0
HOUR: Final = 3_600.0


@dataclass(frozen=True)
class _Asked:
    repair: bool
    deep: bool
    as_json: bool
    grace: float
    most: float


def verify(
    *,
    repair: Annotated[
        bool, typer.Option("--repair", help="Have what differs delivered or made again")
    ] = False,
    site: Annotated[str | None, typer.Option(help="Only this site; else all")] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Read every byte instead of trusting ETags")] = False,
    edge: Annotated[bool, typer.Option(help="Fetch each page through the edge, too")] = True,
    grace_days: Annotated[
        float | None,
        typer.Option(min=0, help="Days before objects that nobody owns are removed; NASHR_SWEEP_DAYS"),
    ] = None,
    max_delete: Annotated[
        float, typer.Option(min=0, max=100, help="Most per cent of a site's objects that may be removed")
    ] = 10.0,
    as_json: Annotated[bool, typer.Option("--json", help="One object per line, for programs")] = False,
    data: DataOption = None,
) -> None:
    """Compare database, bucket and edge while publishing goes on. Exit code 1 if anything differs.

    Only objects that nashr wrote are ever touched. A repair ends when it is asked for: pages follow by
    their deliveries. Run it again to see.
    """
    from nashr import bootstrap  # noqa: PLC0415 - no command pays for what another imports
    from nashr.adapters import s3  # noqa: PLC0415
    from nashr.store.database import statement  # noqa: PLC0415

    drift = 0
    with database(data) as (engine, settings):
        days = settings.sweep_days if grace_days is None else grace_days
        asked = _Asked(repair, deep, as_json, days * DAY, max_delete)
        store = s3.S3ObjectStore(s3.connect(settings), settings.s3_bucket)
        cdn = bootstrap.cdn(settings) if edge else None
        with statement(engine) as conn:
            chosen, every = _sites(conn, site)
            for one in chosen:
                others = [
                    other.site.prefix
                    for other in every
                    if other.site.prefix != one.site.prefix and other.site.prefix.startswith(one.site.prefix)
                ]
                drift += _verify(engine, conn, one, store=store, edge=cdn, others=others, asked=asked)
    if drift:
        raise typer.Exit(1)


def _sites(conn: Connection, site: str | None) -> tuple[list[SiteRow], list[SiteRow]]:
    from nashr.store import sites  # noqa: PLC0415 - no command pays for what another imports

    every = [sites.get(conn, one.id) for one in sites.every(conn)]
    chosen = [one for one in every if site in {None, one.site.id}]
    if site is not None and not chosen:
        known = ", ".join(one.site.id for one in every)
        raise StackError(f"there is no site {site}: the sites are {known or 'none yet'}")
    return chosen, every


def _verify(
    engine: Engine,
    conn: Connection,
    site: SiteRow,
    *,
    store: ObjectStore,
    edge: Cdn | None,
    others: list[str],
    asked: _Asked,
) -> int:
    """Compares one site and says what it finds; returns how many differences."""
    from nashr.runtime import verifying  # noqa: PLC0415 - no command pays for what another imports
    from nashr.runtime.repair import Repair  # noqa: PLC0415
    from nashr.runtime.reporting import Reporter  # noqa: PLC0415

    started, drift = time.monotonic(), 0
    options = verifying.Options(deep=asked.deep, grace=min(HOUR, asked.grace))
    mending = Repair(engine, site, store, edge) if asked.repair else None
    with progress.shown(site.site.id) as tell:
        found = verifying.Comparison(conn, site, store, edge, others, options, tell)
        try:
            for one in verifying.compare(found):
                drift += 1
                _say(one, as_json=asked.as_json)
                if mending is not None:
                    mending.take(one)
            refused = _finish(conn, mending, found, asked) if mending else None
        finally:
            Reporter(engine).tell()
    _sum_up(found, mending, drift, time.monotonic() - started, asked, refused)
    return drift


def _say(one: Drift, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(one), ensure_ascii=False))
    else:
        typer.echo(f"{one.site}  {one.kind:<12}  {one.where}  {one.detail}")


def _finish(conn: Connection, mending: Repair, found: Comparison, asked: _Asked) -> str | None:
    """The rest of a repair; why orphans stay where they are, if they do."""
    from nashr.runtime.repair import TooMany  # noqa: PLC0415 - no command pays for what another imports

    mending.flush()
    try:
        mending.orphans(conn, objects=found.counts.objects, grace=asked.grace, most=asked.most)
    except TooMany as error:
        return str(error)
    return None


def _sum_up(
    found: Comparison,
    mending: Repair | None,
    drift: int,
    seconds: float,
    asked: _Asked,
    refused: str | None,
) -> None:
    counts, site = found.counts, found.site.site.id
    if asked.as_json:
        repaired = asdict(mending.done) if mending else None
        told = {"site": site, "drift": drift, "seconds": round(seconds, 1), **asdict(counts)}
        typer.echo(json.dumps({"summary": {**told, "repaired": repaired, "refused": refused}}))
        return
    typer.echo(
        f"{site}: {drift} differences; {counts.pages} pages, {counts.objects} objects, "
        f"{counts.foreign} of others left alone, in {seconds:.1f} s"
    )
    if counts.unsettled:
        typer.echo(f"{site}: {counts.unsettled} pages were on their way all the time: look again later")
    if mending is not None:
        done = mending.done
        typer.echo(
            f"{site}: {done.pages} pages and {done.files} files are on their way again, {done.removed} pages "
            f"that nobody owns removed, {done.adopted} files left to the sweep, {done.waiting} left for now"
        )
    if refused:
        typer.echo(f"{site}: nothing removed: {refused}", err=True)


def add_to(app: typer.Typer) -> None:
    """Adds this command to ``app``."""
    app.command()(verify)
