"""Stored things as they go over the wire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi.encoders import jsonable_encoder
from nashr.domain import seealso
from nashr.domain.recency import DAY, recency
from nashr.domain.site import Site
from nashr.steps import Priority
from nashr.store import articles, assets, cards, links, previews, publishing, signatures, stages
from nashr.store.articles import Article, Revision
from nashr.store.assets import Asset
from nashr.store.audit import Entry
from nashr.store.database import scalar
from nashr.store.links import StoredLink
from nashr.store.previews import Preview
from nashr.store.publishing import Publication
from nashr.store.sites import SiteRow
from nashr.store.tokens import Token
from sqlalchemy import Connection
from starlette.responses import JSONResponse


def article(conn: Connection, site: Site, found: Article) -> dict[str, Any]:
    """An article with its latest revision's content and its state."""
    stored = articles.revision(conn, found.id, found.latest_revision)
    assert stored is not None
    return {
        **stored.doc,
        "site": found.site,
        "external_id": found.external_id,
        "slug": found.slug,
        "section": found.section,
        "id": found.id,
        "revision": found.latest_revision,
        "status": found.status,
        "live_revision": found.live_revision,
        "pending": _pending(conn, found),
        "url": site.url(found.path) if found.path else None,
        "short_url": site.url(f"/a/{found.short_id}"),
        "published_at": found.published_at or stored.doc.get("published_at"),
        "modified_at": found.modified_at,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
        "created_by": found.created_by,
        "corrections": articles.corrections(conn, found.id),
        "social_cards": _cards(conn, site, found),
    }


def _pending(conn: Connection, found: Article) -> dict[str, Any] | None:
    waiting = publishing.pending(conn, found.id)
    if waiting is None:
        return None
    return {"publication": waiting.id, "kind": waiting.kind, "due_at": waiting.due_at}


def _cards(conn: Connection, site: Site, found: Article) -> list[dict[str, Any]]:
    if found.live_revision is None:
        return []
    doc = articles.read_content(conn, site, found.id, found.live_revision)
    drawn = cards.every_drawn(conn, cards.order(conn, site, found.id, doc))
    return [
        {**{k: v for k, v in item.items() if k != "path"}, "url": site.url(item["path"])} for item in drawn
    ]


def related(conn: Connection, site: Site, found: Article) -> dict[str, Any]:
    """The links of an article, as its page shows them, each with what speaks for it."""
    doc = articles.read_content(conn, site, found.id, found.live_revision or found.latest_revision)
    there = links.targets(conn, found.number)
    stored = [item for item in links.standing(conn, found.number) if item.dst in there]
    see_also, related_news = seealso.arranged(
        [item for item in stored if item.slot == "see_also"],
        [item for item in stored if item.slot == "related_news"],
        kinds=[block["type"] for block in doc.body],
    )
    alike = [item.dst for item in stored if item.reason != "latest"]
    shared = signatures.shared_words(conn, found.number, alike)
    now: datetime = scalar(conn, "SELECT clock_timestamp()")

    def shown(link: StoredLink) -> dict[str, Any]:
        one = there[link.dst]
        fading = recency((now - one["published_at"]) / DAY, half_life_days=site.half_life(one["section"]))
        return {
            "article": one["id"],
            "headline": one["headline"],
            "url": site.url(one["path"]),
            "section": one["section"],
            "score": round(link.similarity * fading, 4),
            "reason": link.reason,
            "shared_terms": shared.get(link.dst, ()),
        }

    return {
        "see_also": [shown(link) for link in see_also],
        "related_news": [shown(link) for link in related_news],
    }


def revision(stored: Revision, *, whole: bool = False) -> dict[str, Any]:
    """One line of the history; ``whole`` adds the content."""
    return {
        "revision": stored.number,
        "headline": stored.doc["headline"],
        "note": stored.note,
        "actor": stored.actor,
        "created_by": stored.actor,
        "created_at": stored.created_at,
        **({"content": dict(stored.doc)} if whole else {}),
    }


def asset(conn: Connection, site: Site, found: Asset) -> dict[str, Any]:
    """A photo with its renditions' addresses, and how far their making is."""
    point = found.focal_point
    plain = (
        "id", "site", "sha256", "content_type", "width", "height", "bytes", "caption", "credit",
        "digital_source_type", "error", "placeholder",
    )  # fmt: skip
    return {
        **{name: getattr(found, name) for name in plain},
        "kind": "image",
        "focal_point": {"x": point[0], "y": point[1]} if point else None,
        "focal_point_from": None if point is None else "found" if found.focal_x is None else "editor",
        "rights": dict(found.rights) or None,
        "state": "withdrawn" if found.withdrawn_at else found.state,
        "withdrawal": dict(found.withdrawal) if found.withdrawal else None,
        "renditions": [_rendition(site, item) for item in found.renditions if not found.withdrawn_at],
        "progress": _progress(conn, site, found),
    }


def _progress(conn: Connection, site: Site, found: Asset) -> dict[str, Any]:
    """Files there are, files there may be (a format that saves nothing is left out), and the steps."""
    steps = assets.steps(conn, found.id)
    sizes = site.images.sizes_for(found.width, found.height)
    planned = len(sizes) * (3 if site.images.avif else 2)
    made = len(found.renditions)
    settled = all(step["state"] not in {"ready", "leased"} for step in steps)
    return {"made": made, "planned": made if settled else max(planned, made), "steps": steps}


def _rendition(site: Site, item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "url": site.url(item["path"]),
        **{name: item[name] for name in ("width", "height", "content_type", "bytes", "crop", "frames")},
    }


def publication(conn: Connection, site: Site, found: Publication) -> dict[str, Any]:
    """A publication with its steps and stages and, once proven, its receipt; a takedown's with its report."""
    owner = articles.find(conn, found.article)
    plain = (
        "id", "article", "revision", "kind", "state", "change", "notify", "requested_at", "due_at", "live_at",
        "error", "actor", "receipt",
    )  # fmt: skip
    return {
        **{name: getattr(found, name) for name in plain},
        "priority": Priority(found.priority).name,
        "url": site.url(owner.path) if owner and owner.path else None,
        "steps": list(publishing.steps_of(conn, found)),
        "stages": [asdict(stage) for stage in stages.of(found)],
        "lag_seconds": stages.lag(found),
        "checks": found.detail.get("checks"),
    }


def preview(site: SiteRow, found: Preview) -> dict[str, Any]:
    """A preview with its link, which opens for whoever has it."""
    return {
        "id": found.id,
        "url": site.site.url(previews.path(found, site.secret)),
        "article": found.article,
        "revision": found.revision,
        "created_by": found.created_by,
        "created_at": found.created_at,
        "expires_at": found.expires_at,
    }


def token(found: Token) -> dict[str, Any]:
    """A token without its secret."""
    return {
        "id": found.id,
        "name": found.name,
        "role": found.role,
        "site": found.site,
        "expires": found.expires_at,
        "created_at": found.created_at,
        "revoked_at": found.revoked_at,
    }


def audit_entry(found: Entry) -> dict[str, Any]:
    """An entry of the audit trail; its id is text, as every other id on the wire."""
    return {**vars(found), "id": str(found.id)}


def reply(body: Mapping[str, Any], **headers: str) -> JSONResponse:
    """A 200 with this body, as it is: the response models only document it."""
    return JSONResponse(jsonable_encoder(body), headers=headers)


def page(items: Sequence[Mapping[str, Any]], next_cursor: str | None) -> dict[str, Any]:
    """One page of a list."""
    return {"items": list(items), "next_cursor": next_cursor}
