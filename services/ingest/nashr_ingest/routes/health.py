"""Is this process alive, and may it take work? Valkey and S3 are not asked: drafts are taken without them."""

from __future__ import annotations

import shutil
from typing import Any

from fastapi import APIRouter
from nashr.domain.errors import Refused
from nashr.store import clocks
from nashr.store.database import statement

from nashr_ingest.context import Anyone, Process

router = APIRouter(tags=["operations"])
LEAST_FREE = 0.02


@router.get("/livez", operation_id="livez")
async def livez(_: Anyone) -> dict[str, str]:
    """The process answers."""
    return {"status": "alive"}


@router.get("/readyz", operation_id="readyz")
def readyz(_: Anyone, process: Process) -> dict[str, Any]:
    """The database answers and the disk has room; and how far our clock is off the database's."""
    with statement(process.engine) as conn:
        skew = clocks.measure(conn)
    disk = shutil.disk_usage(process.settings.data)
    if disk.free < LEAST_FREE * disk.total:
        raise Refused("unavailable", f"the disk of {process.settings.data} is nearly full: make room")
    return {"status": "ready", "clock_skew_seconds": round(skew.seconds, 3)}
