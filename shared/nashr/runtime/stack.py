"""The stack on one machine, from an empty folder to addresses that answer, and back to nothing running.

Which parts are ours is decided by settings: a server named there is used and not started.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from nashr.domain.errors import Refused
from nashr.runtime import choices, folder, listening, records, servers, services
from nashr.runtime.folder import DataFolder
from nashr.runtime.programs import StackError
from nashr.runtime.services import SERVICES, ServiceSpec
from nashr.runtime.supervisor import StopAsked, Supervisor
from nashr.settings import Settings

SERVICES_SECONDS = 180.0  # seven Pythons on a busy machine; what dies at once fails long before

Prepare: TypeAlias = Callable[[Settings], Callable[[], str]]
Release: TypeAlias = Callable[[Settings, int], None]


@dataclass(frozen=True)
class Endpoints:
    """What DIR/endpoints.json holds."""

    api: str
    site: str
    admin_token: str


class Reporter(Protocol):
    """Who waits for the stack: a terminal, or the process that detached us."""

    def opened(self, data: Path) -> None:
        """DIR is usable and this stack's alone."""

    def ready(self, endpoints: Endpoints, *, data: Path) -> None:
        """Everything runs."""


def up(
    settings: Settings,
    *,
    prepare: Prepare,
    release: Release,
    reporter: Reporter,
    specs: Sequence[ServiceSpec] = SERVICES,
) -> None:
    """Runs a stack in ``settings.data`` until a stop signal. Raises StackError with cause and cure.

    ``prepare`` is called before the servers start; what it returns, when they are ready: that brings
    database and buckets up to date and returns the admin token. ``release`` gives back what a dead
    service process held.
    """
    opened = folder.open_folder(settings.data)
    with folder.locked(opened.path) as lock:
        reporter.opened(opened.path)
        (opened.path / records.ENDPOINTS).unlink(missing_ok=True)
        ours = [spec for spec in specs if not (spec.replaced_by and getattr(settings, spec.replaced_by))]
        _run(settings, opened, lock=lock, prepare=prepare, release=release, reporter=reporter, specs=ours)


def _run(
    settings: Settings,
    opened: DataFolder,
    *,
    lock: int,
    prepare: Prepare,
    release: Release,
    reporter: Reporter,
    specs: Sequence[ServiceSpec],
) -> None:
    names = [spec.name for spec in specs]
    before = records.read(opened.path / records.STACK)
    current = choices.choose(settings, data=opened.path, before=before)

    def on_exit(name: str, pid: int) -> None:
        if name in names:
            release(current, pid)

    with Supervisor(opened.path, on_exit=on_exit, lock=lock) as supervisor:
        try:
            prepared = prepare(current)
            current = servers.start(current, folder=opened, before=before, supervisor=supervisor)
            token = supervisor.beside(lambda: _prepared(prepared, current))
            _start_services(specs, settings=current, supervisor=supervisor)
            endpoints = _endpoints(current, token)
            records.write(opened.path / records.ENDPOINTS, asdict(endpoints))
            supervisor.settled()
            reporter.ready(endpoints, data=opened.path)
            supervisor.run()
        except StopAsked:
            pass
        finally:
            (opened.path / records.ENDPOINTS).unlink(missing_ok=True)
            supervisor.stop([names, *([name] for name in servers.STOP_ORDER)])


def _prepared(finish: Callable[[], str], settings: Settings) -> str:
    """One clear line for whatever goes wrong; the whole story goes to the log."""
    try:
        return finish()
    except (StackError, Refused):
        raise
    except Exception as error:
        log = settings.data / "logs" / "prepare.log"
        log.touch(mode=0o600)
        log.write_text(traceback.format_exc())
        reason = (str(error).splitlines() or [repr(error)])[0]
        raise StackError(f"database and buckets could not be prepared: {reason} (log: {log})") from error


def _start_services(specs: Sequence[ServiceSpec], *, settings: Settings, supervisor: Supervisor) -> None:
    for spec in specs:
        supervisor.start(services.program(spec, settings=settings, written=choices.WRITTEN))
    supervisor.wait_ready([spec.name for spec in specs], seconds=SERVICES_SECONDS)


def _endpoints(settings: Settings, token: str) -> Endpoints:
    api = f"http://{listening.reachable(settings.bind)}:{settings.api_port}"
    return Endpoints(api=api, site=settings.edge_url, admin_token=token)
