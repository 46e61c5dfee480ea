"""Fronts: what an editor pins to them, and their banner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path
from nashr.domain.errors import Fault, Refused
from nashr.domain.site import Site
from nashr.pages import HOME
from nashr.store import articles, fronts
from nashr.store.articles import Article
from nashr.store.database import scalar, statement
from nashr.store.fronts import Front, Pin
from sqlalchemy import Connection
from starlette.responses import JSONResponse

from nashr_ingest import present, schemas
from nashr_ingest.clean import clean
from nashr_ingest.context import Caller, Editor, Process, Writer, site_named
from nashr_ingest.problems import responses
from nashr_ingest.schemas.fields import rfc3339
from nashr_ingest.schemas.sites import Pin as Held
from nashr_ingest.writes import Reply, Request_, check_precondition, etag, warned, write

router = APIRouter(prefix="/v1/sites/{site}/fronts", tags=["sites"])
ACCESS = ("unauthenticated", "forbidden", "unavailable", "not_found")
SiteName = Annotated[str, Path(max_length=64)]
Name = Annotated[str, Path(max_length=200, description="home, or the slug of a section")]


@router.get(
    "/{front}", operation_id="getFront", response_model=schemas.FrontOut, responses=responses(*ACCESS)
)
def get(who: Writer, process: Process, site: SiteName, front: Name) -> JSONResponse:
    """What is pinned to a front, and its banner; what has run out is left out."""
    with statement(process.engine) as conn:
        home = _site(conn, who, site, front)
        found = fronts.read(conn, home.id, front)
    return present.reply(_shown(found), ETag=etag(found.version))


@router.put(
    "/{front}", operation_id="putFront", response_model=schemas.FrontOut,
    responses=responses(*ACCESS, "invalid", "precondition_required", "precondition_failed"),
)  # fmt: skip
def put(
    who: Editor, process: Process, what: Request_, site: SiteName, front: Name, wanted: schemas.Front
) -> JSONResponse:
    """Replaces the pins and the banner of a front. Readers see it within two seconds."""
    cleaned = clean(wanted)

    def change(conn: Connection) -> Reply:
        home = _site(conn, who, site, front)
        check_precondition(what, fronts.lock(conn, home.id, front))
        there = {pin.article: articles.find(conn, pin.article, site=home.id) for pin in wanted.pins}
        now: datetime = scalar(conn, "SELECT clock_timestamp()")
        _check(home, wanted, cleaned.doc, there, now)
        pins = [Pin(pin.article, pin.slot, pin.until) for pin in wanted.pins]
        version = fronts.put(conn, home.id, front, pins=pins, banner=cleaned.doc["banner"], actor=who.actor)
        warnings = (*cleaned.warnings, *_not_shown(wanted.pins, there))
        body = {**_shown(fronts.read(conn, home.id, front)), "warnings": warned(warnings)}
        return Reply(body, headers={"ETag": etag(version)}, site=home.id)

    return write(process, who, what, change)


def _site(conn: Connection, who: Caller, name: str, front: str) -> Site:
    """The site, if it has that front. Raises Refused("not_found")."""
    site = site_named(conn, who, name)
    if front != HOME and site.section(front) is None:
        known = ", ".join((HOME, *(section.slug for section in site.sections)))
        raise Refused("not_found", f"{site.id} has no front {front}: its fronts are {known}")
    return site


def _shown(front: Front) -> dict[str, Any]:
    pins = [{**vars(pin), "until": rfc3339(pin.until) if pin.until else None} for pin in front.pins]
    return {"pins": pins, "banner": front.banner}


def _check(
    site: Site, wanted: schemas.Front, doc: dict[str, Any], there: dict[str, Article | None], now: datetime
) -> None:
    faults = [*_pin_faults(site, wanted.pins, there, now), *_banner_faults(wanted, doc, now)]
    if faults:
        raise Refused("invalid", "the front is not valid: see errors", faults=tuple(faults))


def _pin_faults(
    site: Site, pins: Sequence[Held], there: dict[str, Article | None], now: datetime
) -> Iterable[Fault]:
    for index, pin in enumerate(pins):
        at, above = f"/pins/{index}", pins[:index]
        if any(pin.slot == other.slot for other in above):
            yield Fault(f"{at}/slot", "invalid", f"slot {pin.slot} is taken above: give each pin its own")
        if any(pin.article == other.article for other in above):
            yield Fault(f"{at}/article", "invalid", f"{pin.article} is pinned above: once is enough")
        article = there[pin.article]
        if article is None:
            detail = f"{site.id} has no article {pin.article}: give the id of one of its articles"
            yield Fault(f"{at}/article", "unknown_article", detail)
        elif article.kind == "page":
            detail = f"{pin.article} is a page such as About: those stand at the foot, not on fronts"
            yield Fault(f"{at}/article", "invalid", detail)
        if pin.until is not None and pin.until <= now:
            yield Fault(f"{at}/until", "past_due", "that time has passed: give a later one, or drop the pin")


def _banner_faults(wanted: schemas.Front, doc: dict[str, Any], now: datetime) -> Iterable[Fault]:
    if wanted.banner is None:
        return
    if not any(letter.isalnum() for letter in doc["banner"]["text"]):
        yield Fault("/banner/text", "empty", "text must hold at least one letter or digit")
    if wanted.banner.until is not None and wanted.banner.until <= now:
        yield Fault(
            "/banner/until", "past_due", "that time has passed: give a later one, or leave the banner out"
        )


def _not_shown(pins: Sequence[Held], there: dict[str, Article | None]) -> Iterable[Fault]:
    for index, pin in enumerate(pins):
        article = there[pin.article]
        if article is not None and article.live_revision is None:
            detail = f"{pin.article} is not live: it takes its slot as soon as it is"
            yield Fault(f"/pins/{index}", "not_shown", detail)
