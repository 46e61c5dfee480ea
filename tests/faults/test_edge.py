"""The edge while the store is away."""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING

import httpx

from tests.conftest import until
from tests.faults.lab import frozen
from tests.faults.newsroom import shows

if TYPE_CHECKING:
    from tests.faults.lab import Lab
    from tests.faults.newsroom import Story


def test_an_edge_that_knows_nothing_yet_says_come_again(lab: Lab, stories: list[Story]) -> None:
    """Started while the store stands still, it answers 503, never 404: nobody is told that a page is gone."""
    store, path = lab.program("s3").pid, stories[0].path
    assert store is not None
    with frozen(store):
        lab.signal("edge", signal.SIGKILL)
        answer = until(partial(_answer, lab, path), what="the new edge to answer")[0]
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
    until(partial(shows, lab, stories[0]), what="the page to be there again")


def _answer(lab: Lab, path: str) -> tuple[httpx.Response] | None:
    try:
        return (lab.fetch(path),)
    except httpx.TransportError:
        return None
