"""Which services a stack runs, as data, and how each becomes a program."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from nashr.runtime import listening, probes
from nashr.runtime.launch import Program
from nashr.settings import Settings

GRACE_SECONDS = 10.0
# For glibc: few arenas, and what a photo took goes back to the system. By default each thread keeps its own.
MALLOC = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "262144", "MALLOC_TRIM_THRESHOLD_": "262144"}


@dataclass(frozen=True)
class ServiceSpec:
    """One service: ``main()`` of ``module``.

    Not ``python -m``: a child that multiprocessing spawns imports its parent's main module again, and
    a drawing child with all of Celery in it took 134 MB instead of 50 (measured).

    It is ready when ``path`` answers 200 on ``port``; without a path, when it has touched the file
    named by ``NASHR_READY_FILE``. ``replaced_by``: the setting that names an outside one instead.
    ``role``: as whom it connects to the embedded database; empty: it does not.
    """

    name: str
    module: str
    port: Literal["api_port", "site_port"] | None = None
    path: str = ""
    replaced_by: Literal["edge_url"] | None = None
    role: str = ""


SERVICES = (
    ServiceSpec(
        "edge", "nashr_delivery.edge", port="site_port", path="/.nashr/livez", replaced_by="edge_url"
    ),
    ServiceSpec("ingest", "nashr_ingest.__main__", port="api_port", path="/readyz", role="nashr_ingest"),
    ServiceSpec("relay", "nashr.runtime.relay", role="nashr_worker"),
    ServiceSpec("images", "nashr_images.worker", role="nashr_worker"),
    ServiceSpec("related", "nashr_related.worker", role="nashr_worker"),
    ServiceSpec("cards", "nashr_cards.worker", role="nashr_worker"),
    ServiceSpec("delivery", "nashr_delivery.worker", role="nashr_delivery"),
)


def program(spec: ServiceSpec, *, settings: Settings, written: frozenset[str]) -> Program:
    """``spec`` as a program. It reads DIR/stack.json; ``written``, the settings kept there, win over ours."""
    ready_file = settings.data / "run" / f"{spec.name}.ready"
    return Program(
        name=spec.name,
        argv=(sys.executable, "-P", "-c", f"from {spec.module} import main; main()"),
        env={
            **environment(settings.data, written=written),
            **_database(spec, settings),
            "NASHR_READY_FILE": str(ready_file),
        },
        cwd=settings.data,
        ready=_readiness(spec, settings, ready_file),
        grace_seconds=GRACE_SECONDS,
        ready_file=ready_file,
    )


def environment(data: Path, *, written: frozenset[str]) -> dict[str, str]:
    """Ours without what flags have overruled by now: the stack's own file holds the outcome."""
    hidden = {f"NASHR_{name.upper()}" for name in written}
    kept = {name: value for name, value in os.environ.items() if name.upper() not in hidden}
    return {**MALLOC, **kept, "PYTHONUNBUFFERED": "1", "NASHR_DATA": str(data)}


def _database(spec: ServiceSpec, settings: Settings) -> dict[str, str]:
    """The embedded database as the service's own role; a server of the operator's as its setting says."""
    if not spec.role or not settings.database_url or "database_url" in settings.given:
        return {}
    return {"NASHR_DATABASE_URL": as_role(settings.database_url, spec.role)}


def as_role(url: str, role: str) -> str:
    """A database's URL with another user; whoever reaches the embedded server's socket needs no password."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{role}@{parts.netloc.rpartition('@')[2]}").geturl()


def _readiness(spec: ServiceSpec, settings: Settings, ready_file: Path) -> Callable[[], bool]:
    if spec.port is None:
        return ready_file.exists
    host, port = listening.reachable(settings.bind), getattr(settings, spec.port)
    return lambda: probes.http_ok(host, port, spec.path)
