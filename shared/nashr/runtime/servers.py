"""Starts the embedded servers that no setting replaces, all at once, and says where they are."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nashr.runtime import choices, embedded, listening, postgres
from nashr.runtime.folder import DataFolder
from nashr.runtime.launch import Program
from nashr.runtime.supervisor import Supervisor
from nashr.settings import Settings

STOP_ORDER = ("s3", "valkey", "postgres")
READY_SECONDS = 120.0  # a machine busy with other things; what cannot start fails long before


@dataclass(frozen=True)
class Server:
    """A server to start, the setting that its URL goes into, and what the next start wants to know."""

    program: Program
    setting: str
    url: str
    kept: Mapping[str, object]


def start(
    settings: Settings, *, folder: DataFolder, before: Mapping[str, Any], supervisor: Supervisor
) -> Settings:
    """Returns settings that name every server, each of them ready, and keeps them in DIR/stack.json.

    PostgreSQL comes last: its first start takes longest to prepare, and the others start meanwhile.
    """
    servers: list[Server] = []
    for setting, make in (("redis_url", _valkey), ("s3_endpoint", _store), ("database_url", _postgres)):
        if not getattr(settings, setting):
            server = make(settings, folder.path, before)
            supervisor.start(server.program)
            servers.append(server)
    folder.settle(passage=any(_as_another_user(server.program) for server in servers))
    found: dict[str, Any] = {server.setting: server.url for server in servers}
    complete = replace(settings, **found)
    choices.keep(complete, also={name: value for server in servers for name, value in server.kept.items()})
    supervisor.wait_ready([server.program.name for server in servers], seconds=READY_SECONDS)
    return complete


def _valkey(_settings: Settings, data: Path, before: Mapping[str, Any]) -> Server:
    port = listening.keep_or_choose(before.get("valkey_port", 0))
    program, url = embedded.valkey(data, port=port, password=secrets.token_urlsafe(24))
    return Server(program, "redis_url", url, {"valkey_port": port})


def _store(settings: Settings, data: Path, before: Mapping[str, Any]) -> Server:
    port = listening.keep_or_choose(before.get("s3_port", 0))
    key = settings.s3_access_key.get_secret_value()
    program, url = embedded.store(data, port=port, key=key, public=settings.s3_bucket)
    return Server(program, "s3_endpoint", url, {"s3_port": port})


def _postgres(settings: Settings, data: Path, before: Mapping[str, Any]) -> Server:
    last = str(before.get("socket_dir") or "")
    program, url, sockets = postgres.prepare(
        data, user=settings.postgres_user, socket_dir=Path(last) if last else None
    )
    return Server(program, "database_url", url, {"socket_dir": str(sockets)})


def _as_another_user(program: Program) -> bool:
    return program.run_as is not None and not program.run_as.namespace
