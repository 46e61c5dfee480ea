"""kill -9 of every process in turn, during continuous publications."""

from __future__ import annotations

import os
import random
import signal
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.conftest import until

if TYPE_CHECKING:
    from tests.faults.lab import Lab
    from tests.faults.newsroom import Newsroom

KILLS = {"valkey": 20}
"""Five for the others."""
PROGRAMS = (
    *("ingest", "relay", "images", "related", "cards", "delivery", "edge"),
    *("postgres", "valkey", "s3"),
)


@pytest.mark.parametrize("program", PROGRAMS)
def test_whatever_is_killed_comes_back_and_nothing_is_lost(
    lab: Lab, newsroom: Newsroom, program: str
) -> None:
    """After many kills of any one process everything accepted is live at its latest within 30 s."""
    chance, kills = random.Random(program), KILLS.get(program, 5)
    before = lab.program(program).restarts
    with newsroom.working():
        for number in range(kills):
            newsroom.one_more()
            running = number == 0 or chance.random() < 0.3
            pid = until(partial(_pid, lab, program, ready=running), what=f"{program} to run")
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            until(partial(_replaced, lab, program, pid), what=f"the supervisor to notice that {program} died")
        lab.ready(program, restarts=before + kills)
    assert newsroom.accepted() >= kills


def _pid(lab: Lab, program: str, *, ready: bool) -> int | None:
    """The pid of a process that runs, or (not ``ready``) of one that has only begun to."""
    found = lab.program(program)
    return found.pid if found.state == "ready" or not ready else None


def _replaced(lab: Lab, program: str, pid: int) -> bool:
    return lab.program(program).pid != pid
