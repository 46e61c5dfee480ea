"""Log lines: one JSON object each, ours and those of libraries alike."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from nashr.observability import logs


@pytest.fixture(autouse=True)
def configured(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers = []
    logs.configure("cards")
    yield
    root.handlers, root.level = before, level


def last(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().err.splitlines()[-1])
    return found


def test_an_event_is_one_line_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    """Service, bound fields, the event's own, level and a UTC time; Arabic stays readable."""
    logs.logger().bind(step=7).info("step.done", key="خبر\nثان", at=Path("x"))
    said = last(capsys)
    assert datetime.fromisoformat(said.pop("timestamp")).tzinfo == UTC
    assert said == {
        "service": "cards", "step": 7, "key": "خبر\nثان", "at": "PosixPath('x')", "event": "step.done",
        "level": "info",
    }  # fmt: skip


def test_a_crash_carries_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """exc_info puts the traceback of the exception at hand into the line."""
    try:
        raise ValueError("no such step")
    except ValueError as error:
        logs.logger().error("step.crashed", error=repr(error), exc_info=True)
    said = last(capsys)
    assert said["level"] == "error"
    assert said["exception"].startswith("Traceback")
    assert said["exception"].endswith("ValueError: no such step")


def test_libraries_speak_in_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings of a library come out as events with a traceback where there is one; its chatter does not."""
    logs.configure("cards")  # for the stderr that this test captures
    logging.getLogger("kombu").info("chatter")
    try:
        raise OSError("gone")
    except OSError:
        logging.getLogger("kombu").warning("connection %s", "lost", exc_info=True)
    said = last(capsys)
    assert (said["event"], said["level"], said["service"]) == ("connection lost", "warning", "cards")
    assert said["exception"].endswith("OSError: gone")


def test_no_text_breaks_out_of_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is logged stays one line in every program, and neither colours nor reverses a terminal."""
    evil = "a\r\nb\u2028c\u2029d\x85e\x0bf\x1b[31mg\x9b31mh\x00i\u202ej\u2066k"
    fields: dict[str, Any] = {"error": evil, evil: 1}
    logs.logger().error("page.broken", **fields)
    text = capsys.readouterr().err.removesuffix("\n")
    assert text.isprintable()
    assert text.splitlines() == [text]
    assert json.loads(text)["error"] == evil
