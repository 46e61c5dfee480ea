"""Photos whose decoder is ended by somebody else."""

from __future__ import annotations

import os
import signal
from functools import partial
from typing import TYPE_CHECKING

from tests.conftest import until

if TYPE_CHECKING:
    from tests.faults.lab import Lab

TICKS = 3
"""Of the processor's time, 10 ms each: so many, and a decoder has its photo in hand."""


def test_a_decoder_that_is_killed_costs_the_photo_a_moment(lab: Lab) -> None:
    """Killed in the midst of a photo: that gets another decoder, and is ready."""
    lab.quiet()
    lab.ready("images")
    before = lab.children("images")
    asset = lab.upload(lab.photo(6000, 4000))["id"]
    os.kill(until(partial(_at_work, lab, before), what="a decoder to begin"), signal.SIGKILL)

    def state() -> str:
        return str(lab.client("editor").get(f"/v1/assets/{asset}").json()["state"])

    until(lambda: state() != "processing", what="the photo")
    assert state() == "ready"
    (step,) = lab.rows("SELECT attempts FROM step WHERE kind = 'images' AND input->>'asset' = %s", asset)
    assert step["attempts"] == 2


def _at_work(lab: Lab, before: dict[int, int]) -> int | None:
    now = lab.children("images")
    return next((pid for pid in before if now.get(pid, 0) >= before[pid] + TICKS), None)
