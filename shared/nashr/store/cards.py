"""Social cards as steps: keyed by all that a card shows, so an unchanged headline costs nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from nashr.domain.article import Content
from nashr.domain.site import Site
from nashr.store import queue
from nashr.store.assets import Asset
from nashr.store.database import row, run
from nashr.store.ids import fingerprint

DESIGN: Final = "1"  # raise it when the drawing changes: every next publication draws anew


def photo_of(doc: Content) -> str | None:
    """The asset that a card shows: the social image, else the hero."""
    use = doc.social_image or doc.hero
    return use.asset if use else None


def showable(photo: Asset | None) -> Asset | None:
    """The photo, unless it was withdrawn: that one is as good as none."""
    return None if photo is None or photo.withdrawn_at is not None else photo


def label_of(site: Site, doc: Content) -> str:
    """The kicker, else the section's label."""
    section = site.section(doc.section)
    return doc.kicker or (section.label if section else doc.section)


def headline_of(doc: Content) -> str:
    return doc.titles.get("social") or doc.headline


def key(site: Site, article: str, doc: Content, photo: Asset | None) -> str:
    """The key of the step that draws the cards of this content."""
    shown = (
        DESIGN,
        headline_of(doc),
        label_of(site, doc),
        doc.language,
        doc.kind,
        site.name,
        site.logo or "",
    )
    photo = showable(photo)
    point = f"{photo.sha256}@{photo.focal_x},{photo.focal_y}" if photo else ""
    return f"{article}:{fingerprint(*shown, point, json.dumps(dict(site.theme), sort_keys=True))}"


def want(
    conn: Connection,
    site: Site,
    article: str,
    doc: Content,
    photos: Mapping[str, Asset],
    *,
    priority: int,
) -> int:
    """Inserts the step unless it exists; one whose photo is not ready waits for it. Returns its id."""
    photo = showable(photos.get(photo_of(doc) or ""))
    data = {"article": article, "asset": photo.id if photo else None, "doc": _shown(site, doc)}
    step, done = queue.add(
        conn, "cards", key(site, article, doc, photo), site=site.id, data=data, priority=priority
    )
    if photo and photo.state in {"processing", "archived"} and not done:
        run(
            conn,
            """UPDATE step SET available_at = clock_timestamp() + interval '30 seconds'
            WHERE id = :step AND state = 'ready' AND attempts = 0
            AND EXISTS (SELECT 1 FROM step WHERE kind = 'images' AND input->>'asset' = :asset
                AND state IN ('ready', 'leased'))""",
            step=step, asset=photo.id,
        )  # fmt: skip
    return step


def _shown(site: Site, doc: Content) -> dict[str, Any]:
    return {
        "headline": headline_of(doc),
        "label": label_of(site, doc),
        "language": doc.language,
        "breaking": bool(doc.kicker and doc.kicker.strip() in {"عاجل", "Breaking", "BREAKING"}),
    }


def photo_ready(conn: Connection, asset: str) -> None:
    """The renditions of a photo exist: the cards that wait for it are due now."""
    run(
        conn,
        """UPDATE step SET available_at = clock_timestamp(), dispatched_at = NULL
        WHERE kind = 'cards' AND input->>'asset' = :asset AND state = 'ready'""",
        asset=asset,
    )


def drawn(conn: Connection, step_key: str) -> Sequence[Mapping[str, Any]]:
    """The cards that the step with this key has drawn; none while it has not finished."""
    found = row(
        conn, "SELECT result FROM step WHERE kind = 'cards' AND key = :key AND state = 'done'", key=step_key
    )
    return found["result"]["cards"] if found and found["result"] else []
