"""``nashr theme check`` and ``preview``: a site's look, tried by the delivery service that will render it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import typer

from nashr.runtime.programs import StackError

_CHECK: Final = "nashr_delivery.themes.check"  # named, never imported: the library stands below the services
_PREVIEW: Final = "nashr_delivery.themes.preview"
_SECONDS: Final = 60

SiteFile = Annotated[Path, typer.Argument(help="The site's TOML", exists=True, dir_okay=False)]

theme = typer.Typer(no_args_is_help=True, help="Themes: check, preview.")


def packed(file: Path) -> bytes:
    """A site's theme folder as one file, its pages rendered with sample content and found right.

    Empty where the site has no folder. Raises StackError with a line for each flaw.
    """
    try:
        done = subprocess.run(_command(_CHECK, file), capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        cure = "look for a loop in its templates"
        raise StackError(f"{file}: its theme was not rendered within {_SECONDS} s: {cure}") from None
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode:
        raise StackError(said or f"{file}: the check of its theme ended with {done.returncode}")
    if said:
        typer.echo(said, err=True)
    return done.stdout


def _command(module: str, file: Path, *more: str) -> list[str]:
    if find_spec(module.split(".", maxsplit=1)[0]) is None:
        raise StackError("the delivery service is not installed here: install nashr-delivery beside nashr")
    return [sys.executable, "-P", "-m", module, str(file), *more]


@theme.command("check")
def check(file: SiteFile) -> None:
    """Render every kind of page with a site's theme, and say what is wrong. Nothing is applied."""
    size = len(packed(file))
    typer.echo(f"{file}: every page can be rendered" + (f", theme of {size:,} bytes" if size else ""))


@theme.command("preview")
def preview(
    file: SiteFile,
    *,
    port: Annotated[int, typer.Option(help="On 127.0.0.1; 0 finds a free one", min=0, max=65535)] = 8099,
) -> None:
    """Show every kind of page with sample content, anew whenever a file changes. No stack is needed."""
    command = _command(_PREVIEW, file, "--port", str(port))
    os.execv(command[0], command)  # noqa: S606 - so that whoever ends this process ends the server


def add_to(app: typer.Typer) -> None:
    """Adds these commands to ``app``."""
    app.add_typer(theme, name="theme")
