"""What happens to an article after it is live: corrections, new words, a new address, other editions."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.e2e.conftest import Page, Reader


def paragraph(text: str) -> dict[str, Any]:
    return {"type": "paragraph", "html": text}


def test_a_new_revision_replaces_the_page_at_the_edge(stack: Stack, reader: Reader) -> None:
    """A second publication is what readers get at once, with the time of the change; nobody gets the old."""
    first = stack.publish_and_wait()
    stack.fetch(first["url"])
    assert stack.fetch(first["url"]).headers["x-cache"] == "HIT"
    changed = f"عنوان مصحح {stack.word()}"
    second = stack.publish_change(first, headline=changed)
    page = reader.page(first["url"])
    assert page.one("h1.headline").text == changed
    assert first["headline"] not in page.text
    assert page.one("time.modified").get("datetime")
    assert (second["live_revision"], second["published_at"]) == (2, first["published_at"])
    assert second["modified_at"] > first["modified_at"]
    stack.served("/politics/", holds=changed)


def test_another_page_stays_in_the_cache(stack: Stack) -> None:
    """Publishing one article purges what it changes, and leaves the rest of the edge warm."""
    changed = stack.publish_and_wait()
    about = stack.publish_and_wait(kind="page", slug=f"about-{stack.word()}")
    stack.fetch(about["url"])
    before = stack.fetch(about["url"])
    stack.publish_change(changed, body=[paragraph(f"نص جديد {stack.word()}")])
    after = stack.fetch(about["url"])
    assert (before.headers["x-cache"], after.headers["x-cache"]) == ("HIT", "HIT")
    assert int(after.headers["age"]) >= int(before.headers["age"])


def test_a_correction_is_shown_and_moves_the_time(stack: Stack, reader: Reader) -> None:
    """A correction stands on the page below the body, is listed by the API, and counts as an update."""
    made = stack.publish_and_wait()
    text = f"ورد في نسخة سابقة خطأ في الرقم {stack.word()}"
    answer = stack.editor.post(
        f"/v1/articles/{made['id']}/corrections", json={"kind": "correction", "text": text}
    )
    assert answer.status_code == 202
    stack.served(made["url"], holds=text)
    page = reader.page(made["url"])
    assert text in page.words("section.corrections")
    assert page.place("div.article-body") < page.place("section.corrections") < page.place("footer nav")
    after = stack.article(made["id"])
    assert [item["text"] for item in after["corrections"]] == [text]
    assert after["modified_at"] > made["modified_at"]
    assert page.one("time.modified").get("datetime")


def lastmod(stack: Stack, url: str) -> str | None:
    """What the month's sitemap says of an address; None while it does not name it."""
    found = re.findall(r"/sitemaps/articles-[\d-]+\.xml", stack.fetch("/sitemap.xml").text)
    for path in found:
        entry = re.search(rf"<loc>{re.escape(url)}</loc>\s*<lastmod>(.*?)</lastmod>", stack.fetch(path).text)
        if entry:
            return entry[1]
    return None


def test_a_minor_change_moves_no_time(stack: Stack, reader: Reader) -> None:
    """A minor change is published, but neither modified_at nor the sitemap's lastmod moves."""
    made = stack.publish_and_wait()
    before = stack.until(lambda: lastmod(stack, made["url"]), what="the sitemap to name the article")
    word = stack.word()
    stack.change(made, body=[paragraph(f"حرف واحد تغير {word}")])
    stack.wait_proven(stack.publish(made["id"], change="minor")["id"])
    page = reader.page(made["url"])
    assert word in page.text
    assert not page.all("time.modified")
    assert stack.article(made["id"])["modified_at"] == made["modified_at"]
    later = stack.publish_and_wait()
    stack.until(lambda: lastmod(stack, later["url"]), what="the sitemap to be written again")
    assert lastmod(stack, made["url"]) == before


def test_a_new_slug_leaves_a_redirect(stack: Stack, reader: Reader) -> None:
    """An explicit slug moves the page; the old address, the permalink and the fronts lead to the new one."""
    made = stack.publish_and_wait()
    moved = stack.publish_change(made, slug=f"moved-{stack.word()}")
    assert moved["url"] != made["url"]
    assert reader.page(moved["url"]).one("link[rel='canonical']").get("href") == moved["url"]
    for old in (made["url"], made["short_url"]):
        stack.until(partial(redirected, stack, old, moved["url"]), what=f"{old} to redirect")
    stack.served("/", holds=moved["url"].removeprefix(stack.site))


def redirected(stack: Stack, url: str, target: str) -> bool:
    answer = stack.fetch(url)
    return answer.status_code == 301 and answer.headers["location"] == target


def test_a_moved_section_leaves_a_redirect(stack: Stack) -> None:
    """An article that changes its section leaves the old front, and its old address redirects."""
    made = stack.publish_and_wait(section="politics")
    moved = stack.publish_change(made, section="sport")
    assert "/sport/" in moved["url"]
    stack.until(lambda: redirected(stack, made["url"], moved["url"]), what="the old address to redirect")
    stack.served("/sport/", holds=made["headline"])
    stack.until(
        lambda: made["headline"] not in stack.fetch("/politics/").text, what="the old front to drop it"
    )


def test_the_slug_is_frozen_by_the_first_publication(stack: Stack) -> None:
    """A new headline alone never moves a published page."""
    made = stack.publish_and_wait()
    assert stack.publish_change(made, headline=f"عنوان آخر تمامًا {stack.word()}")["url"] == made["url"]


def test_old_permalinks_redirect(stack: Stack) -> None:
    """An alias of an article leads to it."""
    alias = f"/2019/03/{stack.word()}.html"
    made = stack.publish_and_wait(aliases=[alias])
    stack.until(lambda: redirected(stack, alias, made["url"]), what="the alias to redirect")


def test_an_alias_may_come_later(stack: Stack) -> None:
    """A live article's next revision can add an alias, which then leads to it."""
    made = stack.publish_and_wait(aliases=[f"/2019/03/{stack.word()}.html"])
    alias = f"/2019/04/{stack.word()}.html"
    stack.publish_change(made, aliases=[*made["aliases"], alias])
    stack.until(lambda: redirected(stack, alias, made["url"]), what="the new alias to redirect")


def warnings_of(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(item["pointer"], item["code"]) for item in answer["warnings"]]


def test_an_alias_on_a_live_page_is_warned_of(stack: Stack) -> None:
    """An alias that is another article's page does nothing: draft and publication say so."""
    other = stack.publish_and_wait()
    path = f"/politics/{other['slug']}/"
    made = stack.create(aliases=[f"/2019/05/{stack.word()}.html", path])
    assert warnings_of(made) == [("/aliases/1", "path_taken")]
    assert other["id"] in made["warnings"][0]["detail"]
    publication = stack.publish(made["id"])
    assert warnings_of(publication) == [("/aliases/1", "path_taken")]
    stack.wait_proven(publication["id"])
    assert stack.fetch(path).status_code == 200


def test_taking_anothers_alias_is_warned_of(stack: Stack) -> None:
    """A slug or an alias that leads to another article takes it over, and the editor is told beforehand."""
    slug, alias = stack.word(), f"/2019/06/{stack.word()}.html"
    early = stack.create(slug=slug)
    assert warnings_of(early) == []
    other = stack.publish_and_wait(aliases=[f"/politics/{slug}/", alias])
    for path in (f"/politics/{slug}/", alias):
        stack.until(partial(redirected, stack, path, other["url"]), what="the alias to redirect")
    later = stack.change(early, slug=slug, aliases=[alias])
    taken = [("/slug", "alias_taken"), ("/aliases/0", "alias_taken")]
    assert warnings_of(later) == taken
    publication = stack.publish(early["id"])
    assert warnings_of(publication) == taken
    stack.wait_proven(publication["id"])
    assert stack.fetch(f"/politics/{slug}/").status_code == 200
    assert warnings_of(stack.change(stack.article(early["id"]))) == []


def test_the_newest_of_many_publications_wins(stack: Stack, reader: Reader) -> None:
    """Five revisions published in a row end with the last one live and the others superseded."""
    made = stack.create()
    publications = [stack.publish(made["id"])["id"]]
    for number in range(2, 6):
        stack.change(made, headline=f"نسخة {number} {stack.word()}")
        publications.append(stack.publish(made["id"])["id"])
    stack.wait_proven(publications[-1])
    article = stack.article(made["id"])
    assert article["live_revision"] == 5
    assert reader.page(article["url"]).one("h1.headline").text == article["headline"]
    states = [stack.publication(one)["state"] for one in publications]
    assert states == [*["superseded"] * 4, "live"]


def test_an_older_revision_published_again_becomes_a_new_one(stack: Stack, reader: Reader) -> None:
    """Publishing revision 1 after revision 2 makes revision 3 with the content of 1."""
    made = stack.publish_and_wait()
    stack.publish_change(made, headline=f"عنوان ثان {stack.word()}")
    publication = stack.publish(made["id"], revision=1)
    assert publication["revision"] == 3
    stack.wait_proven(publication["id"])
    assert reader.page(made["url"]).one("h1.headline").text == made["headline"]


def test_distribution_keeps_an_article_off_fronts_feeds_and_sitemaps(stack: Stack, reader: Reader) -> None:
    """What an editor keeps off fronts, feeds and sitemaps is nowhere there, but at its own address."""
    hidden = stack.publish_and_wait(
        distribution={"front": False, "feeds": False, "sitemap": False, "index": False}
    )
    shown = stack.publish_and_wait()
    path = shown["url"].removeprefix(stack.site)
    for listing in ("/", "/politics/", "/feeds/rss.xml", "/feeds/feed.json", "/sitemaps/news.xml"):
        answer = stack.served(listing, holds=path)
        assert hidden["url"].removeprefix(stack.site) not in answer.text, listing
    assert "noindex" in reader.page(hidden["url"]).meta("robots")


def test_a_page_stands_at_the_root_and_in_no_listing(stack: Stack) -> None:
    """A static page has an address without a section and never appears among the news, only at the foot."""
    slug = f"privacy-{stack.word()}"
    page = stack.publish_and_wait(kind="page", slug=slug)
    assert page["url"] == f"{stack.site}/{slug}/"
    news = stack.publish_and_wait()
    for listing in ("/", "/akhbar/", "/feeds/rss.xml"):
        answer = stack.served(listing, holds=news["url"].removeprefix(stack.site))
        assert slug not in answer.text.partition("</main>")[0]


def test_an_external_id_may_hold_any_sign(stack: Stack) -> None:
    """Ids with a slash, a question mark or a space work in the address, and in nashr submit."""
    external = f"desk/{stack.word()}?v=1 أ"
    path = f"/v1/articles/by-external-id/{quote(external, safe='')}"
    created = stack.editor.put(path, json=stack.draft())
    assert (created.status_code, created.json()["external_id"]) == (201, external)
    file = stack.data / "submitted.json"
    file.write_text(json.dumps(stack.draft(external_id=external, site="khabar")))
    assert f"{created.json()['id']} revision 2\n" in stack.command("submit", str(file))


def test_a_cms_keeps_its_own_ids(stack: Stack, reader: Reader) -> None:
    """PUT by external id creates, then updates with If-Match only; the same id finds the same article."""
    external = f"cms-{stack.word()}"
    path = f"/v1/articles/by-external-id/{external}"
    created = stack.editor.put(path, json=stack.draft())
    assert (created.status_code, created.json()["external_id"]) == (201, external)
    assert stack.editor.put(path, json=stack.draft()).status_code == 428
    stale = stack.editor.put(path, json=stack.draft(), headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    draft = stack.draft()
    updated = stack.editor.put(path, json=draft, headers={"If-Match": created.headers["etag"]})
    assert (updated.status_code, updated.json()["revision"]) == (200, 2)
    assert updated.json()["id"] == created.json()["id"]
    found = stack.editor.get("/v1/articles", params={"external_id": external}).json()["items"]
    assert [item["id"] for item in found] == [created.json()["id"]]
    stack.wait_proven(stack.publish(created.json()["id"])["id"])
    url = stack.article(created.json()["id"])["url"]
    assert reader.page(url).one("h1.headline").text == draft["headline"]


def in_english(stack: Stack, arabic: dict[str, Any]) -> dict[str, Any]:
    """The other site's live edition of an article."""
    return stack.publish_and_wait(
        who="stranger",
        headline=f"The session in English {stack.word()}",
        standfirst="What was said.",
        translation_of=arabic["id"],
        body=[paragraph("The session began in the morning and ended at night.")],
    )


def test_editions_name_each_other(stack: Stack, reader: Reader) -> None:
    """A translation on another site and its original carry hreflang to each other."""
    arabic = stack.publish_and_wait()
    english = in_english(stack, arabic)

    def named(url: str) -> Page | None:
        page = reader.page(url)
        return page if {arabic["url"], english["url"]} <= set(page.alternates().values()) else None

    for url, language, direction in ((english["url"], "en", "ltr"), (arabic["url"], "ar", "rtl")):
        page = stack.until(partial(named, url), what=f"hreflang on {url}")
        alternates = page.alternates()
        assert (alternates["x-default"], alternates["en"]) == (arabic["url"], english["url"])
        assert any(tag.startswith("ar") and to == arabic["url"] for tag, to in alternates.items())
        assert (page.root.get("lang") or "").startswith(language)
        assert page.root.get("dir") == direction


def test_a_removed_edition_is_named_no_more(stack: Stack, reader: Reader) -> None:
    """When one edition leaves its site, the other drops its hreflang."""
    arabic = stack.publish_and_wait()
    english = in_english(stack, arabic)
    stack.served(arabic["url"], holds=english["url"])
    answer = stack.stranger.post(
        f"/v1/articles/{english['id']}/unpublish", json={"kind": "kill", "reason": "error"}
    )
    assert answer.status_code == 202
    stack.until(lambda: not reader.page(arabic["url"]).alternates(), what="the original to stand alone")


def test_going_back_shows_the_old_words_again(stack: Stack, reader: Reader) -> None:
    """A rollback is one call: readers get the old text at the old address, as an update of this hour."""
    first = stack.publish_and_wait()
    wrong = stack.publish_change(first, headline=f"خطأ {stack.word()}", body=[paragraph("نص خاطئ.")])
    assert reader.page(first["url"]).one("h1.headline").text == wrong["headline"]
    answer = stack.editor.post(
        f"/v1/articles/{first['id']}/rollback", json={"revision": 1},
        headers={"If-Match": f'"{wrong["revision"]}"'},
    )  # fmt: skip
    assert answer.status_code == 202, answer.text
    stack.wait_proven(answer.json()["id"])
    page = reader.page(first["url"])
    assert page.one("h1.headline").text == first["headline"]
    assert "نص خاطئ" not in page.text
    now = stack.article(first["id"])
    assert (now["live_revision"], now["url"]) == (3, first["url"])
    assert now["published_at"] == first["published_at"]
    assert now["modified_at"] > wrong["modified_at"]
    stack.served("/politics/", holds=first["headline"])
