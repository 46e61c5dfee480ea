"""Webhooks on the wire, and the event envelope that webhooks and SSE share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from nashr.domain.webhooks import key_of
from pydantic import AfterValidator, ConfigDict, Field

from nashr_ingest.schemas.fields import Out, SiteId, Time, WebUrl, Wire, once_each, wrong

EventType = Literal[
    "article.live",
    "article.updated",
    "article.corrected",
    "article.removed",
    "publication.failed",
    "asset.ready",
    "asset.failed",
    "asset.withdrawn",
]
WebhookState = Literal["active", "paused"]


def _secret(value: str) -> str:
    try:
        key_of(value)
    except ValueError as error:
        raise wrong("invalid", "{cure}", {"cure": str(error)}) from None
    return value


Events = Annotated[list[EventType], AfterValidator(once_each), Field(min_length=1, max_length=50)]
Secret = Annotated[str, Field(max_length=256), AfterValidator(_secret)]
WEBHOOK_EXAMPLE: dict[str, Any] = {
    "url": "https://cms.example/nashr",
    "events": ["article.live", "article.updated", "article.removed"],
    "secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
}


class WebhookIn(Wire):
    """Where events go. Each delivery is signed with HMAC-SHA256 over its id, timestamp and body."""

    model_config = ConfigDict(json_schema_extra={"examples": [WEBHOOK_EXAMPLE]})

    site: SiteId | None = None
    url: WebUrl
    events: Events
    secret: Secret = Field(description="whsec_ and base64 of 16 to 64 bytes; or any text from 16 bytes on")


class WebhookPatch(Wire):
    """What is to change; a new secret is used at once, and the old one beside it for a day."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"state": "paused"}]})

    url: WebUrl | None = None
    events: Events | None = None
    secret: Secret | None = None
    state: WebhookState | None = None


class Webhook(Out):
    """A webhook as listed: its secret is never shown."""

    id: str
    site: str
    url: str
    events: list[str]
    state: WebhookState
    paused_because: Literal["asked", "failing", "gone"] | None
    failing_since: Time | None = Field(description="Since when every attempt has failed")
    old_secret_until: Time | None = Field(description="Until when deliveries are signed with two secrets")
    created_by: str
    created_at: Time
    updated_at: Time


class DeliveryLine(Out):
    """One event and one webhook: what became of it. Attempts, answer and error are of the last round."""

    id: str
    event: str
    type: str
    article: str | None
    state: Literal["waiting", "sending", "delivered", "retrying", "failed", "held", "skipped"]
    attempts: int
    status: int | None = Field(description="HTTP status of the last answer; null when none came")
    ms: int | None
    error: str | None
    answer: str | None = Field(description="The first 200 characters of an answer that was not 2xx")
    created_at: Time
    last_attempt_at: Time | None
    next_attempt_at: Time | None


class ReplayIn(Wire):
    """Which deliveries to repeat: one by its id, or all events since a time."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"since": "2026-03-01T09:30:00Z"}]})

    delivery: str | None = Field(default=None, max_length=20)
    since: Time | None = None


class Replayed(Out):
    """How many events are told again."""

    events: int


class Event(Out):
    """One thing that happened; the same in webhooks and in server-sent events.

    Events about photos and failed publications also have ``asset``, ``error``, ``cause`` or ``reason``.
    """

    id: str
    type: EventType
    at: Time
    site: str
    article: str | None
    revision: int | None
    url: str | None
    first: bool
    priority: str | None
    actor: str | None
    publication: str | None
    extensions: dict[str, Any] | None
