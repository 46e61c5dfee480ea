"""``nashr storage check`` on a running stack."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Stack


def test_the_embedded_store_is_all_that_is_needed(stack: Stack) -> None:
    """Everything works, the private bucket is private, any number of workers may write, as at the start."""
    said = json.loads(stack.command("storage", "check", "--json"))
    assert [one["name"] for one in said["findings"] if not one["works"]] == []
    assert (said["can_run"], said["mode"]) == (True, "compare-and-swap")
    assert (said["before"], said["kept"]) == ("compare-and-swap", True)
    shown = stack.command("storage", "check")
    assert "works  private originals" in shown
    assert "pages are written by compare-and-swap" in shown
