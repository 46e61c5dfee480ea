"""``nashr explain URL``: what stands at an address of the site, what it was made from, and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import lxml.etree
import pytest

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.e2e.conftest import Reader

NEWS = "{http://www.google.com/schemas/sitemap-news/0.9}"


def explained(stack: Stack, url: str) -> dict[str, Any]:
    return dict(json.loads(stack.command("explain", url, "--json")))


def causes(told: dict[str, Any]) -> list[str]:
    return [reason["cause"] for reason in told["built_for"]]


def test_an_article_names_its_parts_and_its_publication(stack: Stack) -> None:
    """Its revision, photo, card, facts and versions are said, and the publication it was built for."""
    photo = stack.upload()
    article = stack.publish_and_wait(hero={"asset": photo["id"], "alt": "مرفأ"})
    told = explained(stack, article["url"])

    assert told["is"] == "article"
    assert told["page"]["subject"] == article["id"]
    assert told["article"]["live_revision"] == 1
    assert told["versions"]["live"] == told["versions"]["attempted"] > 0
    assert {"body", "teaser", "links", "cards", "photo", "chrome"} <= set(told["made_from"])
    assert [one["asset"] for one in told["photos"]] == [photo["id"]]
    assert told["renditions"]
    assert told["look"]
    assert told["publications"][0]["id"] in causes(told)
    assert told["built_for"][-1]["live"] is True


def test_a_front_names_what_it_was_built_for(stack: Stack) -> None:
    """Home lists the story and says that it was built for it, for which facts; so do feed and sitemap."""
    article = stack.publish_and_wait()
    for path in ("/", "/politics/", "/feeds/rss.xml", "/sitemaps/news.xml"):
        stack.served(path, holds=article["headline"])
        told = explained(stack, f"{stack.site}{path}")
        mine = next(one for one in told["built_for"] if one["cause"] == article["id"])

        assert article["id"] in [one["id"] for one in told["lists"]["shown"]]
        assert mine["by"] == article["headline"]
        assert set(mine["facts"].split()) <= set(told["made_from"])


def test_archive_and_month_are_explained(stack: Stack) -> None:
    """The archive page and the month's sitemap list the story too."""
    article = stack.publish_and_wait(published_at="2025-03-09T12:00:00Z")
    for path in ("/politics/archive/2025-03/", "/sitemaps/articles-2025-03.xml"):
        stack.served(path, holds=article["slug"].split("-")[-1])
        told = explained(stack, f"{stack.site}{path}")
        assert article["id"] in [one["id"] for one in told["lists"]["shown"]]


def test_a_moved_story_is_a_redirect(stack: Stack) -> None:
    """The old address says where it leads, and so does the permalink."""
    article = stack.publish_and_wait()
    moved = stack.publish_change(article, slug=stack.word())
    for url in (article["url"], article["short_url"]):
        stack.served(url, status=301, holds="")
        told = explained(stack, url)
        assert (told["is"], told["leads_to"]) == ("redirect", moved["url"])


def test_a_removed_story_is_a_tombstone(stack: Stack) -> None:
    """What was killed says so, and by which publication."""
    article = stack.publish_and_wait()
    killed = stack.editor.post(
        f"/v1/articles/{article['id']}/unpublish", json={"kind": "kill", "reason": "خطأ"}
    ).json()
    stack.wait_final(killed["id"])
    told = explained(stack, article["url"])

    assert told["is"] == "tombstone"
    assert told["article"]["removal"]["kind"] == "kill"
    assert killed["id"] in causes(told)


def test_what_is_no_page_is_said(stack: Stack) -> None:
    """Nothing, a draft that would be there, a file of the site and a preview are told apart."""
    draft = stack.create()
    made = stack.writer.post(f"/v1/articles/{draft['id']}/previews", json={}).json()
    css = next(iter(explained(stack, f"{stack.site}/")["look"])).removeprefix("khabar")

    assert explained(stack, f"{stack.site}/politics/nothing/")["is"] == "nothing"
    would = explained(stack, f"{stack.site}/politics/{draft['slug']}/")
    assert (would["is"], would["would_be"]["article"]) == ("nothing", draft["id"])
    assert explained(stack, f"{stack.site}{css}")["file"]["pages"] > 0
    told = explained(stack, made["url"])
    assert (told["is"], told["opens"], told["preview"]["id"]) == ("preview", True, made["id"])


def test_people_are_told_in_lines(stack: Stack) -> None:
    """Without --json the same is said in short lines; an address of no site is an error."""
    lines = stack.command("explain", "/", "--site", "khabar").splitlines()

    assert any(line.split() == ["is", "home"] for line in lines)
    assert any(line.startswith("built for") for line in lines)
    with pytest.raises(AssertionError, match="no site has"):
        stack.command("explain", "http://elsewhere.example/")


def shown(stack: Stack, reader: Reader, path: str) -> list[str]:
    """The headlines of a list as readers have them, of its cards, its items, its news: those of tests."""
    if path.endswith(".xml"):
        root = lxml.etree.fromstring(stack.fetch(path).content)
        found = root.findall(".//item/title") or root.findall(f".//{NEWS}title")
        return ours([str(one.text).removeprefix("محتوى مموّل: ") for one in found])
    links = reader.page(f"{stack.site}{path}").all("main h2 a")
    return ours([str(link.text_content()) for link in links])


def ours(headlines: list[str]) -> list[str]:
    """Without other stories, which may have short titles for cards."""
    return [headline for headline in headlines if headline.startswith("خبر رقم ")]


def test_what_is_told_of_a_list_is_what_it_shows(stack: Stack, reader: Reader) -> None:
    """Order and all: pins first, without what is kept out, for fronts, archives, feeds, news, an author."""
    author, month = f"a{stack.word()}", "2025-05"
    stack.editor.put(f"/v1/sites/khabar/authors/{author}", json={"name": "لمى"})
    byline = [{"name": "لمى", "author": author}]
    first = stack.publish_and_wait(section="sport", byline=byline)
    stack.publish_and_wait(section="sport", byline=byline, kind="sponsored")
    kept_out = {"front": False, "feeds": False, "index": False}
    stack.publish_and_wait(section="sport", byline=byline, distribution=kept_out)
    stack.publish_and_wait(section="sport", byline=byline, published_at=f"{month}-09T12:00:00Z")
    pins = stack.editor.get("/v1/sites/khabar/fronts/sport")
    answer = stack.editor.put(
        "/v1/sites/khabar/fronts/sport", json={"pins": [{"article": first["id"], "slot": 1}]},
        headers={"If-Match": pins.headers["etag"]},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    lists = (
        "/", "/sport/", f"/sport/archive/{month}/", "/sport/rss.xml", "/feeds/rss.xml", "/sitemaps/news.xml",
        f"/authors/{author}/",
    )  # fmt: skip
    for path in lists:

        def same(path: str = path) -> bool:
            told = explained(stack, f"{stack.site}{path}")["lists"]["shown"]
            return bool(told) and ours([one["headline"] for one in told]) == shown(stack, reader, path)

        stack.until(same, what=f"{path} to show what is told of it")
    assert explained(stack, f"{stack.site}/sport/")["lists"]["shown"][0]["pinned"] is True
    pins = stack.editor.get("/v1/sites/khabar/fronts/sport")
    stack.editor.put("/v1/sites/khabar/fronts/sport", json={}, headers={"If-Match": pins.headers["etag"]})


def test_lists_without_articles_are_told_too(stack: Stack) -> None:
    """The index names its sitemaps; a topic that has too few stories is the not-found page."""
    word = stack.word()
    stories = [stack.publish_and_wait(keywords=[word]) for _ in range(3)]
    stack.served(f"/topics/{word}/", holds=stories[2]["headline"])
    assert explained(stack, f"{stack.site}/topics/{word}/")["is"] == "topic"
    answer = stack.editor.post(
        f"/v1/articles/{stories[0]['id']}/unpublish", json={"kind": "unpublish", "reason": "خطأ"}
    )
    assert answer.status_code == 202
    stack.served(f"/topics/{word}/", holds="", status=404)
    assert explained(stack, f"{stack.site}/topics/{word}/")["is"] == "not_found"
    assert "/sitemaps/news.xml" in explained(stack, f"{stack.site}/sitemap.xml")["lists"]["shown"]
