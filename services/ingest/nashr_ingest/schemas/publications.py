"""Publishing, correcting and removing on the wire, and the publication that each of them answers with."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from nashr_ingest.schemas.fields import Count, Line, Out, Time, Warned, Wire, wrong


class Publish(Wire):
    """All optional: an empty object publishes the latest revision now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"priority": "breaking"}]})

    revision: Count | None = Field(default=None, description="Fixed when asked for; default: the latest")
    publish_at: Time | None = None
    priority: Literal["normal", "breaking", "bulk"] = "normal"
    change: Literal["minor", "update"] = Field(default="update", description="minor never moves modified_at")
    notify: bool = Field(default=True, description="false: no webhook, WebSub or IndexNow")


class CorrectionIn(Wire):
    """Append-only, shown on the page."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"kind": "correction", "text": "ورد في نسخة سابقة أن الجلسة عقدت الاثنين."}]
        }
    )

    kind: Literal["correction", "clarification", "update", "retraction"]
    text: Line = Field(max_length=5_000)


class Unpublish(Wire):
    """Takes an article off the site; ``takedown`` and ``erase`` go furthest."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"kind": "kill", "reason": "خطأ في الهوية", "public_notice": "سُحب هذا الخبر."}]
        }
    )

    kind: Literal["unpublish", "kill", "takedown"]
    reason: Line = Field(max_length=2_000, description="For the audit trail, never shown")
    public_notice: str | None = Field(
        default=None, max_length=2_000, description="Shown in place of the article"
    )
    erase: bool = Field(default=False, description="With takedown: destroys text and originals too")

    @model_validator(mode="after")
    def _erase_is_a_takedown(self) -> Self:
        if self.erase and self.kind != "takedown":
            raise wrong("invalid", 'erase goes with "kind": "takedown" only')
        return self


class Rollback(Wire):
    """Makes a new revision with the content of an older one and publishes it."""

    revision: Count


def _seconds(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


class PreviewIn(Wire):
    """A link for a browser without a token."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"revision": 2, "expires_in": 3600}]})

    revision: Count | None = Field(default=None, description="Pinned; default: the latest")
    expires_in: Annotated[int, BeforeValidator(_seconds)] = Field(
        default=86_400, ge=60, le=30 * 86_400, description="Seconds"
    )


class Preview(Out):
    """A signed link, pinned to a revision, revocable, noindex, no-store."""

    id: str
    url: str
    article: str
    revision: Count
    created_by: str
    created_at: Time
    expires_at: Time
    warnings: list[Warned] = Field(
        default_factory=list, description="Only when it is made: what the revision could not be published for"
    )


class Step(Out):
    """One piece of work behind a publication."""

    kind: str
    state: str
    attempts: int
    started_at: Time | None
    finished_at: Time | None
    error: str | None


class Receipt(Out):
    """What the edge served after the purge, seen from where."""

    url: str
    revision: int
    sha256: str
    verified_at: Time
    cache: str | None
    vantage: str


class Stage(Out):
    """How far a publication had come when, and how long it took since the stage before."""

    stage: Literal["accepted", "released", "enriched", "rendered", "stored", "purged", "proven"]
    at: Time
    seconds: float


class Check(Out):
    """One address that a takedown had to reach, and what the edge answered there."""

    what: str
    url: str
    status: int
    ok: bool


class Publication(Out):
    """``live`` means acknowledged by the store; ``receipt`` is null until proven through the edge."""

    id: str
    article: str
    revision: Count
    kind: str
    state: Literal["scheduled", "pending", "running", "live", "failed", "superseded", "cancelled"]
    url: str | None
    requested_at: Time
    due_at: Time | None
    live_at: Time | None
    steps: list[Step]
    receipt: Receipt | None
    stages: list[Stage] = Field(description="Those that were reached, in the order of time")
    lag_seconds: float | None = Field(description="From the hour it was due until it was proven")
    checks: list[Check] | None = Field(description="A takedown's report: every address that showed it")
    warnings: list[Warned] = Field(default_factory=list, description="Only in the answer to a write")
