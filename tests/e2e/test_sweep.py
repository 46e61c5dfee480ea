"""Storage that nobody uses goes by itself, and a file that is gone by mistake comes back by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.e2e.conftest import own_card

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.e2e.conftest import Behind, Reader


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
    drawn = stack.until(lambda: own_card(stack, reader, made), what="the card")
    files = [page.one("figure.hero img").get("src") or "", drawn]
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
    drawn = stack.until(lambda: own_card(stack, reader, made), what="the card")
    files = [page.one("figure.hero img").get("src") or "", drawn]
    for file in files:
        behind.lose(key_of(file))
    changed = stack.publish_change(made, body=[*made["body"], {"type": "paragraph", "html": stack.word()}])
    stack.until(lambda: all(behind.stored(key_of(file)) for file in files), what="both files")
    after = reader.page(changed["url"])
    assert after.one("figure.hero img").get("src") == files[0]
    stack.until(lambda: own_card(stack, reader, changed), what="the card")
    assert reader.complaints(reader.page(changed["url"]).links()) == []
