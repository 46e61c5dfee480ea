"""Nothing of an embargoed story can be found before its hour, wherever somebody looks."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

from tests.e2e.test_schedule import LISTINGS, ahead

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Stack
    from tests.e2e.conftest import Behind

FILES = ("khabar/media/", "khabar/cards/", "khabar/assets/")
UNGUESSABLE = re.compile(r"[A-Za-z0-9_-]{16,}\.(?:jpe?g|webp|avif|png|css|woff2)")


def embargoed(stack: Stack, photo: bytes) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A story that waits for its hour with everything made: photo, links, card."""
    asset = stack.upload(photo)
    made = stack.create(
        hero={"asset": asset["id"], "alt": "صورة"}, embargo_until=ahead(3600), keywords=[stack.word()],
        aliases=[f"/old/{stack.word()}"],
    )  # fmt: skip
    publication = stack.publish(made["id"], publish_at=made["embargo_until"])
    assert publication["state"] == "scheduled"
    stack.until(lambda: _is_prepared(stack, publication["id"]), what="its inputs to be made")
    return stack.article(made["id"]), asset, publication


def _is_prepared(stack: Stack, publication: str) -> bool:
    steps = [step for step in stack.publication(publication)["steps"] if step["kind"] in {"images", "cards"}]
    return bool(steps) and all(step["state"] == "done" for step in steps)


def everything(behind: Behind) -> Iterator[tuple[str, dict[str, str], bytes]]:
    """Every object of the site's bucket: key, metadata, body."""
    for page in behind.store.get_paginator("list_objects_v2").paginate(Bucket=behind.bucket):
        for item in page.get("Contents", ()):
            found = behind.store.get_object(Bucket=behind.bucket, Key=item["Key"])
            yield item["Key"], found["Metadata"], found["Body"].read()


def test_nothing_of_an_embargoed_story_can_be_found(stack: Stack, behind: Behind) -> None:
    """Not on the site, in the bucket, in feeds, by the API, in events, nor under a name to be guessed."""
    photo = stack.photo()
    neighbour = stack.publish_and_wait()
    before = {key for key, _, _ in everything(behind)}
    made, asset, publication = embargoed(stack, photo)
    stack.until(lambda: behind.rests("khabar"), what="the site to come to rest", seconds=180)
    words = [made["headline"].split()[-1], made["slug"], made["id"], made["short_url"].rpartition("/")[2]]
    words += [made["keywords"][0], made["aliases"][0].rpartition("/")[2], publication["id"], asset["id"]]
    assert _in_bucket(behind, words) == []
    assert _on_site(stack, made, [*LISTINGS, neighbour["url"]], words) == []
    assert _in_api(stack, made, asset, publication) == []
    assert behind.one("SELECT count(*) FROM event WHERE article = %s", made["id"]) == 0
    assert _to_anyone(stack, behind, asset, photo) == []
    made_for_it = {key for key, _, _ in everything(behind)} - before
    names = {key.rpartition("/")[2] for key in made_for_it if key.startswith(FILES)}
    assert names, "nothing was prepared"
    assert [name for name in names if not UNGUESSABLE.fullmatch(name)] == []
    stack.publish_change(made, embargo_until=None)
    assert _in_bucket(behind, words), "the same look finds it once it is live"
    assert _on_site(stack, made, ["/"], words)


def _in_bucket(behind: Behind, words: list[str]) -> list[str]:
    """Keys, metadata and bodies that say one of the words."""
    return [
        f"{word} in {key}"
        for key, metadata, body in everything(behind)
        for word in words
        if word.encode() in body or word in key or any(word in value for value in metadata.values())
    ]


def _on_site(stack: Stack, made: dict[str, Any], listings: list[str], words: list[str]) -> list[str]:
    """Listings that say a word, and addresses of the story that are there."""
    topic, alias = made["keywords"][0], made["aliases"][0]
    own = (f"/politics/{made['slug']}/", made["short_url"], alias, f"/topics/{topic}/")
    found = [url for url in own if stack.fetch(url).status_code != 404]
    return found + [url for url in listings if any(word in stack.fetch(url).text for word in words)]


def _in_api(
    stack: Stack, made: dict[str, Any], asset: dict[str, Any], publication: dict[str, Any]
) -> list[str]:
    """What the API tells those who have no business with it."""
    paths = (
        f"/v1/articles/{made['id']}", f"/v1/articles/{made['id']}/revisions",
        f"/v1/articles/{made['id']}/related", f"/v1/articles/{made['id']}/cards/story",
        f"/v1/assets/{asset['id']}",
        f"/v1/publications/{publication['id']}", f"/v1/publications/{publication['id']}/events?follow=false",
    )  # fmt: skip
    found = [f"stranger: {path}" for path in paths if stack.stranger.get(path).status_code != 404]
    found += [f"nobody: {path}" for path in paths if stack.client("nobody").get(path).status_code != 401]
    return found


def _to_anyone(stack: Stack, behind: Behind, asset: dict[str, Any], photo: bytes) -> list[str]:
    """Objects that the store gives without credentials under names that follow from the photo."""
    store = behind.store.meta.endpoint_url
    digests = [hashlib.new(name, photo).hexdigest() for name in ("sha256", "sha1", "md5")]
    names = [asset["id"], asset["sha256"], *digests, *(digest[:32] for digest in digests)]
    asked = [f"{store}/{behind.bucket}", f"{store}/{behind.bucket}?list-type=2", f"{store}/nashr-originals"]
    asked += [
        f"{store}/{bucket}/{folder}{name}{ending}"
        for bucket in (behind.bucket, "nashr-originals")
        for folder in ("", "khabar/", *FILES, f"{asset['site']}/originals/")
        for name in names
        for ending in ("", ".jpg", "/640.jpg")
    ]
    originals = behind.store.list_objects_v2(Bucket="nashr-originals").get("Contents", [])
    asked += [f"{store}/nashr-originals/{item['Key']}" for item in originals]
    return [url for url in asked if stack.client("anyone").get(url).status_code == 200]
