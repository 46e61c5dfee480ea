"""Store or Valkey away: the API takes what editors send, says that it is ready, and all goes out later."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.conftest import until
from tests.faults.lab import frozen, is_gone
from tests.faults.newsroom import Client, publish, shows

if TYPE_CHECKING:
    from tests.faults.lab import Lab
    from tests.faults.newsroom import Story


@contextmanager
def killed(lab: Lab, server: str) -> Iterator[None]:
    """Gone, and the supervisor stands still so that it stays so."""
    before = lab.ready(server)
    with frozen(lab.supervisor()):
        pid = lab.signal(server, signal.SIGKILL)
        until(partial(is_gone, pid), what=f"{server} to be gone")
        yield
    lab.ready(server, restarts=before.restarts + 1)


@contextmanager
def standing_still(lab: Lab, server: str) -> Iterator[None]:
    pid = lab.ready(server).pid
    assert pid is not None
    with frozen(pid):
        yield


@pytest.mark.parametrize("server", ["s3", "valkey"])
@pytest.mark.parametrize("away", [killed, standing_still])
def test_work_is_accepted_without_a_server_that_only_publishing_needs(
    lab: Lab, stories: list[Story], server: str, away: Callable[[Lab, str], AbstractContextManager[None]]
) -> None:
    """/readyz answers 200, drafts and publications are taken; all of it is live when the server is back."""
    lab.quiet()
    story = stories[0]
    with away(lab, server), Client(lab) as client:
        draft = client.insist("POST", "/v1/articles", json=lab.draft())
        new = client.insist("POST", f"/v1/articles/{draft['id']}/publish", json={})
        changed = publish(lab, client, story)
        assert lab.client("nobody").get("/readyz").status_code == 200
    for publication in (new["id"], changed.publication):
        lab.wait_proven(publication)
    until(partial(shows, lab, story), what="the page")
