"""One stack for all faults: every failpoint is built in and quiet until a test arms it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.collector import Collector
from tests.faults.lab import Lab, opened
from tests.faults.newsroom import Newsroom, Story, open_story


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs them all: they share the stack and hurt it."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("faults"))


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    """Where the lab's traces go."""
    with Collector() as made:
        yield made


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Lab]:
    with opened(tmp_path_factory.mktemp("lab"), traces_url=collector.url, webhooks_reach="loopback") as made:
        yield made


@pytest.fixture(scope="session")
def stories(lab: Lab) -> list[Story]:
    return [open_story(lab) for _ in range(2)]


@pytest.fixture
def newsroom(lab: Lab, stories: list[Story], request: pytest.FixtureRequest) -> Iterator[Newsroom]:
    """Its seed is the test's name: the same test makes the same choices. A JUnit report says how it went."""
    made = Newsroom(lab, stories, seed=sum(request.node.name.encode()))
    yield made
    request.node.user_properties += [
        ("healed_seconds", round(made.healed_after, 1)),
        ("slowest_call_seconds", round(made.slowest, 1)),
        ("accepted", made.accepted()),
    ]
