"""Counts, times and traces the API's answers by operation: around all else, so that refusals count too."""

from __future__ import annotations

import time
from typing import Any

from nashr.observability import metrics, tracing
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Timed:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not scope["path"].startswith("/v1/"):  # nobody traces a health check
            await self._answer(scope, receive, send, None)
            return
        parent = Headers(scope=scope).get("traceparent")
        with tracing.span(scope["method"], parent=parent, kind="server") as span:
            await self._answer(scope, receive, send, span)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, span: Any) -> None:
        began = time.perf_counter()
        answered = False

        def told(status: int) -> None:
            operation = getattr(scope.get("route"), "operation_id", None) or "none"
            metrics.REQUESTS.add(operation=operation, status=str(status))
            metrics.REQUEST_SECONDS.observe(time.perf_counter() - began, operation=operation)
            if span is not None:
                span.update_name(operation)
                span.set_attributes({"http.response.status_code": status, "request_id": _request_id(scope)})

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


def _request_id(scope: Scope) -> str:
    found: str = scope.get("state", {}).get("request_id", "")
    return found
