"""What a start decides: ports and secrets. As set, else as the last time, else new; kept in stack.json."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from nashr.runtime import listening, records
from nashr.runtime.programs import StackError
from nashr.settings import Secret, Settings

WRITTEN = frozenset(
    {
        "database_url", "redis_url", "s3_endpoint", "s3_region", "s3_bucket", "s3_private_bucket",
        "s3_access_key", "s3_secret_key", "edge_url", "purge_secret", "bind", "api_port", "site_port",
        "preview_port", "preview_url",
    }
)  # fmt: skip


def choose(settings: Settings, *, data: Path, before: Mapping[str, Any]) -> Settings:
    """``settings`` with its ports claimed and no secret empty. Raises StackError for a taken port."""
    updates = {"data": data, **_ports(settings, before), **_secrets(settings, before)}
    chosen = replace(settings, **updates)
    return replace(chosen, **_previews(chosen, before))


def keep(settings: Settings, *, also: Mapping[str, object]) -> None:
    """Writes DIR/stack.json: what settings.load_for_stack() reads, and ``also`` what the next start wants."""
    chosen = {name: _plain(getattr(settings, name)) for name in sorted(WRITTEN)}
    records.write(settings.data / records.STACK, {**chosen, **also})


def _ports(settings: Settings, before: Mapping[str, Any]) -> dict[str, Any]:
    bind = settings.bind
    if 0 != settings.api_port == settings.site_port and not settings.edge_url:
        raise StackError(f"--api-port and --site-port are both {settings.api_port}: give them two ports")
    api = listening.claim(settings.api_port, bind=bind, flag="--api-port", before=before.get("api_port", 0))
    if settings.edge_url:
        return {"api_port": api}
    last = before.get("site_port", 0)
    site = listening.claim(settings.site_port, bind=bind, flag="--site-port", before=last)
    edge = f"http://{listening.reachable(bind)}:{site}"
    return {"api_port": api, "site_port": site, "edge_url": edge}


def _previews(settings: Settings, before: Mapping[str, Any]) -> dict[str, Any]:
    """Where delivery answers previews. Claimed here: workers share a port without seeing whose it is."""
    last, bind = before.get("preview_port", 0), settings.bind
    port = listening.claim(settings.preview_port, bind=bind, flag="NASHR_PREVIEW_PORT", before=last)
    url = settings.preview_url or f"http://{listening.reachable(bind)}:{port}"
    return {"preview_port": port, "preview_url": url}


def _secrets(settings: Settings, before: Mapping[str, Any]) -> dict[str, Any]:
    wanted = [] if settings.purge_secret.get_secret_value() else ["purge_secret"]
    if not settings.s3_endpoint:
        wanted += [n for n in ("s3_access_key", "s3_secret_key") if n not in settings.given]
    return {name: Secret(before.get(name) or secrets.token_hex(16)) for name in wanted}


def _plain(value: object) -> object:
    return value.get_secret_value() if isinstance(value, Secret) else value
