"""``nashr storage check``: what the object store really does, and whether nashr can run on it."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from nashr import settings as configuration
from nashr.commands.stack import DataOption
from nashr.runtime.folder import check_is_folder
from nashr.runtime.programs import StackError

if TYPE_CHECKING:
    from nashr.adapters.s3 import S3ObjectStore
    from nashr.adapters.s3check import Verdict
    from nashr.adapters.s3verdict import Agreed
    from nashr.settings import Settings

storage = typer.Typer(help="The object store.", no_args_is_help=True)


@storage.callback()
def _group() -> None:
    """The object store."""


@storage.command()
def check(
    *,
    bucket: Annotated[
        str | None, typer.Option(help="Only this bucket, as the site's; else those of the settings")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs")] = False,
    data: DataOption = None,
) -> None:
    """Try what nashr needs of the store: conditions, metadata, keys, sizes, who may read.

    Exit code 1 if nashr cannot run on it. It writes below _nashr/ and removes that again. Where there is
    a database, the verdict on conditions is kept there, and delivery goes by it within a minute.
    """
    settings = configuration.load_for_stack(data)
    if not settings.s3_endpoint:
        check_is_folder(settings.data.absolute())
        raise StackError(
            f"no stack has run in {settings.data.absolute()}: set NASHR_S3_ENDPOINT, or give --data DIR"
        )
    verdict, agreed = _checked(settings, bucket)
    if as_json:
        shown = {
            "endpoint": settings.s3_endpoint, "can_run": verdict.can_run, "mode": verdict.mode,
            "before": agreed.before if agreed else None, "kept": agreed is not None,
            "writes": settings.s3_writes, "findings": [asdict(one) for one in verdict.findings],
        }  # fmt: skip
        typer.echo(json.dumps(shown, ensure_ascii=False, indent=2))
    else:
        _print(verdict, settings, agreed)
    if not verdict.can_run:
        raise typer.Exit(1)


def _checked(settings: Settings, bucket: str | None) -> tuple[Verdict, Agreed | None]:
    from rich.console import Console  # noqa: PLC0415 - no command pays for what another imports

    from nashr.adapters import s3, s3check  # noqa: PLC0415
    from nashr.adapters.s3put import QuickPuts  # noqa: PLC0415

    # What lies behind CloudFront, or on AWS at all, is read by the distribution's own identity.
    own = settings.cdn == "cloudfront" or settings.s3_endpoint.rstrip("/").endswith(".amazonaws.com")
    with (
        closing(s3.connect(settings)) as client,
        Console(stderr=True).status("asking the store") as status,
    ):
        name = bucket or settings.s3_bucket
        buckets = s3check.Buckets(
            site=s3.S3ObjectStore(client, name, quick=QuickPuts(settings, client, name)),
            private=None if bucket else s3.S3ObjectStore(client, settings.s3_private_bucket),
            read_by_anyone=not own,
        )
        verdict = s3check.check(buckets, lambda what: status.update(f"asking the store: {what}"))
        return verdict, _kept(settings, buckets.site, verdict)


def _kept(settings: Settings, store: S3ObjectStore, verdict: Verdict) -> Agreed | None:
    """Has all processes go by the verdict; None where there is none, or no database that could keep it."""
    if verdict.able is None or not settings.database_url:
        return None
    from nashr import bootstrap  # noqa: PLC0415 - no command pays for what another imports
    from nashr.adapters import s3verdict  # noqa: PLC0415
    from nashr.domain.errors import Retryable  # noqa: PLC0415

    engine = bootstrap.engine(settings, pool=1, application="nashr-cli")
    try:
        return s3verdict.record(engine, store, verdict.able, trusted=True)
    except Retryable as error:
        typer.echo(f"the verdict is not kept: {error}", err=True)
        return None
    finally:
        engine.dispose()


def _print(verdict: Verdict, settings: Settings, agreed: Agreed | None) -> None:
    wide = max(len(one.name) for one in verdict.findings)
    for one in verdict.findings:
        word = "works" if one.works else "FAILS" if one.needed else "lacks"
        typer.echo(f"{word}  {one.name:<{wide}}  {one.found}")
        if one.means:
            typer.echo(f"{'':<{wide + 9}}→ {one.means}")
    typer.echo()
    if verdict.mode is not None:
        forced = settings.s3_writes if settings.s3_writes != "auto" else ""
        typer.echo(f"pages are written by {forced or verdict.mode}{' (NASHR_S3_WRITES)' if forced else ''}")
    if agreed and agreed.before not in {None, agreed.mode}:
        typer.echo(f"BEFORE it was {agreed.before}: find out why; delivery follows within a minute")
    typer.echo(f"nashr {'can run' if verdict.can_run else 'CANNOT RUN'} on {settings.s3_endpoint}")


def add_to(app: typer.Typer) -> None:
    """Adds this command to ``app``."""
    app.add_typer(storage, name="storage")
