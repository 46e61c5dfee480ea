"""``nashr theme check`` and the first half of ``nashr site apply``: a site's theme read, tried and packed.

Runs beside the command that asks, in the service that will render. Prints the packed bundle, or the flaws.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from nashr.domain.errors import Refused
from nashr.domain.site import Site, parse_site
from nashr.domain.theme import is_bundle_key

from nashr_delivery.themes import folder, trial
from nashr_delivery.themes.bundle import NOTHING, Bundle


class Unusable(ValueError):
    """A site or a theme that no page can be rendered with; the text names file, line and cure."""


@dataclass(frozen=True)
class Dressed:
    """A site with its theme folder, if it has one, as its TOML names them."""

    file: Path
    site: Site
    theme: Bundle
    path: Path | None


def main(words: list[str] | None = None) -> int:
    """0 and the bundle on standard output, or 1 and a line for each flaw."""
    parser = argparse.ArgumentParser(prog="nashr theme check")
    parser.add_argument("site", type=Path)
    asked = parser.parse_args(words)
    try:
        dressed = read(asked.site)
        tried(dressed)
    except (Unusable, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for note in trial.notes(dressed.site, dressed.theme):
        sys.stderr.write(f"{note}\n")
    if dressed.path is not None:
        sys.stdout.buffer.write(dressed.theme.pack())
    return 0


def read(file: Path) -> Dressed:
    """A site's TOML and its theme folder, which is named from where the TOML lies. Raises Unusable."""
    try:
        site = parse_site(tomllib.loads(file.read_text("utf-8")))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Unusable(f"{file}: {error}") from error
    except Refused as error:
        faults = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in error.faults)
        raise Unusable(f"{file}: {faults}") from error
    name = site.theme.get("folder")
    if not name or is_bundle_key(site.id, name):
        return Dressed(file, site, NOTHING, None)
    found = folder.read(file.parent / name)
    if found.flaws:
        raise Unusable(trial.told(found.flaws, site=file, folder=found.path))
    return Dressed(file, _with_logo(site, file.parent / name), found.bundle, found.path)


def place(file: Path) -> Path | None:
    """The theme folder that a TOML names, be it right or wrong; None where it names none."""
    try:
        name = tomllib.loads(file.read_text("utf-8"))["theme"]["folder"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return file.parent / name if isinstance(name, str) else None


def _with_logo(site: Site, path: Path) -> Site:
    """The folder's logo, where the TOML names none."""
    name = next((name for name in folder.LOGOS if (path / name).is_file()), None)
    return replace(site, logo=f"{site.theme['folder']}/{name}") if name and not site.logo else site


def tried(dressed: Dressed) -> None:
    """Renders every kind of page. Raises Unusable with all the flaws."""
    if found := tuple(trial.flaws(dressed.site, dressed.theme)):
        raise Unusable(trial.told(found, site=dressed.file, folder=dressed.path))


if __name__ == "__main__":
    raise SystemExit(main())
