"""Webhooks of a site in a database alone, and the steps that tell them, run as workers run them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nashr.adapters.abroad import Sender
from nashr.bootstrap import Runtime
from nashr.domain.errors import Fenced, Later, Permanent, Retryable
from nashr.domain.reach import Reach
from nashr.settings import Settings
from nashr.store import events, notices, queue, webhooks
from nashr.store.database import statement, transaction
from nashr.store.queue import Step
from nashr.store.webhooks import Webhook
from nashr_delivery.notify import Notify
from nashr_delivery.pings import Pings
from sqlalchemy import Engine

SECRET = "a secret of the test's own"
EVERY = ("article.live", "article.updated", "article.removed", "publication.failed", "asset.ready")


@dataclass
class Desk:
    """``site`` has webhooks; ``run`` does one step that is due."""

    engine: Engine
    settings: Settings = field(default_factory=lambda: Settings(webhooks_reach="loopback"))
    site: str = "s"

    def __post_init__(self) -> None:
        runtime = Runtime(self.settings, self.engine)
        runtime.__dict__["sender"] = Sender(Reach.loopback, total_seconds=1.0)
        self.notify = Notify(runtime, Pings(runtime).handlers).notify

    def hook(self, url: str, wanted: Sequence[str] = EVERY, *, secret: str = SECRET) -> Webhook:
        with transaction(self.engine) as conn:
            return webhooks.create(conn, site=self.site, url=url, wanted=wanted, secret=secret, actor="test")

    def find(self, hook: Webhook) -> Webhook:
        with statement(self.engine) as conn:
            found = webhooks.find(conn, hook.id)
        assert found is not None
        return found

    def emit(self, type: str = "article.live", article: str | None = "ar_1", **data: Any) -> None:  # noqa: A002
        with transaction(self.engine) as conn:
            events.emit(conn, type, site=self.site, article=article, **data)

    def claim(self, *closed: str) -> Step | None:
        return queue.claim_next(
            self.engine, ["notify"], owner="delivery:1", lease=10, where=notices.IN_TURN, closed=list(closed)
        )

    def run(self, step: Step | None = None) -> str:
        """Does a step as the worker's shell does; returns how that ended."""
        step = step or self.claim()
        assert step is not None, "nothing is due"
        try:
            commit = self.notify(step)
            with transaction(self.engine) as conn:
                finish = commit(conn)
                queue.finish(conn, step, result=finish.result, again_at=finish.again_at)
            return "done"
        except Fenced:
            return "fenced"
        except Permanent as error:
            with transaction(self.engine) as conn:
                queue.bury(conn, step, str(error))
            return "dead"
        except Retryable as error:
            least = error.seconds if isinstance(error, Later) else 0.0
            with transaction(self.engine) as conn:
                queue.retry(conn, step, str(error), least=least)
            return "retry"

    def log(self, hook: Webhook) -> list[notices.Notice]:
        """What became of its events, oldest first."""
        with statement(self.engine) as conn:
            return list(reversed(notices.every(conn, hook.id, limit=1000)))
