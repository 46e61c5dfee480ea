"""Starts the embedded servers that no setting replaces, all at once, and says where they are."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nashr.runtime import choices, embedded, listening, postgres
from nashr.runtime.folder import DataFolder
from nashr.runtime.launch import Program
from nashr.runtime.supervisor import Supervisor
from nashr.settings import Settings

STOP_ORDER = ("s3", "valkey", "postgres")
READY_SECONDS = 60.0


def start(
    settings: Settings, *, folder: DataFolder, before: Mapping[str, Any], supervisor: Supervisor
) -> Settings:
    """Returns settings that name every server, each of them ready, and keeps them in DIR/stack.json.

    PostgreSQL comes last: its first start takes longest to prepare, and the others start meanwhile.
    """
    ports: dict[str, int] = {}
    updates: dict[str, str] = {}
    started: list[str] = []

    def begin(program: Program, name: str, url: str) -> None:
        supervisor.start(program)
        started.append(program.name)
        updates[name] = url

    if not settings.redis_url:
        ports["valkey"] = _port("valkey", before)
        program, url = embedded.valkey(folder.path, port=ports["valkey"], password=secrets.token_urlsafe(24))
        begin(program, "redis_url", url)
    if not settings.s3_endpoint:
        ports["s3"] = _port("s3", before)
        key = settings.s3_access_key.get_secret_value()
        program, url = embedded.store(folder.path, port=ports["s3"], key=key, public=settings.s3_bucket)
        begin(program, "s3_endpoint", url)
    socket_dir, passage = "", False
    if not settings.database_url:
        last = str(before.get("socket_dir") or "")
        program, url, sockets = postgres.prepare(
            folder.path, user=settings.postgres_user, socket_dir=Path(last) if last else None
        )
        socket_dir, passage = str(sockets), program.run_as is not None and not program.run_as.namespace
        begin(program, "database_url", url)
    folder.settle(passage=passage)
    complete = settings.model_copy(update=updates)
    choices.keep(complete, ports=ports, socket_dir=socket_dir)
    supervisor.wait_ready(started, seconds=READY_SECONDS)
    return complete


def _port(name: str, before: Mapping[str, Any]) -> int:
    return listening.keep_or_choose(int(before.get("ports", {}).get(name, 0)))
