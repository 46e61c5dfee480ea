"""Storage that nobody uses goes by itself, and a file that is gone by mistake comes back by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import psycopg
import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

    from tests.conftest import Stack
    from tests.e2e.conftest import Reader


@dataclass(frozen=True)
class Behind:
    """The stack's database and its store, behind nashr's back."""

    database: psycopg.Connection
    store: S3Client
    bucket: str

    def run(self, sql: str, *values: Any) -> None:
        self.database.execute(sql.encode(), values)

    def one(self, sql: str, *values: Any) -> Any:
        found = self.database.execute(sql.encode(), values).fetchone()
        assert found is not None
        return found[0]

    def stored(self, key: str) -> bool:
        try:
            self.store.head_object(Bucket=self.bucket, Key=key)
        except ClientError:
            return False
        return True

    def lose(self, key: str) -> None:
        """The file is gone, from the store and from the manifest."""
        with self.database.transaction():
            self.run("SELECT key FROM object WHERE key = %s FOR UPDATE", key)
            self.run("DELETE FROM asset_use WHERE key = %s", key)
            self.run("DELETE FROM object WHERE key = %s", key)
        self.store.delete_object(Bucket=self.bucket, Key=key)

    def sweep(self, asset: dict[str, Any]) -> None:
        """A grace period passes for what is unused of a photo, and the sweep looks."""
        self.run(
            """UPDATE object SET unused_since = unused_since - interval '31 days' WHERE source = %s
                OR source IN (SELECT key FROM step WHERE kind = 'cards' AND input->>'asset' = %s)""",
            asset["id"], asset["id"],
        )  # fmt: skip
        self.run("UPDATE step SET available_at = now(), dispatched_at = NULL WHERE kind = 'sweep'")
        self.run("NOTIFY nashr_step")

    def swept(self) -> bool:
        """Whether the sweeps that were asked for are over."""
        return not self.one("SELECT count(*) FROM step WHERE kind = 'sweep' AND available_at <= now()")


@pytest.fixture
def behind(stack: Stack) -> Iterator[Behind]:
    words = json.loads((stack.data / "stack.json").read_text())
    client = boto3.client(
        "s3", endpoint_url=words["s3_endpoint"], region_name="us-east-1",
        aws_access_key_id=words.get("s3_access_key", "nashr"),
        aws_secret_access_key=words.get("s3_secret_key", "nashr-secret"),
    )  # fmt: skip
    with psycopg.connect(words["database_url"], autocommit=True) as connection:
        yield Behind(connection, client, words.get("s3_bucket", "nashr-site"))


def use(asset: dict[str, Any]) -> dict[str, Any]:
    return {"asset": asset["id"], "alt": "صورة"}


def key_of(url: str) -> str:
    return f"khabar{urlsplit(url).path}"


def asset_of(stack: Stack, asset: dict[str, Any]) -> dict[str, Any]:
    return dict(stack.editor.get(f"/v1/assets/{asset['id']}").json())


def test_a_photo_that_nothing_shows_is_archived(stack: Stack, reader: Reader, behind: Behind) -> None:
    """After the grace period its files and its card are gone; publishing it again makes it anew."""
    photo = stack.upload()
    made = stack.publish_and_wait(hero=use(photo))
    page = reader.page(made["url"])
    files = [page.one("figure.hero img").get("src") or "", page.meta("og:image")]
    behind.sweep(photo)
    stack.until(behind.swept, what="a sweep that finds all in use")
    assert asset_of(stack, photo)["state"] == "ready"
    stack.publish_change(made, hero=use(stack.upload()))
    stack.until(lambda: not in_use(behind, photo), what="every page to let go of the photo")
    stack.until(lambda: not in_work(behind, photo), what="the end of the work on the photo")
    behind.sweep(photo)
    stack.until(lambda: asset_of(stack, photo)["state"] == "archived", what="the photo to be archived")
    stack.until(behind.swept, what="the end of the sweep")
    assert [behind.stored(key_of(file)) for file in files] == [False, False]
    assert asset_of(stack, photo)["renditions"] == []
    back = stack.publish_change(made, hero=use(photo))
    again = reader.page(back["url"])
    assert again.one("figure.hero img").get("src") == files[0]
    assert reader.complaints(again.links()) == []
    assert behind.stored(key_of(files[0]))


def in_use(behind: Behind, photo: dict[str, Any]) -> bool:
    return bool(
        behind.one(
            "SELECT count(*) FROM asset_use JOIN object USING (key) WHERE object.source = %s", photo["id"]
        )
    )


def in_work(behind: Behind, photo: dict[str, Any]) -> bool:
    """Whether files of the photo are being made, the lighter ones when nothing else waits: it stays then."""
    return bool(
        behind.one(
            "SELECT count(*) FROM step WHERE key = %s AND kind <> 'expire' AND state IN ('ready', 'leased')",
            photo["id"],
        )
    )


def test_a_shared_photo_stays(stack: Stack, reader: Reader, behind: Behind) -> None:
    """A photo of two articles stays whole when one of them is taken down, and when a sweep looks."""
    photo = stack.upload()
    gone, kept = (stack.publish_and_wait(hero=use(photo)) for _ in range(2))
    answer = stack.editor.post(
        f"/v1/articles/{gone['id']}/unpublish", json={"kind": "takedown", "reason": "خطأ"}
    )
    assert stack.wait_final(answer.json()["id"], seconds=180)["state"] == "live"
    behind.sweep(photo)
    stack.until(behind.swept, what="the sweep")
    assert asset_of(stack, photo)["state"] == "ready"
    assert reader.complaints(reader.page(kept["url"]).links()) == []


def test_a_lost_rendition_comes_back(stack: Stack, reader: Reader, behind: Behind) -> None:
    """A page whose photo and card were deleted behind its back is live again with both, without a human."""
    photo = stack.upload()
    made = stack.publish_and_wait(hero=use(photo))
    page = reader.page(made["url"])
    files = [page.one("figure.hero img").get("src") or "", page.meta("og:image")]
    for file in files:
        behind.lose(key_of(file))
    changed = stack.publish_change(made, body=[*made["body"], {"type": "paragraph", "html": stack.word()}])
    stack.until(lambda: all(behind.stored(key_of(file)) for file in files), what="both files")
    after = reader.page(changed["url"])
    assert after.one("figure.hero img").get("src") == files[0]
    stack.until(lambda: "/cards/" in reader.page(changed["url"]).meta("og:image"), what="the card")
    assert reader.complaints(reader.page(changed["url"]).links()) == []
