"""The notify step: tells a webhook of an event. The other two kinds of receiver are pings.py's part."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from nashr.adapters.abroad import Answer, NoAnswer, NotSent, Sender
from nashr.bootstrap import Runtime
from nashr.domain import webhooks as wire
from nashr.domain.errors import Fenced, Later, Permanent, Retryable
from nashr.observability import metrics
from nashr.observability.logs import logger
from nashr.runtime.worker import Commit, Finish
from nashr.steps import STEPS
from nashr.store import events, notices, webhooks
from nashr.store.database import statement, transaction
from nashr.store.queue import Step
from nashr.store.webhooks import Webhook
from sqlalchemy import Connection

SAID: Final = 200  # characters of an answer that are kept
_LONGEST_WAIT: Final = 24 * 3600.0  # seconds that a Retry-After is honoured


@dataclass(frozen=True)
class Attempt:
    """How one request ended: ``answer`` None when none came. ``error`` None when it was taken (2xx)."""

    seconds: float
    outcome: str
    answer: Answer | None = None
    error: str | None = None

    def record(self) -> dict[str, Any]:
        """What the delivery log keeps; of an answer that is not 2xx its beginning."""
        said = ""
        if self.answer and self.error:
            said = self.answer.body[: 4 * SAID].decode("utf-8", "replace").replace("\0", "")[:SAID]
        return {
            "status": self.answer.status if self.answer else None,
            "ms": round(self.seconds * 1000),
            "error": self.error,
            "said": said or None,
            "at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        }


def send(sender: Sender, to: str, url: str, body: bytes, headers: Mapping[str, str]) -> Attempt:
    """One request, measured and counted; ``to``: webhook, hub or indexnow. Raises nothing."""
    begun = time.monotonic()
    answer, error, outcome = None, None, "taken"
    try:
        answer = sender.post(url, body, headers)
    except NotSent as refused:
        error, outcome = str(refused), "blocked"
    except NoAnswer as missing:
        error, outcome = str(missing), "failed"
    if answer is not None and not 200 <= answer.status < 300:
        error = f"answered {answer.status}"
        outcome = "gone" if answer.status == 410 else "failed"
    seconds = time.monotonic() - begun
    metrics.NOTICES.add(to=to, outcome=outcome)
    metrics.NOTICE_SECONDS.observe(seconds, to=to)
    return Attempt(seconds, outcome, answer, error)


class Notify:
    """Handler of the notify step; ``pings`` has those for hubs and search engines, by name."""

    def __init__(self, runtime: Runtime, pings: Mapping[str, Callable[[Step], Commit]]) -> None:
        self._runtime = runtime
        self._pings = pings

    def notify(self, step: Step) -> Commit:
        """Sends it. Whatever becomes of that stands in the step's result."""
        name, ping, _ = str(step.input["to"]).partition(":")
        return self._pings[name](step) if ping else self._tell(step, name)

    def _tell(self, step: Step, hook_id: str) -> Commit:
        with statement(self._runtime.engine) as conn:
            hook = webhooks.find(conn, hook_id)
            if hook is None:
                return lambda _conn: Finish()
            secrets = webhooks.secrets(conn, hook.id)
            event = events.find(conn, int(step.input["event"])) if "event" in step.input else None
        if event is None:
            return self._test(step, hook, list(secrets))
        if hook.state != "active":
            self._keep(step, hook)
        attempt = self._post(hook, list(secrets), events.envelope(event))
        if attempt.error is None:
            return lambda conn: self._taken(conn, hook, attempt)
        raise self._failed(step, hook, attempt)

    def _post(self, hook: Webhook, secrets: list[str], told: Mapping[str, Any]) -> Attempt:
        body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        signed = wire.headers(secrets, message=told["id"], timestamp=int(time.time()), body=body)
        headers = {"Content-Type": "application/json", **signed}
        return send(self._runtime.sender, "webhook", hook.url, body, headers)

    def _test(self, step: Step, hook: Webhook, secrets: list[str]) -> Commit:
        """A test is sent once, and has ended whatever comes back."""
        told = {
            "id": step.input.get("test", f"gone_{step.id}"), "type": wire.TEST, "site": hook.site,
            "at": datetime.now(UTC).isoformat().replace("+00:00", "Z"), "article": None, "revision": None,
            "url": None, "first": False, "priority": None, "actor": None, "publication": None,
            "extensions": None,
        }  # fmt: skip
        attempt = self._post(hook, secrets, told)
        return lambda _conn: Finish(attempt.record())

    def _keep(self, step: Step, hook: Webhook) -> None:
        """It was paused after this had become due. Raises Retryable where it was resumed meanwhile."""
        with transaction(self._runtime.engine) as conn:
            now = webhooks.find(conn, hook.id, lock=True)
            if now is not None and now.state == "active":
                raise Retryable(f"webhook {hook.id} goes on")
            notices.set_aside(conn, step)
        raise Fenced(f"webhook {hook.id} is paused: step {step.id} is kept")

    def _taken(self, conn: Connection, hook: Webhook, attempt: Attempt) -> Finish:
        webhooks.answered(conn, hook)
        return Finish(attempt.record())

    def _failed(self, step: Step, hook: Webhook, attempt: Attempt) -> Exception:
        """What the step ends with; also whether the webhook goes on."""
        assert attempt.error is not None
        with transaction(self._runtime.engine) as conn:
            now = webhooks.find(conn, hook.id, lock=True)  # before its steps, as everywhere
            notices.note(conn, step, attempt.record())
            given_up = now is not None and webhooks.failed(conn, now)
            why: webhooks.Cause | None
            why = "gone" if attempt.outcome == "gone" else "failing" if given_up else None
            if why is not None:
                webhooks.pause(conn, hook.id, why)
        if why is not None:
            logger().error("webhook.paused", webhook=hook.id, site=hook.site, why=why, error=attempt.error)
            self._keep(step, hook)
        return failure(step, attempt, most=STEPS["notify"].max_attempts)


def failure(step: Step, attempt: Attempt, *, most: int) -> Exception:
    """The error of a failed attempt: again, when the receiver says so, or given up after ``most``."""
    error = str(attempt.error)
    if step.attempts >= most:
        return Permanent(f"{error}: given up after {step.attempts} attempts")
    wait = retry_after(attempt.answer.headers) if attempt.answer else None
    return Later(error, seconds=wait) if wait else Retryable(error)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that a receiver asks for, as a number or as a date; at most a day."""
    said = headers.get("retry-after", "").strip()
    if not said:
        return None
    try:
        wait = float(said) if said.isdigit() else _until(said)
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(wait, 0.0), _LONGEST_WAIT)


def _until(date: str) -> float:
    return (parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()
