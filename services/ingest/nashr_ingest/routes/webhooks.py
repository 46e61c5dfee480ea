"""Webhooks: who is told of a site's events, what became of it, and telling it again. For admins."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from nashr.bootstrap import Runtime
from nashr.domain.errors import Fault, Refused
from nashr.domain.reach import Reach, refusal
from nashr.domain.webhooks import MOST_EVENTS
from nashr.store import events, notices, webhooks
from nashr.store.database import statement
from nashr.store.ids import new_id
from nashr.store.notices import Notice
from nashr.store.webhooks import Webhook
from sqlalchemy import Connection
from starlette.responses import JSONResponse, Response

from nashr_ingest import present, schemas
from nashr_ingest.context import Admin, Caller, Process, site_of, visible_site
from nashr_ingest.problems import responses
from nashr_ingest.writes import Reply, Request_, cursor, read_number, write

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
ACCESS = ("unauthenticated", "forbidden", "unavailable")
Id = Annotated[str, Path(max_length=64)]


@router.post(
    "", status_code=201, operation_id="createWebhook", response_model=schemas.Webhook,
    responses=responses(*ACCESS, "not_found", "invalid", "conflict"),
)  # fmt: skip
def create(who: Admin, process: Process, what: Request_, wanted: schemas.WebhookIn) -> JSONResponse:
    """Has events of a site sent to an address, from now on."""
    _check_url(process, wanted.url)

    def change(conn: Connection) -> Reply:
        site = site_of(conn, who, wanted.site)
        made = webhooks.create(
            conn, site=site.id, url=wanted.url, wanted=wanted.events, secret=wanted.secret, actor=who.actor
        )
        return Reply(_shown(made), 201, {"Location": f"/v1/webhooks/{made.id}"}, site.id)

    return write(process, who, what, change)


@router.get(
    "", operation_id="listWebhooks", response_model=schemas.Page[schemas.Webhook],
    responses=responses(*ACCESS, "not_found"),
)  # fmt: skip
def find_many(who: Admin, process: Process, site: str | None = None) -> JSONResponse:
    """Every webhook, oldest first. There are at most 50 for a site."""
    with statement(process.engine) as conn:
        found = webhooks.every(conn, site=visible_site(who, site))
    return present.reply(present.page([_shown(hook) for hook in found], None))


@router.get(
    "/{webhook}", operation_id="getWebhook", response_model=schemas.Webhook,
    responses=responses(*ACCESS, "not_found"),
)  # fmt: skip
def find(who: Admin, process: Process, webhook: Id) -> JSONResponse:
    """One webhook, without its secret."""
    with statement(process.engine) as conn:
        return present.reply(_shown(_find(conn, who, webhook)))


@router.patch(
    "/{webhook}", operation_id="patchWebhook", response_model=schemas.Webhook,
    responses=responses(*ACCESS, "not_found", "invalid"),
)  # fmt: skip
def patch(
    who: Admin, process: Process, what: Request_, webhook: Id, wanted: schemas.WebhookPatch
) -> JSONResponse:
    """Pauses or resumes it (what happens meanwhile is sent then); or changes address, events, secret."""
    if wanted.url is not None:
        _check_url(process, wanted.url)

    def change(conn: Connection) -> Reply:
        found = _find(conn, who, webhook, lock=True)
        given = wanted.model_dump(exclude_none=True, include={"url", "events", "secret"})
        if given:
            webhooks.change(conn, found, actor=who.actor, **given)
        if wanted.state == "paused":
            webhooks.pause(conn, found.id, "asked", actor=who.actor)
        if wanted.state == "active":
            webhooks.resume(conn, found.id, actor=who.actor)
        return Reply(_shown(_find(conn, who, webhook)), site=found.site)

    return write(process, who, what, change)


@router.delete(
    "/{webhook}", status_code=204, operation_id="deleteWebhook", responses=responses(*ACCESS, "not_found")
)
def delete(who: Admin, process: Process, what: Request_, webhook: Id) -> Response:
    """Forgets it with its log; nothing more is sent."""

    def change(conn: Connection) -> Reply:
        webhooks.delete(conn, _find(conn, who, webhook, lock=True), actor=who.actor)
        return Reply(None, 204)

    write(process, who, what, change)
    return Response(status_code=204)


@router.get(
    "/{webhook}/deliveries", operation_id="listWebhookDeliveries",
    response_model=schemas.Page[schemas.DeliveryLine],
    responses=responses(*ACCESS, "not_found", "invalid"),
)  # fmt: skip
def deliveries(
    who: Admin,
    process: Process,
    webhook: Id,
    failed: Annotated[bool, Query(description="Only what was given up, or failed the last time")] = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor_: Annotated[str | None, Query(alias="cursor", max_length=500)] = None,
) -> JSONResponse:
    """What it was told and is to be told, youngest first. The log goes back 30 days."""
    before = read_number(cursor_)
    with statement(process.engine) as conn:
        hook = _find(conn, who, webhook)
        found = notices.every(conn, hook.id, failed=failed, before=before, limit=limit + 1)
    more = cursor([str(found[limit - 1].id)]) if len(found) > limit else None
    return present.reply(present.page([_line(item) for item in found[:limit]], more))


@router.get(
    "/{webhook}/deliveries/{delivery}", operation_id="getWebhookDelivery",
    response_model=schemas.DeliveryLine, responses=responses(*ACCESS, "not_found"),
)  # fmt: skip
def delivery(who: Admin, process: Process, webhook: Id, delivery: Id) -> JSONResponse:
    """One line of the log."""
    with statement(process.engine) as conn:
        return present.reply(_line(_notice(conn, _find(conn, who, webhook), delivery)))


@router.post(
    "/{webhook}/test", status_code=202, operation_id="testWebhook", response_model=schemas.DeliveryLine,
    responses=responses(*ACCESS, "not_found"),
)  # fmt: skip
def test(who: Admin, process: Process, what: Request_, webhook: Id) -> JSONResponse:
    """Sends a ``webhook.test`` event once, also to one that is paused. Location shows what came back."""

    def change(conn: Connection) -> Reply:
        hook = _find(conn, who, webhook)
        made = notices.test(conn, hook.id, site=hook.site, name=new_id("test"))
        found = _notice(conn, hook, str(made))
        events.record(conn, "webhook.test", hook.id, site=hook.site, actor=who.actor)
        where = f"/v1/webhooks/{hook.id}/deliveries/{found.id}"
        return Reply(_line(found), 202, {"Location": where}, hook.site)

    return write(process, who, what, change)


@router.post(
    "/{webhook}/replay", status_code=202, operation_id="replayWebhook", response_model=schemas.Replayed,
    responses=responses(*ACCESS, "not_found", "invalid"),
)  # fmt: skip
def replay(
    who: Admin, process: Process, what: Request_, webhook: Id, wanted: schemas.ReplayIn
) -> JSONResponse:
    """Tells one event again, or all since a time, in order. They keep their ids, so receivers know them."""
    if (wanted.delivery is None) == (wanted.since is None):
        raise Refused("invalid", "give delivery or since, one of them")

    def change(conn: Connection) -> Reply:
        hook = _find(conn, who, webhook)
        if wanted.delivery is not None:
            notices.again(conn, hook.id, _notice(conn, hook, wanted.delivery).id)
            told = 1
        else:
            assert wanted.since is not None
            told = notices.again_since(conn, hook.id, since=wanted.since, limit=MOST_EVENTS)
        if told > MOST_EVENTS:
            detail = f"more than {MOST_EVENTS} events since then: give a later time"
            raise Refused("invalid", detail, faults=(Fault("/since", "too_large", detail),))
        said = {"delivery": wanted.delivery, "since": wanted.since and wanted.since.isoformat()}
        events.record(conn, "webhook.replay", hook.id, site=hook.site, actor=who.actor, events=told, **said)
        return Reply({"events": told}, 202, site=hook.site)

    return write(process, who, what, change)


def _check_url(process: Runtime, url: str) -> None:
    why = refusal(url, Reach(process.settings.webhooks_reach))
    if why is not None:
        raise Refused("invalid", f"the address is refused: {why}", faults=(Fault("/url", "bad_url", why),))


def _find(conn: Connection, who: Caller, webhook: str, *, lock: bool = False) -> Webhook:
    """The webhook, absent for another site's token."""
    found = webhooks.find(conn, webhook, site=who.token.site, lock=lock)
    if found is None:
        raise Refused("not_found", f"there is no webhook {webhook}")
    return found


def _notice(conn: Connection, hook: Webhook, delivery: str) -> Notice:
    found = notices.find(conn, hook.id, _number(delivery))
    if found is None:
        raise Refused("not_found", f"the webhook has no delivery {delivery}")
    return found


def _number(text: str) -> int:
    """A delivery's id; nothing has the id 0."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def _shown(hook: Webhook) -> dict[str, Any]:
    plain = (
        "id", "site", "url", "state", "failing_since", "old_secret_until", "created_by", "created_at",
        "updated_at",
    )  # fmt: skip
    return {
        **{name: getattr(hook, name) for name in plain},
        "events": list(hook.events), "paused_because": hook.why,
    }  # fmt: skip


_STATES: Final = {"leased": "sending", "dead": "failed", "held": "held", "void": "skipped"}


def _state(found: Notice) -> str:
    if found.state == "done":
        return "failed" if found.result.get("error") else "delivered"  # a test is sent once
    if found.state == "ready":
        return "retrying" if found.attempts else "waiting"
    return _STATES[found.state]


def _line(found: Notice) -> dict[str, Any]:
    last = found.result
    return {
        "id": str(found.id),
        "event": found.event,
        "type": found.type,
        "article": found.article,
        "state": _state(found),
        "attempts": found.attempts,
        "status": last.get("status"),
        "ms": last.get("ms"),
        "error": last.get("error") or (found.error if found.state != "done" else None),
        "answer": last.get("said"),
        "created_at": found.created_at,
        "last_attempt_at": last.get("at"),
        "next_attempt_at": found.available_at if found.state == "ready" else None,
    }
