"""Counts and times the API's answers, by operation: around everything else, so that refusals count too."""

from __future__ import annotations

import time

from nashr.observability import metrics
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Timed:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        answered = False

        def told(status: int) -> None:
            operation = getattr(scope.get("route"), "operation_id", None) or "none"
            metrics.REQUESTS.add(operation=operation, status=str(status))
            metrics.REQUEST_SECONDS.observe(time.perf_counter() - began, operation=operation)

        async def sent(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                told(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception:
            if not answered:
                told(500)  # by the server itself, further out
            raise
