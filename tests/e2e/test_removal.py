"""Taking articles off the site and putting them back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from tests.e2e.conftest import own_card

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.e2e.conftest import Reader


def remove(stack: Stack, article: dict[str, Any], kind: str, **more: Any) -> dict[str, Any]:
    """A removal that is in effect."""
    answer = stack.editor.post(
        f"/v1/articles/{article['id']}/unpublish", json={"kind": kind, "reason": "خطأ", **more}
    )
    assert answer.status_code == 202, answer.text
    assert answer.json()["kind"] == kind
    found = stack.wait_final(answer.json()["id"], seconds=180)
    assert found["state"] == "live", found
    return found


def gone_from_listings(stack: Stack, article: dict[str, Any]) -> None:
    """Waits until no front, feed or sitemap names the article."""
    path = article["url"].removeprefix(stack.site)
    for listing in (
        "/",
        "/politics/",
        "/akhbar/",
        "/feeds/rss.xml",
        "/feeds/feed.json",
        "/sitemaps/news.xml",
    ):
        stack.until(partial(_lacks, stack, listing, path), what=f"{listing} to drop it")


def _lacks(stack: Stack, listing: str, path: str) -> bool:
    return path not in stack.fetch(listing).text


def test_unpublished_is_not_found(stack: Stack, reader: Reader) -> None:
    """An unpublished article is the site's not-found page, at its address and its permalink, and unlisted."""
    made = stack.publish_and_wait()
    stack.served("/", holds=made["headline"])
    remove(stack, made, "unpublish")
    page = stack.served(made["url"], holds="", status=404)
    assert made["headline"] not in page.text
    assert 'dir="rtl"' in page.text
    gone_from_listings(stack, made)
    stack.served(made["short_url"], holds="", status=404)
    after = stack.article(made["id"])
    assert (after["status"], after["live_revision"]) == ("unpublished", None)


def test_killed_is_gone_with_a_notice(stack: Stack) -> None:
    """A killed article answers 410 with the public notice and none of its words."""
    made = stack.publish_and_wait()
    notice = f"سُحب هذا الخبر لأن «مصدره» خاطئ {stack.word()}"
    remove(stack, made, "kill", public_notice=notice)
    page = stack.served(made["url"], holds=notice, status=410)
    assert made["headline"] not in page.text
    assert "noindex" in page.text
    stack.served(made["short_url"], holds=notice, status=410)
    gone_from_listings(stack, made)
    assert stack.article(made["id"])["status"] == "killed"


def test_a_removed_article_can_return(stack: Stack, reader: Reader) -> None:
    """A new revision brings a killed article back to its address and its listings, its date as before."""
    made = stack.publish_and_wait()
    remove(stack, made, "kill", public_notice="سُحب")
    stack.served(made["url"], holds="", status=410)
    back = stack.publish_change(made, headline=f"عاد الخبر {stack.word()}")
    assert (back["status"], back["url"], back["published_at"]) == ("live", made["url"], made["published_at"])
    assert reader.page(made["url"]).one("h1.headline").text == back["headline"]
    stack.served("/", holds=back["headline"])
    stack.served(made["short_url"], holds="", status=301)


def test_what_was_killed_never_returns_as_it_was(stack: Stack) -> None:
    """No revision from before a kill or a takedown is published again, by itself or by number: 409."""
    for kind in ("kill", "takedown"):
        made = stack.publish_and_wait()
        stack.change(made, headline=f"مسودة لم تُنشر {stack.word()}")
        remove(stack, made, kind)
        for wanted in ({}, {"revision": 1}, {"publish_at": "2099-01-01T00:00:00Z"}):
            answer = stack.editor.post(f"/v1/articles/{made['id']}/publish", json=wanted)
            assert (answer.status_code, answer.json()["code"]) == (409, "removed")
            assert "revision 2" in answer.json()["detail"]
        assert stack.fetch(made["url"]).status_code in {410, 451}
    back = stack.publish_change(made, headline=f"صيغة جديدة {stack.word()}")
    answer = stack.editor.post(f"/v1/articles/{made['id']}/publish", json={"revision": 1})
    assert (back["status"], answer.status_code) == ("live", 409)


def test_removal_wins_over_a_publication_under_way(stack: Stack) -> None:
    """What was published and killed in one breath never shows: the publication ends superseded."""
    made = stack.create(hero={"asset": stack.upload()["id"], "alt": "صورة"})
    publication = stack.publish(made["id"])
    answer = stack.editor.post(
        f"/v1/articles/{made['id']}/unpublish", json={"kind": "kill", "reason": "خطأ", "public_notice": "سُحب"}
    )
    assert answer.status_code == 202
    assert stack.wait_final(answer.json()["id"])["state"] == "live"
    assert stack.wait_final(publication["id"])["state"] == "superseded"
    assert stack.fetch(f"/politics/{made['slug']}/").status_code == 410


def test_a_second_removal_shows_at_every_address(stack: Stack) -> None:
    """Unpublished, about to return, then taken down instead: page, permalink and alias say so."""
    alias = f"/old-{stack.word()}/"
    made = stack.publish_and_wait(aliases=[alias])
    stack.served(alias, holds="", status=301)
    remove(stack, made, "unpublish")
    stack.served(made["short_url"], holds="", status=404)
    stack.publish(made["id"], publish_at="2099-01-01T00:00:00Z")
    remove(stack, made, "takedown")
    for address in (made["url"], made["short_url"], alias):
        stack.served(address, holds="", status=451)
    assert stack.article(made["id"])["status"] == "taken_down"


def test_there_is_nothing_to_remove_of_a_draft(stack: Stack) -> None:
    """Unpublishing what is not live is refused with 409 not_live."""
    made = stack.create()
    answer = stack.editor.post(
        f"/v1/articles/{made['id']}/unpublish", json={"kind": "unpublish", "reason": "لا شيء"}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "not_live")


def test_a_takedown_leaves_nothing_behind(stack: Stack, reader: Reader) -> None:
    """After a takedown page, renditions and card are gone; a photo that another article uses stays."""
    shared = stack.upload()
    made = stack.publish_and_wait(hero={"asset": stack.upload()["id"], "alt": "صورة"})
    other = stack.publish_and_wait(
        hero={"asset": shared["id"], "alt": "صورة"},
    )
    both = stack.publish_change(
        made, body=[*made["body"], {"type": "image", "asset": shared["id"], "alt": "صورة"}]
    )
    page = reader.page(both["url"])
    drawn = stack.until(lambda: own_card(stack, reader, both), what="the card")
    own = [page.one("figure.hero img").get("src") or "", drawn]
    kept = reader.page(other["url"]).one("figure.hero img").get("src") or ""
    assert {stack.fetch(url).status_code for url in own} == {200}
    gone = remove(stack, both, "takedown")
    assert [step["state"] for step in gone["steps"] if step["kind"] == "remove"] == ["done"]
    check_report(stack, both, gone, files=own)
    assert stack.fetch(made["url"]).status_code in {410, 451}
    assert [stack.fetch(url).status_code for url in own] == [404, 404]
    assert stack.fetch(kept).status_code == 200
    assert stack.article(made["id"])["status"] == "taken_down"


def check_report(stack: Stack, made: dict[str, Any], gone: dict[str, Any], *, files: list[str]) -> None:
    """The publication lists every address that showed the article, and what it answers: nothing of it."""
    assert [check for check in gone["checks"] if not check["ok"]] == []
    told = {check["url"]: (check["what"], check["status"]) for check in gone["checks"]}
    assert told[made["url"]] == ("page", 451)
    assert told[made["short_url"]] == ("permalink", 451)
    assert {told[urljoin(made["url"], url)][1] for url in files} == {404}
    for path, what in (("/", "home"), ("/politics/", "section"), ("/feeds/rss.xml", "rss")):
        assert told[f"{stack.site}{path}"] == (what, 200)
    assert {"rendition", "card"} <= {what for what, _ in told.values()}
    assert stack.wait_proven(gone["id"])["receipt"]["url"] == made["url"]


def test_an_erased_photo_says_so(stack: Stack) -> None:
    """Erasure destroys the photo: the API says so, no article can use it, and a new upload brings it back.

    That it was written and taken down, and by whom, stays in the audit trail, without a word of it.
    """
    data, word = stack.photo(), stack.word()
    photo = stack.upload(data)
    made = stack.publish_and_wait(hero={"asset": photo["id"], "alt": "صورة"}, headline=f"سر {word}")
    remove(stack, made, "takedown", erase=True)
    trail = stack.admin.get("/v1/admin/audit", params={"subject": made["id"]})
    actions = [item["action"] for item in trail.json()["items"]]
    assert actions == ["article.takedown", "article.publish", "article.create"]
    assert word not in trail.text
    gone = stack.editor.get(f"/v1/assets/{photo['id']}").json()
    assert (gone["state"], gone["renditions"], gone["placeholder"]) == ("erased", [], None)
    assert gone["error"]
    other = stack.create(hero={"asset": photo["id"], "alt": "صورة"})
    answer = stack.editor.post(f"/v1/articles/{other['id']}/publish", json={})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/hero/asset")
    again = stack.upload(data)
    assert (again["id"], again["state"], again["error"]) == (photo["id"], "processing", None)
    stack.wait_proven(stack.publish(other["id"])["id"])
