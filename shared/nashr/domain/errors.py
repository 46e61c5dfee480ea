"""Every error that crosses a boundary: two families for work, one closed list of wire codes.

Rendering (HTTP status, problem+json) is the edge's business, not this module's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

CODES: Final = frozenset(
    {
        "unauthenticated", "forbidden", "not_found", "method_not_allowed", "invalid", "too_large",
        "unsupported_media_type", "broken_image", "too_many_pixels", "precondition_required",
        "precondition_failed", "idempotency_mismatch", "idempotency_in_progress", "conflict",
        "slug_taken", "external_id_taken", "embargoed", "withdrawn", "removed", "not_live", "not_cancellable",
        "overloaded", "unavailable", "internal",
        # codes of single fields, used inside ``errors`` and ``warnings``
        "missing", "unknown_field", "unknown_asset", "unknown_section", "unknown_article",
        "unknown_revision", "missing_alt", "empty", "too_long", "reserved", "bad_slug", "bad_time",
        "bad_url", "bad_html", "bad_language", "bad_character", "bad_type", "removed_markup", "removed_bidi",
        "past_due", "alias_taken", "path_taken", "not_shown",
        # the body itself, before any field of it
        "bad_json", "too_slow",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """One thing wrong with the input: where (RFC 6901 pointer), which code, what to do."""

    pointer: str
    code: str
    detail: str

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ValueError(f"unknown wire code {self.code!r}: add it to nashr.domain.errors.CODES")


class Refused(Exception):
    """A request that cannot be granted; carries its wire code, its cure and the faults by field."""

    def __init__(self, code: str, detail: str, *, faults: tuple[Fault, ...] = ()) -> None:
        if code not in CODES:
            raise ValueError(f"unknown wire code {code!r}: add it to nashr.domain.errors.CODES")
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.faults = faults


class WorkError(Exception):
    """A step failed. Its subclass says what happens next."""


class Retryable(WorkError):
    """The cause may pass by itself: the step becomes due again after a back-off.

    ``blameless``: it says nothing against the step, which never runs out of attempts by it.
    """

    blameless: ClassVar[bool] = False


class Unavailable(Retryable):
    """The store, the edge, the database or the machine does not answer."""

    blameless = True


class NotYet(Retryable):
    """Something else has to end first: the step comes again soon, and that attempt does not count.

    ``seconds``: at most how long until then; for what costs something to look at, a longer while.
    """

    def __init__(self, message: str, *, seconds: float = 1.5) -> None:
        super().__init__(message)
        self.seconds = seconds


class Later(Retryable):
    """The other side said when to try again: not before ``seconds`` from now. The attempt counts."""

    def __init__(self, message: str, *, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class Permanent(WorkError):
    """Trying again cannot help: the step is dead until a human replays it."""


class Fenced(WorkError):
    """Another worker holds the lease by now: this result is dropped, quietly."""
