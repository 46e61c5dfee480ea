"""Tokens and dead work on the wire."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from nashr_ingest.schemas.fields import Line, Out, SiteId, Time, Wire

TokenRole = Literal["writer", "editor", "admin"]


class TokenIn(Wire):
    """Whom a new token is for; without ``site`` it serves all of them."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "غرفة الأخبار", "role": "editor"}]})

    name: Line = Field(max_length=100)
    role: TokenRole
    site: SiteId | None = None
    expires: Time | None = None


class Token(Out):
    """A token as listed: its secret is gone."""

    id: str
    name: str
    role: TokenRole
    site: str | None
    expires: Time | None
    created_at: Time
    revoked_at: Time | None


class Rotation(Wire):
    """How long the old token goes on beside its successor; 0 ends it at once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"grace_seconds": 86_400}]})

    grace_seconds: int = Field(default=86_400, ge=0, le=30 * 86_400)


class NewToken(Token):
    """A token as created, with its secret for this one time."""

    token: str


class HeldUp(Out):
    """A publication that a dead step keeps from being live."""

    publication: str
    article: str
    state: str


class DeadWork(Out):
    """A step that failed for good and waits for a human; ``state`` says what that one has decided."""

    id: str
    site: str
    kind: str
    subject: str = Field(description="The path, article, photo or site that it was for")
    queue: str
    attempts: int
    error: str
    since: Time
    state: Literal["dead", "replayed", "skipped"]
    blocks: list[HeldUp]


class AuditEntry(Out):
    """Who did what to which thing, when and from where. What has no token was a command, or nashr itself."""

    id: str
    at: Time
    site: str | None
    actor: str = Field(description="Nashr-Actor, else the token's name, or the command")
    token: str | None = Field(description="The token's id")
    token_name: str | None
    operation: str | None = Field(description="The operationId of the request")
    action: str = Field(examples=["article.publish", "refused.forbidden"])
    subject: str
    outcome: Literal["accepted", "refused"]
    address: str | None = Field(description="The client's, past trusted proxies")
    request: str | None = Field(description="Request-Id")
    detail: dict[str, Any]


class Skip(Wire):
    """Why dead work is closed without having been done."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the photo was replaced"}]})

    reason: Line | None = Field(default=None, max_length=2_000, description="Kept in the audit trail")
