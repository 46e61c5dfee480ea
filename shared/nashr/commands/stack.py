"""``nashr up``, ``nashr down`` and ``nashr status``: the embedded stack."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nashr import settings as configuration

if TYPE_CHECKING:
    from nashr.runtime.daemon import Detached, Terminal

DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="Folder of the stack; NASHR_DATA, else .nashr", show_default=False),
]


def up(
    *,
    data: DataOption = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return once everything is ready")] = False,
    api_port: Annotated[int | None, typer.Option(help="Port of the API; 0 takes a free one")] = None,
    site_port: Annotated[int | None, typer.Option(help="Port of the site; 0 takes a free one")] = None,
    bind: Annotated[str | None, typer.Option(help="Address that API and site listen on")] = None,
) -> None:
    """Start the stack: what no setting names is started here, on loopback unless told otherwise."""
    from nashr.runtime import daemon  # noqa: PLC0415 - no command pays for what another imports

    settings = configuration.load(data=data, api_port=api_port, site_port=site_port, bind=bind)
    if detach:
        daemon.detach(_command(settings))
    else:
        _run(settings, daemon.reporter())


def _run(settings: configuration.Settings, reporter: Terminal | Detached) -> None:
    try:
        from nashr.runtime import apart, stack  # noqa: PLC0415

        stack.up(settings, prepare=apart.prepare, release=apart.release, reporter=reporter)
    except Exception as error:
        reporter.failed(str(error) or repr(error))
        raise


def _command(settings: configuration.Settings) -> list[str]:
    """The same start in a process of its own; everything else it finds in the environment, as we did."""
    return [
        *(sys.executable, "-P", "-m", "nashr.cli", "up"),
        *("--data", str(settings.data.absolute())),
        *("--api-port", str(settings.api_port)),
        *("--site-port", str(settings.site_port)),
        *("--bind", settings.bind),
    ]


def down(*, data: DataOption = None) -> None:
    """Stop the stack; fine if none runs."""
    from nashr.runtime import control  # noqa: PLC0415

    folder = configuration.load(data=data).data.absolute()
    stopped = control.down(folder)
    typer.echo(f"stopped the stack in {folder}" if stopped else f"nothing runs in {folder}")


def status(
    *,
    data: DataOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs")] = False,
) -> None:
    """Show processes, the oldest due step and dead work. Exit code 1 unless the stack is ready."""
    from nashr.runtime import control  # noqa: PLC0415

    folder = configuration.load(data=data).data.absolute()
    found = control.status(folder)
    work = _backlog(folder) if found.state == "ready" else None
    if as_json:
        typer.echo(json.dumps({"data": str(folder), **asdict(found), "work": work}, indent=2))
    else:
        typer.echo(f"{found.state}  {folder}")
        for program in found.programs:
            pid = program.pid or "-"
            typer.echo(
                f"  {program.name:<10} {program.state:<9} pid {pid!s:<8} "
                f"restarts {program.restarts:<4} since {program.since}"
            )
        for name, value in (work or {}).items():
            shown = f"{value:.1f}" if isinstance(value, float) else value
            typer.echo(f"  {name.replace('_', ' '):<32} {shown}")
    if found.state != "ready":
        raise typer.Exit(1)


def _backlog(folder: Path) -> dict[str, float | int] | None:
    """Oldest due step, what is due, running and dead, our clock; None while the database does not answer."""
    from nashr import bootstrap  # noqa: PLC0415
    from nashr.domain.errors import Retryable  # noqa: PLC0415
    from nashr.store import clocks, queue  # noqa: PLC0415
    from nashr.store.database import statement  # noqa: PLC0415

    engine = bootstrap.engine(configuration.load_for_stack(folder), pool=1, application="nashr-status")
    try:
        with statement(engine) as conn:
            return {**asdict(queue.backlog(conn)), "clock_skew_seconds": clocks.measure(conn).seconds}
    except Retryable:
        return None
    finally:
        engine.dispose()


def add_to(app: typer.Typer) -> None:
    """Adds these commands to ``app``."""
    app.command()(up)
    app.command()(down)
    app.command()(status)
