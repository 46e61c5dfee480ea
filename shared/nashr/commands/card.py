"""``nashr card preview``: what a draft's social cards will look like, drawn by the cards service itself."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

import typer

from nashr.domain.cards import State
from nashr.runtime.programs import StackError

_PREVIEW: Final = "nashr_cards.preview"  # named, never imported: the library stands below the services

card = typer.Typer(no_args_is_help=True, help="Social cards: preview.")


@card.command("preview")
def preview(
    draft: Annotated[
        Path, typer.Argument(help="The article as JSON; images name local files", exists=True, dir_okay=False)
    ],
    *,
    site: Annotated[
        Path | None, typer.Option(help="The site's TOML, for its name and look", exists=True, dir_okay=False)
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the cards", file_okay=False)] = Path("cards"),
    state: Annotated[
        State | None, typer.Option(help="As what the story is shown; else as its kicker says")
    ] = None,
) -> None:
    """Draw a draft's cards in all formats into a folder. No stack is needed."""
    if find_spec(_PREVIEW.split(".", maxsplit=1)[0]) is None:
        raise StackError("the cards service is not installed here: install nashr-cards beside nashr")
    command = [sys.executable, "-P", "-m", _PREVIEW, str(draft), "--out", str(out)]
    if site:
        command += ["--site", str(site)]
    if state:
        command += ["--state", state]
    raise typer.Exit(subprocess.run(command, check=False).returncode)


def add_to(app: typer.Typer) -> None:
    """Adds these commands to ``app``."""
    app.add_typer(card, name="card")
