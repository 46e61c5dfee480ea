"""What editors ask for, checked against what exists: each function is the body of one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from nashr.domain.article import Content, content
from nashr.domain.errors import Fault, Refused
from nashr.domain.site import Site
from nashr.domain.slugs import RESERVED
from nashr.steps import Priority
from nashr.store import articles, assets, events, golive, pagerows, publishable, publishing
from nashr.store.articles import Article, Revision
from nashr.store.database import scalar
from nashr.store.publishing import Publication
from sqlalchemy import Connection

from nashr_ingest import addresses, pins
from nashr_ingest.context import exists
from nashr_ingest.schemas import CorrectionIn, Publish, Unpublish

CLOCKS_DIFFER: Final = timedelta(minutes=1)


def check_references(conn: Connection, site: Site, doc: Mapping[str, Any], *, own: str | None = None) -> None:
    """Raises Refused("invalid") for everything that a draft names and its site does not have.

    ``own`` is the id of the article that is updated: it cannot name itself.
    """
    faults = [*_reference_faults(conn, site, doc), *_own_faults(doc, own)]
    if faults:
        raise Refused("invalid", "the draft names what it cannot: see errors", faults=tuple(faults))


def _own_faults(doc: Mapping[str, Any], own: str | None) -> Iterable[Fault]:
    if own is None:
        return
    if doc.get("translation_of") == own:
        yield Fault("/translation_of", "invalid", "this is the article itself: name the other edition's")
    for index, pinned in enumerate((doc.get("related") or {}).get("pin") or ()):
        if pinned == own:
            yield Fault(f"/related/pin/{index}", "invalid", "this is the article itself: leave it out")


def _reference_faults(conn: Connection, site: Site, doc: Mapping[str, Any]) -> Iterable[Fault]:
    if site.section(doc["section"]) is None:
        known = ", ".join(section.slug for section in site.sections)
        yield Fault("/section", "unknown_section", f"the site's sections are {known}")
    read = content(doc, site)
    there = assets.many(conn, site.id, read.assets)
    for pointer, use in read.pictures():
        if use.asset not in there:
            yield Fault(f"{pointer}/asset", "unknown_asset", "upload the photo first: POST /v1/assets")
    if read.translation_of and not exists(conn, "article", read.translation_of):
        yield Fault("/translation_of", "unknown_article", "the id of an article of another edition")
    for name in ("pin", "ban"):
        for index, other in enumerate(read.related.get(name) or ()):
            if not exists(conn, "article", other, site=site.id):
                detail = f"{site.id} has no article {other}: give the id of one of its articles"
                yield Fault(f"/related/{name}/{index}", "unknown_article", detail)
    yield from _alias_faults(conn, site, read)


def _alias_faults(conn: Connection, site: Site, read: Content) -> Iterable[Fault]:
    for index, alias in enumerate(read.aliases):
        first = alias.strip("/").split("/")[0]
        if (
            alias.endswith("/index.html")
            or first in RESERVED
            or alias in {"/", *(f"/{section.slug}/" for section in site.sections)}
        ):
            yield Fault(f"/aliases/{index}", "reserved", f"{alias} is the site's own: leave it out")
            continue
        page = pagerows.at_path(conn, site.id, alias)
        if page is not None and page.kind not in {"redirect", "article"}:
            yield Fault(f"/aliases/{index}", "reserved", f"{alias} is a page of the site: leave it out")


def publish(
    conn: Connection, site: Site, article: Article, wanted: Publish, *, actor: str
) -> tuple[Publication, tuple[Fault, ...]]:
    """Checks a revision and accepts its publication; returns it with what the editor is warned of."""
    stored = named_revision(conn, article, wanted.revision)
    number = stored.number
    doc = content(stored.doc, site)
    _check_content(conn, site, doc)
    _check_times(conn, doc, wanted.publish_at)
    request = publishing.Request(
        number, wanted.publish_at, Priority[wanted.priority], wanted.change, wanted.notify
    )
    warnings = (*addresses.warnings(conn, site, article, stored), *pins.warnings(conn, site, stored))
    return publishing.request(conn, site, article, request, actor=actor), warnings


def rollback(
    conn: Connection, site: Site, article: Article, number: int, *, actor: str
) -> tuple[Publication, tuple[Fault, ...]]:
    """Makes a new revision with the content of an older one and accepts its publication, at once.

    Refused as publishing that revision would be, and when another article has its address by now.
    """
    named_revision(conn, article, number)
    made = articles.copy_revision(conn, site, article, number, actor=actor)
    events.record(
        conn, "article.rollback", article.id, site=site.id, actor=actor, revision=number,
        made=made.latest_revision,
    )  # fmt: skip
    return publish(conn, site, made, Publish(revision=made.latest_revision), actor=actor)


def named_revision(conn: Connection, article: Article, number: int | None) -> Revision:
    """The revision an editor names, else the latest; refused where there is none, or it was taken back."""
    stored = articles.revision(conn, article.id, number or article.latest_revision)
    if stored is None:
        raise _one_fault(
            "/revision", "unknown_revision", f"the article has revisions 1 to {article.latest_revision}"
        )
    check_removal(conn, article, stored.number)
    return stored


def check_removal(conn: Connection, article: Article, number: int) -> None:
    """What was killed or taken down comes back by an editor's new revision only, never as it was."""
    removed = publishing.taken_back(conn, article.id)
    if removed is None or number > removed[1]:
        return
    kind = {"kill": "killed", "takedown": "taken down"}[removed[0]]
    detail = f"the article was {kind} at revision {removed[1]}: save a newer revision and publish that one"
    raise Refused("removed", detail, faults=(Fault("/revision", "removed", detail),))


def _check_content(conn: Connection, site: Site, doc: Content) -> None:
    faults = publishable.faults(conn, site, doc)
    if gone := next((fault for fault in faults if fault.code == "withdrawn"), None):
        raise Refused("withdrawn", gone.detail, faults=(gone,))
    if faults:
        raise Refused("invalid", "the article cannot be published yet: see errors", faults=faults)


def _check_times(conn: Connection, doc: Content, publish_at: datetime | None) -> None:
    if doc.embargo_until is None and doc.published_at is None:
        return
    now: datetime = scalar(conn, "SELECT clock_timestamp()")
    hour = max(publish_at or now, now)
    _check_embargo(doc, hour)
    _check_date(doc, hour)


def _check_embargo(doc: Content, hour: datetime) -> None:
    if doc.embargo_until is not None and hour < doc.embargo_until:
        until = doc.embargo_until.astimezone(UTC).isoformat()
        detail = f"embargoed until {until}: set publish_at to then or later, or change embargo_until"
        raise Refused("embargoed", detail, faults=(Fault("/publish_at", "embargoed", detail),))


def _check_date(doc: Content, hour: datetime) -> None:
    """Readers would see a date that has not come; a newsroom's clock may run a little ahead of ours."""
    if doc.published_at is not None and doc.published_at > hour + CLOCKS_DIFFER:
        at = doc.published_at.astimezone(UTC).isoformat()
        detail = f"{at} is ahead: publish with publish_at to go live then, and leave published_at out"
        raise _one_fault("/published_at", "bad_time", detail)


def unpublish(conn: Connection, article: Article, wanted: Unpublish, *, actor: str) -> Publication:
    """Accepts a removal: the tombstone goes out before anything else."""
    detail = {"reason": wanted.reason, "public_notice": wanted.public_notice, "erase": wanted.erase}
    return publishing.remove(conn, article, wanted.kind, detail, actor=actor)


def correct(
    conn: Connection, site: Site, article: Article, wanted: CorrectionIn, *, actor: str
) -> dict[str, Any]:
    """Appends a correction; a live page shows it at once."""
    number = articles.add_correction(conn, article, wanted.kind, wanted.text, actor=actor)
    if article.live_revision is not None:
        golive.corrected(conn, site, article, wanted.kind, actor=actor)
    stored = next(item for item in articles.corrections(conn, article.id) if item["id"] == number)
    return {"article": article.id, **stored}


def _one_fault(pointer: str, code: str, detail: str) -> Refused:
    return Refused("invalid", detail, faults=(Fault(pointer, code, detail),))
