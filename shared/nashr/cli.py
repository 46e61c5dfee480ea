"""The ``nashr`` command: puts the subcommands together, and turns errors into one line and exit code 1."""

from __future__ import annotations

import sys

import typer

from nashr.commands import (
    audit,
    backup,
    card,
    dead,
    explain,
    export,
    migrate,
    rebuild,
    related,
    site,
    stack,
    storage,
    submit,
    theme,
    verify,
)
from nashr.domain.errors import Refused
from nashr.runtime.programs import StackError
from nashr.settings import BadSetting

app = typer.Typer(
    name="nashr",
    help="Arabic-first news publishing, self-hosted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
PARTS = (
    *(stack, migrate, storage, site, submit, card, related, theme, explain, dead, audit, verify, rebuild),
    *(backup, export),
)
for part in PARTS:
    part.add_to(app)


def main() -> None:
    """The console script. Commands raise StackError or Refused; their text is what the user reads."""
    try:
        app()
    except Refused as error:
        _fail("; ".join(f"{fault.pointer}: {fault.detail}" for fault in error.faults) or str(error))
    except (StackError, BadSetting, OSError) as error:
        _fail(str(error))


def _fail(message: str) -> None:
    sys.stderr.write(f"nashr: {message}\n")
    raise SystemExit(1)


if __name__ == "__main__":
    main()
