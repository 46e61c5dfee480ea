"""What a worker takes for a hint: a step's number, whoever sent it, and nothing beside it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from nashr.adapters.transport import TASK, hinted


def message(step: Any = 7, **changes: Any) -> dict[str, Any]:
    """A hint as it lies in a queue."""
    body = base64.b64encode(json.dumps([[step], {}, {"callbacks": None}]).encode()).decode()
    made = {
        "body": body, "content-encoding": "utf-8", "content-type": "application/json",
        "headers": {"task": TASK, "id": "7"},
        "properties": {"delivery_tag": "x", "delivery_info": {}, "body_encoding": "base64"},
    }  # fmt: skip
    return {**made, **changes}


def test_a_hint_is_taken() -> None:
    """One step's number."""
    assert hinted(message()) == 7


@pytest.mark.parametrize(
    "wrong",
    [
        None, [], "text", 1, {}, message(0), message(-1), message("1"), message(True), message(2**63),
        message([1]), message(None), message(1.0), message(body="%%%"), message(body=None), message(body=1),
        message(body=base64.b64encode(b"[" * 100_000).decode()),
        message(body=base64.b64encode(b"[]").decode()), message(headers=None),
        message(headers={"task": "no.such.task", "id": "7"}), message(headers=[]),
    ],
)  # fmt: skip
def test_anything_else_is_passed_over(wrong: Any) -> None:
    """Each of these ended a worker, or was a claim of nothing."""
    assert hinted(wrong) is None
