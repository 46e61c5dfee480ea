"""A worker whose clock is an hour off, by libfaketime."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.conftest import until
from tests.faults.faketime import NoFaketime, off_by
from tests.faults.lab import frozen, second_delivery_worker
from tests.faults.newsroom import Accepted, Client, revise, shows

if TYPE_CHECKING:
    from tests.faults.lab import Lab
    from tests.faults.newsroom import Story

HOUR = 3600


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_a_worker_with_a_wrong_clock_releases_nothing(lab: Lab, stories: list[Story], seconds: int) -> None:
    """It publishes what is due at once, raises an alarm and leaves what is scheduled to one that is right."""
    try:
        wrong = off_by(seconds)
    except NoFaketime as reason:
        pytest.skip(str(reason))
    story, other = stories
    log = lab.data / "logs" / "second.log"
    size = log.stat().st_size if log.exists() else 0
    lab.quiet()
    worker = lab.ready("delivery").pid
    assert worker is not None
    with Client(lab) as client:
        soon = _scheduled(lab, client, story, seconds=2)
        later = _scheduled(lab, client, other, seconds=HOUR // 2)
        with frozen(worker), second_delivery_worker(lab, **wrong):
            until(lambda: b"clock.disagrees" in log.read_bytes()[size:], what="the alarm")
            at_once = lab.publish(lab.create()["id"])["id"]
            until(lambda: lab.publication(at_once)["state"] == "live", what="what waits for no hour")
            assert soon.word not in lab.stored(story.path)
        story.accepted.append(soon)
        until(lambda: shows(lab, story), what="the release by a worker whose clock is right")
        assert lab.publication(later.publication)["state"] == "scheduled"
        assert later.word not in lab.stored(other.path)
        client.insist("POST", f"/v1/publications/{later.publication}/cancel")


def _scheduled(lab: Lab, client: Client, story: Story, *, seconds: int) -> Accepted:
    """The story's next revision, due in so many seconds."""
    word = lab.word()
    number = revise(lab, client, story, word=word)
    body = {"publish_at": (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()}
    found = client.insist("POST", f"/v1/articles/{story.id}/publish", json=body)
    return Accepted(found["id"], number, word)
