"""An editor changes what is known of a photo: its words, its rights, the point that its crops keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from nashr.domain.errors import Refused
from nashr.domain.site import Site
from nashr.pages import Fact
from nashr.steps import Priority
from nashr.store import assets, cardpages, events, expiring, photopages
from nashr.store.assets import Asset
from nashr.store.database import run

_POINT: Final = ("focal_x", "focal_y")
_WORDS: Final = (*_POINT, "caption", "credit")


def patch(conn: Connection, site: Site, asset: Asset, changes: Mapping[str, Any], *, actor: str) -> Asset:
    """Changes focal_x, focal_y, caption, credit, rights; only the names in ``changes``.

    Pages that show the photo go out again. Another point has its crops and cards made anew. Raises
    Refused("precondition_failed") when another change came first.
    """
    drawn = _move(conn, site, asset, changes) if _moves(asset, changes) else {}
    now = assets.lock(conn, asset.id)
    if now.version != asset.version:
        raise Refused("precondition_failed", "it changed at this moment: read it again and redo the change")
    _write(conn, now, changes)
    expiring.arm(conn, asset.id)
    photopages.bump(conn, asset.id, Fact.photo, priority=Priority.normal)
    cardpages.follow(conn, drawn)
    events.record(conn, "asset.patch", asset.id, site=asset.site, actor=actor, changed=sorted(changes))
    found = assets.find(conn, asset.id)
    assert found is not None
    return found


def _moves(asset: Asset, changes: Mapping[str, Any]) -> bool:
    """Whether there are crops that another point would change."""
    shown = asset.state in {"ready", "processing"} and asset.withdrawn_at is None
    return shown and any(changes.get(name, getattr(asset, name)) != getattr(asset, name) for name in _POINT)


def _move(conn: Connection, site: Site, asset: Asset, changes: Mapping[str, Any]) -> Mapping[int, int]:
    """Has crops and cards made around the new point; their steps' locks go before the photo's."""
    point = {name: changes.get(name, getattr(asset, name)) for name in _POINT}
    assets.make(conn, asset, priority=Priority.normal)
    return cardpages.redraw(conn, site, asset.id, replace(asset, **point))


def _write(conn: Connection, asset: Asset, changes: Mapping[str, Any]) -> None:
    values = {name: changes.get(name, getattr(asset, name)) for name in _WORDS}
    run(
        conn,
        """UPDATE asset SET focal_x = :focal_x, focal_y = :focal_y, caption = :caption, credit = :credit,
            rights = :rights, version = version + 1, shown = shown + 1, updated_at = clock_timestamp()
        WHERE id = :id""",
        id=asset.id, rights=Jsonb(dict(changes.get("rights", asset.rights))), **values,
    )  # fmt: skip
