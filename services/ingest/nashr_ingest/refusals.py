"""Refused authorisations go to the audit trail: best effort, in bounded numbers, never in the caller's time.

Equal ones within a second are one row with a count. Under a flood rows become rare, and the next one says
how many were left out: whoever has no token must not be able to fill a disk.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from nashr.domain.errors import Refused, Retryable
from nashr.observability.logs import logger
from nashr.store import audit
from nashr.store.audit import Trail
from nashr.store.database import transaction
from sqlalchemy import Engine
from starlette.requests import Request

from nashr_ingest.context import Caller, claimed_id, trail_of

PAUSE: Final = 1.0
"""Seconds between two looks at what was refused."""
MOST_WAITING: Final = 500
BURST: Final = 200
A_SECOND: Final = 1.0
"""Rows: at once, and a second in the long run."""

_READING: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class Refusal:
    """What somebody was not allowed to do. ``claimed``: the id of a token that proved nothing."""

    code: str
    subject: str
    actor: str
    site: str | None
    claimed: str | None
    trail: Trail
    request: str | None = field(default=None, compare=False)


def refusal_of(request: Request, error: Refused) -> Refusal | None:
    """The refusal that belongs in the trail: no token, wrong role, or another site's thing to be changed."""
    who: Caller | None = getattr(request.state, "caller", None)
    elsewhere = error.code == "not_found" and who is not None and who.token.site is not None
    if error.code not in {"unauthenticated", "forbidden"} and not (
        elsewhere and request.method not in _READING
    ):
        return None
    trail = who.trail if who else trail_of(request, None)
    return Refusal(
        code=error.code,
        subject=f"{request.method} {request.url.path[:200]}",
        actor=who.actor if who else "nobody",
        site=who.token.site if who else None,
        claimed=None if who else claimed_id(request),
        trail=replace(trail, request=None),
        request=trail.request,
    )


class Refusals:
    """Collects refusals and writes them from a thread of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._waiting: dict[Refusal, int] = {}
        self._left_out = 0
        self._may, self._since = float(BURST), time.monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="refusals", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Writes what still waits; a database that hangs is not waited for longer than its patience."""
        self._stopping.set()
        self._thread.join(timeout=5)

    def tell_of(self, request: Request, error: Refused) -> None:
        """Takes note of a refused request if it belongs in the trail. Costs nothing: somebody waits."""
        refusal = refusal_of(request, error)
        if refusal is not None:
            self.tell(refusal)

    def tell(self, refusal: Refusal) -> None:
        with self._lock:
            if refusal in self._waiting or len(self._waiting) < MOST_WAITING:
                self._waiting[refusal] = self._waiting.get(refusal, 0) + 1
            else:
                self._left_out += 1

    def _run(self) -> None:
        while not self._stopping.wait(PAUSE):
            self.flush()
        self.flush()

    def flush(self) -> None:
        """Writes what waits, as far as the allowance goes; the rest is only counted."""
        with self._lock:
            taken, self._waiting = list(self._waiting.items()), {}
            now = time.monotonic()
            self._may, self._since = min(BURST, self._may + A_SECOND * (now - self._since)), now
            room = int(self._may)
            written, over = taken[:room], taken[room:]
            self._left_out += sum(count for _, count in over)
            left_out = self._left_out if written else 0
            self._left_out -= left_out
            self._may -= len(written)
        if written:
            self._write(written, left_out)

    def _write(self, found: list[tuple[Refusal, int]], left_out: int) -> None:
        try:
            with transaction(self._engine) as conn:
                for refusal, count in found:
                    audit.refuse(
                        conn, replace(refusal.trail, request=refusal.request), code=refusal.code,
                        subject=refusal.subject, site=refusal.site, actor=refusal.actor,
                        detail=_detail(refusal, count, left_out),
                    )  # fmt: skip
                    left_out = 0
        except Exception as error:
            if not isinstance(error, Retryable):  # it would come again: that has to be known, and goes on
                logger().error("audit.not_written", error=repr(error))
            with self._lock:
                self._left_out += left_out + sum(count for _, count in found)


def _detail(refusal: Refusal, count: int, left_out: int) -> Mapping[str, object]:
    said = {"claimed": refusal.claimed, "count": count, "left_out": left_out}
    return {name: value for name, value in said.items() if value}
