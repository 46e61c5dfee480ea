"""Structured logs on standard error: a constant event name plus fields; ids, not objects; no secrets.

One JSON object per line, with the standard library alone: every process pays for what is imported here.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from nashr.domain.text import UNPRINTABLE
from nashr.observability import tracing

_process: dict[str, Any] = {}


class Logger:
    """Writes events; what ``bind`` adds stands in each of them."""

    def __init__(self, bound: Mapping[str, Any] | None = None) -> None:
        self._bound = bound or {}

    def bind(self, **fields: Any) -> Logger:
        return Logger({**self._bound, **fields})

    def info(self, event: str, **fields: Any) -> None:
        self._say("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        self._say("warning", event, fields)

    def error(self, event: str, *, exc_info: bool = False, **fields: Any) -> None:
        """``exc_info`` adds the traceback of the exception at hand, as ``exception``."""
        if exc_info:
            fields["exception"] = traceback.format_exc().rstrip()
        self._say("error", event, fields)

    def _say(self, level: str, event: str, fields: Mapping[str, Any]) -> None:
        sys.stderr.write(_line(level, event, {**self._bound, **fields}) + "\n")
        sys.stderr.flush()


class _Libraries(logging.Formatter):
    """The log records of libraries, in the same form."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {"exception": self.formatException(record.exc_info)} if record.exc_info else {}
        return _line(record.levelname.lower(), record.getMessage(), fields)


def configure(service: str) -> None:
    """Sets up logging for a process; library logs of warning and above come out in the same form."""
    _process["service"] = service
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Libraries())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def logger() -> Logger:
    """The process's logger: ``logger().info("step.done", step=12)``."""
    return Logger()


def _line(level: str, event: str, fields: Mapping[str, Any]) -> str:
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    trace = {"trace": found} if (found := tracing.trace_id()) else {}
    content = {**_process, **trace, **fields, "event": event, "level": level, "timestamp": now}
    text = json.dumps(content, ensure_ascii=False, default=repr)
    return UNPRINTABLE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    """As JSON spells a character: one event stays one line, in whatever shows it."""
    return f"\\u{ord(found[0]):04x}"
