"""One stack for all faults: every failpoint is built in and quiet until a test arms it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import processes_in, until
from tests.faults.collector import Collector
from tests.faults.lab import FAILPOINTS, SITE, Lab, nashr
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
    folder = tmp_path_factory.mktemp("lab")
    data = folder / "data"
    (data / "failpoints").mkdir(parents=True)
    for name in FAILPOINTS:
        (data / "failpoints" / name).touch()
    staged = ",".join(f"{name}={action}" for name, action in FAILPOINTS.items())
    try:
        started = nashr(
            "up", "--detach", "--api-port", "0", "--site-port", "0", data=data, failpoints=staged,
            traces_url=collector.url,
        )  # fmt: skip
        assert started.returncode == 0, started.stdout + started.stderr
        made = _opened(data, folder)
        yield made
        made.close()
    finally:
        nashr("down", data=data)
        assert processes_in(data) == []
        for part in ("postgres", "s3", "valkey"):
            shutil.rmtree(data / part, ignore_errors=True)


def _opened(data: Path, folder: Path) -> Lab:
    endpoints = json.loads((data / "endpoints.json").read_text())
    (folder / "khabar.toml").write_text(SITE, "utf-8")
    applied = nashr("site", "apply", str(folder / "khabar.toml"), "--base-url", endpoints["site"], data=data)
    assert applied.returncode == 0, applied.stdout + applied.stderr
    token = endpoints["admin_token"]
    made = Lab(data, endpoints["api"], endpoints["site"].rstrip("/"), {"admin": token, "editor": token})
    until(lambda: made.fetch("/").status_code == 200, what="the site's front page")
    return made


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
