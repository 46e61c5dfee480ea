"""Authors: who stands behind a byline's ``author``, as their page shows them."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any

from fastapi import APIRouter, Path
from nashr.domain.errors import Fault, Refused
from nashr.domain.site import Site
from nashr.domain.slugs import RESERVED, derive_slug, is_lookalike, is_slug
from nashr.pages import PageKind, shelf_page
from nashr.store import assets, authors
from nashr.store.assets import Asset
from nashr.store.authors import Author
from nashr.store.database import statement
from sqlalchemy import Connection
from starlette.responses import JSONResponse

from nashr_ingest import present, schemas
from nashr_ingest.clean import clean
from nashr_ingest.context import Editor, Process, Writer, site_named
from nashr_ingest.problems import responses
from nashr_ingest.writes import Reply, Request_, check_precondition, etag, warned, write

router = APIRouter(prefix="/v1/sites/{site}/authors", tags=["sites"])
ACCESS = ("unauthenticated", "forbidden", "unavailable", "not_found")
SiteName = Annotated[str, Path(max_length=64)]
Slug = Annotated[str, Path(max_length=200, description="As in a byline's author", examples=["layla-haddad"])]


@router.get(
    "/{author}", operation_id="getAuthor", response_model=schemas.AuthorOut, responses=responses(*ACCESS)
)
def get(who: Writer, process: Process, site: SiteName, author: Slug) -> JSONResponse:
    """An author of a site."""
    with statement(process.engine) as conn:
        home = site_named(conn, who, site)
        found = authors.find(conn, home.id, unicodedata.normalize("NFC", author))
    if found is None:
        raise Refused("not_found", f"{home.id} has no author {author}: PUT makes one")
    return present.reply(_shown(home, found), ETag=etag(found.version))


@router.put(
    "/{author}", operation_id="putAuthor", response_model=schemas.AuthorOut,
    responses=responses(
        *ACCESS, "invalid", "withdrawn", "precondition_required", "precondition_failed"
    ),
)  # fmt: skip
def put(
    who: Editor, process: Process, what: Request_, site: SiteName, author: Slug, wanted: schemas.Author
) -> JSONResponse:
    """Makes an author, or changes one (then with If-Match).

    The page lists every live article whose byline names the slug; bylines link to it under the name given
    here, older ones as bulk work.
    """
    slug = _slug(author)
    cleaned = clean(wanted)
    if not any(letter.isalnum() for letter in cleaned.doc["name"]):
        raise _refused("/name", "empty", "name must hold at least one letter or digit")

    def change(conn: Connection) -> Reply:
        home = site_named(conn, who, site)
        before = authors.lock(conn, home.id, slug)
        if before is not None:
            check_precondition(what, before.version)
        elif what.if_match is not None:
            raise Refused("precondition_failed", f"there is no author {slug} yet: leave If-Match out")
        photo = _photo(conn, home, wanted.photo)
        version = authors.put(conn, home, slug, cleaned.doc, photo=photo, actor=who.actor)
        found = authors.find(conn, home.id, slug)
        assert found is not None
        body = {**_shown(home, found), "warnings": warned(cleaned.warnings)}
        return Reply(body, 200 if before else 201, {"ETag": etag(version)}, home.id)

    return write(process, who, what, change)


def _slug(text: str) -> str:
    slug = unicodedata.normalize("NFC", text)
    if not is_slug(slug) or is_lookalike(slug):
        better = derive_slug(slug, fallback="author")
        raise _refused(
            "", "bad_slug", f"the address names no slug: lower-case letters and digits, such as {better}"
        )
    if slug in RESERVED:
        raise _refused("", "reserved", f"{slug} is a path of the site itself: choose another slug")
    return slug


def _photo(conn: Connection, site: Site, name: str | None) -> Asset | None:
    if name is None:
        return None
    asset = assets.find(conn, name, site=site.id)
    if asset is None:
        raise _refused("/photo", "unknown_asset", "upload the photo first: POST /v1/assets")
    if asset.withdrawn_at is not None:
        detail = f"the photo {name} was withdrawn: choose another"
        raise Refused("withdrawn", detail, faults=(Fault("/photo", "withdrawn", detail),))
    if asset.state in assets.UNUSABLE:
        raise _refused("/photo", "broken_image", f"{asset.error}: upload another photo")
    return asset


def _refused(pointer: str, code: str, detail: str) -> Refused:
    return Refused("invalid", detail, faults=(Fault(pointer, code, detail),))


def _shown(site: Site, found: Author) -> dict[str, Any]:
    return {
        "slug": found.slug,
        "url": site.url(shelf_page(PageKind.author, found.slug).path),
        "name": found.name,
        "bio": found.bio,
        "photo": found.photo,
        "links": [dict(link) for link in found.links],
    }
