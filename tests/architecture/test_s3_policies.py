"""The policies in infra/s3 give each service's key what the service does with the store, and no more."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "infra" / "s3"
SITE, PRIVATE = "arn:aws:s3:::SITE-BUCKET", "arn:aws:s3:::PRIVATE-BUCKET"
NAMES = {"ingest", "images", "cards", "delivery", "commands"}


def may(service: str, action: str, resource: str) -> bool:
    """Whether a policy allows it; in S3 a star stands for any characters, slashes too."""
    policy = json.loads((FOLDER / f"{service}.json").read_text())
    return any(
        f"s3:{action}" in one["Action"] and any(fnmatchcase(resource, name) for name in one["Resource"])
        for one in policy["Statement"]
    )


def test_there_is_a_policy_for_whoever_uses_the_store() -> None:
    """And none besides."""
    assert {path.stem for path in FOLDER.glob("*.json")} == NAMES


@pytest.mark.parametrize("service", sorted(NAMES))
def test_no_policy_is_open(service: str) -> None:
    """Actions are named one by one, on the two buckets only; nobody changes a bucket's policy."""
    policy = json.loads((FOLDER / f"{service}.json").read_text())
    for one in policy["Statement"]:
        assert one["Effect"] == "Allow"
        assert not any("*" in action or "Policy" in action or "Acl" in action for action in one["Action"])
        assert all(name.startswith((SITE, PRIVATE)) for name in one["Resource"])


@pytest.mark.parametrize(
    ("service", "action", "resource"),
    [
        ("ingest", "PutObject", f"{PRIVATE}/khabar/originals/ab/abcd"),
        ("ingest", "GetObject", f"{SITE}/khabar/cards/x.jpg"),
        ("ingest", "GetObject", f"{SITE}/cards/x.jpg"),
        ("images", "GetObject", f"{PRIVATE}/khabar/originals/ab/abcd"),
        ("images", "PutObject", f"{SITE}/khabar/media/x.jpg"),
        ("cards", "GetObject", f"{PRIVATE}/khabar/fonts/x.ttf"),
        ("cards", "PutObject", f"{SITE}/cards/x.jpg"),
        ("delivery", "PutObject", f"{SITE}/khabar/politics/x/index.html"),
        ("delivery", "DeleteObject", f"{PRIVATE}/khabar/originals/ab/abcd"),
        ("delivery", "ListBucket", PRIVATE),
    ],
)
def test_what_a_service_does_it_may(service: str, action: str, resource: str) -> None:
    """Its own keys, with a site's prefix or without."""
    assert may(service, action, resource)


@pytest.mark.parametrize(
    ("service", "action", "resource"),
    [
        ("ingest", "PutObject", f"{SITE}/khabar/politics/x/index.html"),
        ("ingest", "GetObject", f"{PRIVATE}/khabar/originals/ab/abcd"),
        ("ingest", "DeleteObject", f"{PRIVATE}/khabar/originals/ab/abcd"),
        ("ingest", "PutObject", f"{PRIVATE}/khabar/themes/x.json"),
        ("images", "PutObject", f"{SITE}/khabar/index.html"),
        ("images", "PutObject", f"{PRIVATE}/khabar/originals/ab/abcd"),
        ("cards", "GetObject", f"{PRIVATE}/khabar/originals/ab/abcd"),
        ("cards", "PutObject", f"{SITE}/khabar/media/x.jpg"),
        ("delivery", "PutObject", f"{PRIVATE}/khabar/originals/ab/abcd"),
        ("commands", "DeleteBucket", SITE),
    ],
)
def test_what_a_service_does_not_do_it_may_not(service: str, action: str, resource: str) -> None:
    """A stolen key of one service is not a key of another."""
    assert not may(service, action, resource)
