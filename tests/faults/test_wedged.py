"""A worker that still runs but takes no hints any more: the hardest fault to see from outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import until

if TYPE_CHECKING:
    from tests.faults.lab import Lab
    from tests.faults.newsroom import Newsroom


@pytest.mark.parametrize(("service", "threads"), [("related", 2), ("delivery", 4)])
def test_a_wedged_worker_is_replaced(lab: Lab, newsroom: Newsroom, service: str, threads: int) -> None:
    """With every thread that takes hints stuck for good, publishing goes on and the process is replaced."""
    before = lab.ready(service)
    failpoint = f"{service}.before_claim"
    with newsroom.working():
        for _ in range(threads):
            lab.arm(failpoint)
            until(lambda: lab.fired(failpoint), what=f"a hint to reach {service}")
        lab.ready(service, restarts=before.restarts + 1)
