"""The end of a photo's rights: checked when they are given, carried out by the expire step on time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from nashr.domain.errors import Fault, Refused
from nashr.store import queue
from nashr.store.database import row, scalar


def ends(rights: Mapping[str, Any]) -> datetime | None:
    """When the rights end; None when they do not, or when nobody can read when."""
    try:
        found = datetime.fromisoformat(str(rights.get("expires_at") or ""))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def is_past(conn: Connection, asset: Any) -> bool:
    """Whether the rights of a photo have ended, by the database's clock."""
    at = ends(asset.rights)
    return at is not None and bool(scalar(conn, "SELECT :at <= clock_timestamp()", at=at))


def check_ahead(conn: Connection, rights: Mapping[str, Any] | None, *, cure: str) -> None:
    """Refused("invalid") for rights that have ended already; ``cure`` says what to do instead."""
    at = ends(rights or {})
    if at is not None and scalar(conn, "SELECT :at <= clock_timestamp()", at=at):
        detail = f"{at.astimezone(UTC).isoformat()} is past: {cure}"
        raise Refused("invalid", detail, faults=(Fault("/rights/expires_at", "bad_time", detail),))


def arm(conn: Connection, asset: str) -> None:
    """Has the photo withdrawn when its rights end, if they do. Its step's lock goes after the asset's."""
    found = row(conn, "SELECT site, rights FROM asset WHERE id = :asset", asset=asset)
    assert found is not None
    at = ends(found["rights"])
    if at is None:
        return
    seconds = scalar(conn, "SELECT EXTRACT(EPOCH FROM :at - clock_timestamp())::float8", at=at)
    queue.rearm(
        conn, "expire", asset, site=found["site"], data={"asset": asset}, delay=max(0.0, float(seconds))
    )
    queue.notify(conn)
