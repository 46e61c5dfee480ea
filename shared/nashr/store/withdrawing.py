"""Withdrawing a photo: from every page, card and feed, for good (kill) or until its rights are renewed.

Here is what happens in transactions; deleting the files is the withdraw step's, in delivery.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from psycopg.types.json import Jsonb
from sqlalchemy import Connection

from nashr.domain.errors import Fault, Refused, Retryable
from nashr.domain.site import Site
from nashr.pages import LISTINGS, Fact
from nashr.steps import Priority
from nashr.store import (
    archiving,
    assets,
    cardpages,
    events,
    expiring,
    objects,
    pagerows,
    photopages,
    queue,
)
from nashr.store.assets import Asset
from nashr.store.database import at_end, rows, run
from nashr.store.pagerows import Why


@dataclass(frozen=True)
class Order:
    """Why a photo has to go, and who says so. ``cause``: kill, or expired."""

    cause: str
    reason: str
    actor: str


EXPIRED: Final = Order("expired", "rights expired", "nashr")


def withdraw(conn: Connection, site: Site, asset: Asset, order: Order) -> Asset:
    """Withdraws a photo, unless it is: from now on no page is made with it and its bytes are refused.

    A kill of a photo whose rights have expired makes that withdrawal final. Raises Retryable when the
    rights were renewed while their end was being carried out.
    """
    if _is_withdrawn(asset, order):
        return asset
    _arm(conn, asset)
    stopped = _void_work(conn, asset.id)
    drawn = cardpages.redraw(conn, site, asset.id)
    now = assets.lock(conn, asset.id)
    if _is_withdrawn(now, order):
        return now
    if order.cause == "expired" and not expiring.is_past(conn, now):
        raise Retryable("the rights were renewed meanwhile")
    _mark(conn, now, order)
    archiving.void_lighter(conn, [asset.id])
    _leave_pages(conn, now, drawn)
    for step in stopped:
        pagerows.wake(conn, step, priority=Priority.breaking)
    _tell(conn, now, order)
    found = assets.find(conn, asset.id)
    assert found is not None
    return found


def cause(asset: Asset) -> str | None:
    """kill or expired; None for a photo that is not withdrawn."""
    if asset.withdrawn_at is None:
        return None
    return str((asset.withdrawal or {}).get("cause", "kill"))


def _is_withdrawn(asset: Asset, order: Order) -> bool:
    return cause(asset) in {"kill", order.cause}


def _void_work(conn: Connection, asset: str) -> list[int]:
    """Stops what is made of the photo; returns the steps that pages may wait for."""
    makers = lock_images(conn, asset)
    drawers = rows(
        conn,
        """SELECT id FROM step WHERE kind = 'cards' AND input->>'asset' = :asset
        ORDER BY id FOR NO KEY UPDATE""",
        asset=asset,
    )
    steps = [*makers, *(item["id"] for item in drawers)]
    run(
        conn,
        """UPDATE step SET state = 'void', lease_owner = NULL, lease_until = NULL
        WHERE id = ANY(:steps) AND state <> 'void'""",
        steps=steps,
    )
    return steps


def lock_images(conn: Connection, asset: str) -> list[int]:
    """Locks the images step of a photo, before the photo itself. Its lighter step is locked after it."""
    found = rows(
        conn, "SELECT id FROM step WHERE kind = 'images' AND key = :asset FOR NO KEY UPDATE", asset=asset
    )
    return [item["id"] for item in found]


def _arm(conn: Connection, asset: Asset) -> None:
    """The withdraw step, due at once; what an earlier withdrawal left in it is forgotten.

    Its lock goes before those of other steps, as the step's own run has it.
    """
    run(
        conn,
        """UPDATE step SET state = 'void', result = NULL, available_at = clock_timestamp()
        WHERE kind = 'withdraw' AND key = :asset AND state IN ('done', 'dead')""",
        asset=asset.id,
    )
    queue.add(
        conn, "withdraw", asset.id, site=asset.site, data={"asset": asset.id}, priority=Priority.breaking
    )
    queue.notify(conn)


def _mark(conn: Connection, asset: Asset, order: Order) -> None:
    run(
        conn,
        """UPDATE asset SET withdrawn_at = now.at, version = version + 1, shown = shown + 1,
            placeholder = NULL, colour = NULL, updated_at = now.at,
            withdrawal = CAST(:order AS jsonb) || jsonb_build_object('at', now.at, 'done_at', NULL)
        FROM (SELECT clock_timestamp() AS at) AS now WHERE id = :asset""",
        asset=asset.id, order=Jsonb({"cause": order.cause, "reason": order.reason, "by": order.actor}),
    )  # fmt: skip


def _leave_pages(conn: Connection, asset: Asset, drawn: Mapping[int, int]) -> None:
    photopages.bump(conn, asset.id, Fact.photo, priority=Priority.breaking, at_once=True)
    cardpages.follow(conn, drawn)


def _tell(conn: Connection, asset: Asset, order: Order) -> None:
    events.record(
        conn, "asset.withdraw", asset.id, site=asset.site, actor=order.actor, cause=order.cause,
        reason=order.reason,
    )  # fmt: skip
    events.emit(
        conn, "asset.withdrawn", site=asset.site, asset=asset.id, cause=order.cause, reason=order.reason,
        actor=order.actor,
    )  # fmt: skip


_DRAWN = "SELECT key FROM step WHERE kind = 'cards' AND input->>'asset' = :asset"

_FILES = f"""{photopages.FILES}
    UNION SELECT object.key FROM object WHERE source IN ({_DRAWN})
    UNION SELECT COALESCE(site.config->>'prefix', site.id || '/') || ltrim(item->>'path', '/')
    FROM step JOIN site ON site.id = step.site, jsonb_array_elements(step.result->'cards') AS item
    WHERE step.kind = 'cards' AND step.input->>'asset' = :asset"""


def mark_files(conn: Connection, asset: str) -> Sequence[str]:
    """Marks for deletion those renditions of a photo, and cards drawn with it, that no page uses."""
    return objects.mark_deleting(conn, [item["key"] for item in rows(conn, _FILES, asset=asset)])


def still_shown(conn: Connection, asset: str) -> Sequence[str]:
    """The paths of the pages that still use a file of a photo, or a card drawn with it."""
    return sorted(item["path"] for item in _users(conn, asset))


def _users(conn: Connection, asset: str) -> Sequence[Mapping[str, Any]]:
    return rows(
        conn,
        f"""SELECT id, path, kind, wanted > live AS on_its_way FROM page WHERE id IN (
            SELECT asset_use.page FROM asset_use JOIN ({_FILES}) AS file USING (key))""",
        asset=asset,
    )


def urge(conn: Connection, site: Site, asset: str) -> None:
    """Wants the pages again that took a withdrawn photo up while it was being withdrawn.

    They were rendered before and recorded their use after it. Their articles get cards without it, too.
    """
    drawn = cardpages.redraw(conn, site, asset)
    idle = [item for item in _users(conn, asset) if not item["on_its_way"]]
    why = Why({Fact.photo}, asset)
    _want(conn, (item["id"] for item in idle if item["kind"] not in LISTINGS), why)
    cardpages.follow(conn, drawn)
    at_end(conn, lambda conn: _want(conn, (item["id"] for item in idle if item["kind"] in LISTINGS), why))


def _want(conn: Connection, pages: Iterable[int], why: Why) -> None:
    photopages.want(conn, list(pages), priority=Priority.breaking, at_once=True, why=why)


def done(conn: Connection, asset: str) -> None:
    """The files of a withdrawn photo are gone everywhere."""
    run(
        conn,
        """UPDATE asset SET renditions = '[]', made = NULL, updated_at = clock_timestamp(),
            withdrawal = withdrawal || jsonb_build_object('done_at', clock_timestamp())
        WHERE id = :asset""",
        asset=asset,
    )


def renew(conn: Connection, site: Site, sha256: str, meta: Mapping[str, Any], *, actor: str) -> None:
    """Lets a photo back in whose rights had expired: uploaded again with rights that have not.

    It is archived then, for ``assets.create`` to begin it anew; cards of live articles show it again.
    Refused("withdrawn") for a killed one, without new rights, and while its files are being deleted.
    """
    known = assets.by_hash(conn, site.id, sha256)
    if known is None or known.withdrawn_at is None:
        return
    lock_images(conn, known.id)
    drawn = cardpages.redraw(conn, site, known.id, _renewed(known, meta))
    asset = assets.lock(conn, known.id)
    _check_renewable(asset, meta)
    _let_in(conn, _renewed(asset, meta), meta["rights"])
    cardpages.follow(conn, drawn)
    events.record(conn, "asset.renew", asset.id, site=site.id, actor=actor)


def _renewed(asset: Asset, meta: Mapping[str, Any]) -> Asset:
    """The photo as it will be: what is not given stays."""
    words = {name: getattr(asset, name) if meta.get(name) is None else meta[name] for name in _GIVEN}
    return replace(asset, **words, state="archived", withdrawn_at=None)


def _let_in(conn: Connection, asset: Asset, rights: Mapping[str, Any]) -> None:
    run(
        conn,
        """UPDATE asset SET state = 'archived', error = NULL, withdrawn_at = NULL, withdrawal = NULL,
            rights = :rights, caption = :caption, credit = :credit, focal_x = :focal_x, focal_y = :focal_y,
            version = version + 1, shown = shown + 1, updated_at = clock_timestamp() WHERE id = :asset""",
        asset=asset.id, rights=Jsonb(dict(rights)), **{name: getattr(asset, name) for name in _GIVEN},
    )  # fmt: skip


_GIVEN: Final = ("caption", "credit", "focal_x", "focal_y")


def _check_renewable(asset: Asset, meta: Mapping[str, Any]) -> None:
    words = asset.withdrawal or {}
    day = str(words.get("at", asset.withdrawn_at))[:10]
    if cause(asset) != "expired":
        because = f" ({words['reason']})" if words.get("reason") else ""
        raise Refused(
            "withdrawn", f"this photo was withdrawn on {day}{because}: nashr does not take it again"
        )
    if not meta.get("rights"):
        detail = f"the rights of this photo expired on {day}: upload it with the rights that hold now"
        raise Refused("withdrawn", detail, faults=(Fault("/rights", "withdrawn", detail),))
    if not words.get("done_at"):
        raise Refused("withdrawn", "this photo is just being withdrawn: upload it again in a minute")
