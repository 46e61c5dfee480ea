"""Photos: uploaded as a stream, described, changed. Their renditions start at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from nashr.bootstrap import Runtime
from nashr.domain.errors import Refused
from nashr.domain.site import Site
from nashr.store import assets, expiring, patching, sites, withdrawing
from nashr.store.database import snapshot, statement
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from nashr_ingest import imagefile, present, schemas
from nashr_ingest.clean import clean
from nashr_ingest.context import Caller, Editor, Process, Writer, site_of
from nashr_ingest.imagefile import FileInfo
from nashr_ingest.problems import responses
from nashr_ingest.uploads import Upload, read_upload
from nashr_ingest.writes import Asked, Reply, Request_, check_precondition, digest, etag, warned, write

router = APIRouter(prefix="/v1/assets", tags=["assets"])
ACCESS = ("unauthenticated", "forbidden", "unavailable")
Id = Annotated[str, Path(max_length=64)]
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "site": {"type": "string"},
                        "focal_x": {"type": "number", "minimum": 0, "maximum": 1},
                        "focal_y": {"type": "number", "minimum": 0, "maximum": 1},
                        "caption": {"type": "string"},
                        "credit": {"type": "string"},
                        "rights": {"type": "string", "description": "JSON"},
                    },
                }
            }
        },
    }
}


@router.post(
    "", status_code=201, operation_id="uploadAsset", response_model=schemas.Asset, openapi_extra=_FORM,
    responses={
        200: {"model": schemas.Asset, "description": "The site has this photo: here it is, as it was"},
        **responses(
            *ACCESS, "invalid", "unsupported_media_type", "too_large", "too_many_pixels", "broken_image",
            "withdrawn",
        ),
    },
)  # fmt: skip
async def upload(request: Request, who: Writer, process: Process, what: Request_) -> JSONResponse:
    """Takes a photo; the same bytes again give the existing asset (200), its metadata untouched."""
    received = await read_upload(request, max_bytes=process.settings.max_asset_bytes)
    with received:
        what = replace(what, fingerprint=digest(what.fingerprint, received.sha256, repr(_meta(received))))
        return await run_in_threadpool(_keep, who, process, what, received)


def _keep(who: Caller, process: Runtime, what: Asked, received: Upload) -> JSONResponse:
    with statement(process.engine) as conn:
        site = site_of(conn, who, received.site)
        known = assets.by_hash(conn, site.id, received.sha256)
    info = imagefile.inspect(
        received.file,
        max_pixels=process.settings.max_asset_pixels,
        heic=bool(process.settings.heic),
        sha256=received.sha256,
        filename=received.filename,
    )
    if known is None or known.state == "erased":
        received.file.seek(0)
        process.originals.put(
            assets.original_key(site.id, info.sha256), received.file, content_type=info.content_type
        )
    return write(process, who, what, lambda conn: _record(conn, who, site, received, info))


def _record(conn: Connection, who: Caller, site: Site, received: Upload, info: FileInfo) -> Reply:
    expiring.check_ahead(conn, received.rights, cure="give the end of the rights that hold now, or none")
    withdrawing.renew(conn, site, info.sha256, _meta(received), actor=who.actor)
    found, made = assets.create(
        conn,
        site=site.id,
        sha256=info.sha256,
        content_type=info.content_type,
        width=info.width,
        height=info.height,
        size=info.bytes,
        meta=_meta(received),
        actor=who.actor,
    )
    body = {**present.asset(conn, site, found), "warnings": warned(received.warnings)}
    headers = {"ETag": etag(found.version), "Location": f"/v1/assets/{found.id}"}
    return Reply(body, 201 if made else 200, headers, site.id)


def _meta(received: Upload) -> dict[str, Any]:
    focal = received.focal_point or (None, None)
    return {
        "focal_x": focal[0],
        "focal_y": focal[1],
        "caption": received.caption,
        "credit": received.credit,
        "rights": _given(received.rights),
    }


@router.get(
    "/{asset}", operation_id="getAsset", response_model=schemas.Asset,
    responses=responses(*ACCESS, "not_found"),
)  # fmt: skip
def get(who: Writer, process: Process, asset: Id) -> JSONResponse:
    """A photo with its state and renditions."""
    with snapshot(process.engine) as conn:
        found = _find(conn, who, asset)
        site = sites.get(conn, found.site).site
        body = present.asset(conn, site, found)
    return present.reply(body, ETag=etag(found.version))


@router.patch(
    "/{asset}", operation_id="patchAsset", response_model=schemas.Asset,
    responses=responses(*ACCESS, "not_found", "invalid", "precondition_required", "precondition_failed"),
)  # fmt: skip
def patch(
    who: Writer, process: Process, what: Request_, asset: Id, wanted: schemas.AssetPatch
) -> JSONResponse:
    """Changes focal point, caption, credit or rights; what is left out stays."""
    cleaned = clean(wanted)

    def change(conn: Connection) -> Reply:
        found = _find(conn, who, asset)
        check_precondition(what, found.version)
        site = sites.get(conn, found.site).site
        _check_not_withdrawn(found)
        columns = _columns(cleaned.doc)
        now = f"to withdraw the photo now, POST /v1/assets/{asset}/withdraw"
        expiring.check_ahead(conn, columns.get("rights"), cure=now)
        changed = patching.patch(conn, site, found, columns, actor=who.actor)
        body = {**present.asset(conn, site, changed), "warnings": warned(cleaned.warnings)}
        return Reply(body, 200, {"ETag": etag(changed.version)}, site.id)

    return write(process, who, what, change)


@router.post(
    "/{asset}/withdraw", status_code=202, operation_id="withdrawAsset", response_model=schemas.Asset,
    responses=responses(*ACCESS, "not_found", "invalid"),
)  # fmt: skip
def withdraw(
    who: Editor, process: Process, what: Request_, asset: Id, wanted: schemas.Withdrawal
) -> JSONResponse:
    """Takes a photo off every page, card and feed, at once and for good. Again: the same answer."""
    cleaned = clean(wanted)

    def change(conn: Connection) -> Reply:
        found = _find(conn, who, asset)
        site = sites.get(conn, found.site).site
        order = withdrawing.Order("kill", cleaned.doc["reason"], who.actor)
        gone = withdrawing.withdraw(conn, site, found, order)
        body = {**present.asset(conn, site, gone), "warnings": warned(cleaned.warnings)}
        return Reply(body, 202, {"ETag": etag(gone.version), "Location": f"/v1/assets/{gone.id}"}, site.id)

    return write(process, who, what, change)


def _columns(doc: dict[str, Any]) -> dict[str, Any]:
    columns = dict(doc)
    if "focal_point" in columns:
        point = columns.pop("focal_point") or {"x": None, "y": None}
        columns |= {"focal_x": point["x"], "focal_y": point["y"]}
    if "rights" in columns:
        columns["rights"] = _given(columns["rights"])
    return columns


def _check_not_withdrawn(found: assets.Asset) -> None:
    cause = withdrawing.cause(found)
    if cause == "expired":
        raise Refused(
            "withdrawn", "the rights of this photo have ended: upload it again with the rights that hold now"
        )
    if cause:
        raise Refused("withdrawn", "this photo was withdrawn for good: use another one")


def _given(rights: Mapping[str, Any] | None) -> dict[str, Any]:
    """What was said of the rights: a field that is null leaves room for what the file says."""
    return {name: value for name, value in (rights or {}).items() if value is not None}


def _find(conn: Connection, who: Caller, asset: str) -> assets.Asset:
    found = assets.find(conn, asset, site=who.token.site)
    if found is None:
        raise Refused("not_found", f"there is no asset {asset}")
    return found
