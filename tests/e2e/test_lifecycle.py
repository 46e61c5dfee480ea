"""What readers find after a story has moved, grown old or gone: at its addresses, and in every list."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import lxml.etree

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.e2e.conftest import Behind, Reader

REMOVALS = {"unpublish": 404, "kill": 410, "takedown": 451}


def names(stack: Stack, listing: str, path: str) -> bool:
    return path in unquote(stack.fetch(listing).text)


def lacks(stack: Stack, listing: str, path: str) -> bool:
    answer = stack.fetch(listing)
    return answer.status_code in {200, 404} and path not in unquote(answer.text)


def path_of(stack: Stack, article: dict[str, Any]) -> str:
    return unquote(article["url"].removeprefix(stack.site))


def leads(stack: Stack, url: str, target: str) -> bool:
    answer = stack.fetch(url)
    return answer.status_code == 301 and answer.headers["location"] == target


def month_of(article: dict[str, Any]) -> str:
    published = datetime.fromisoformat(article["published_at"]).astimezone(ZoneInfo("Asia/Beirut"))
    return published.strftime("%Y-%m")


def archive(stack: Stack, section: str, article: dict[str, Any]) -> str:
    """The page of the section's month that names the story: a later one where others filled more."""
    base = f"/{section}/archive/{month_of(article)}/"

    def found() -> str | None:
        for number in range(1, 100):
            page = base if number == 1 else f"{base}{number}/"
            if stack.fetch(page).status_code != 200:
                return None
            if names(stack, page, path_of(stack, article)):
                return page
        return None

    return stack.until(found, what=f"{base} or a page after it to name the story")


def lists(stack: Stack, article: dict[str, Any], *, author: str, topic: str) -> Iterable[str]:
    """Everything of the site that lists a story of politics."""
    month = month_of(article)
    yield from ("/", "/politics/", "/akhbar/", f"/authors/{author}/", f"/topics/{topic}/")
    yield from (archive(stack, section, article) for section in ("politics", "akhbar"))
    yield from ("/feeds/rss.xml", "/feeds/atom.xml", "/feeds/feed.json")
    yield from ("/politics/rss.xml", "/akhbar/rss.xml")
    yield from ("/sitemaps/news.xml", f"/sitemaps/articles-{month}.xml")


def test_what_is_removed_is_in_no_list(stack: Stack, reader: Reader) -> None:
    """Unpublished, killed, taken down: 404, 410, 451 at both addresses, and gone from fronts, archives,
    feeds, sitemaps, its author, its topic, and the page of every story that links to it."""
    author, topic = f"a{stack.word()}", stack.word()
    made = stack.editor.put(f"/v1/sites/khabar/authors/{author}", json={"name": "لمى"})
    assert made.status_code == 201, made.text
    gone = {
        kind: stack.publish_and_wait(byline=[{"name": "لمى", "author": author}], keywords=[topic])
        for kind in REMOVALS
    }
    pins = [article["id"] for article in gone.values()]
    body = [{"type": "paragraph", "html": f"فقرة {number}"} for number in range(12)]
    linking = stack.publish_and_wait(related={"pin": pins}, body=body, keywords=[topic])
    everywhere = {
        kind: [*lists(stack, article, author=author, topic=topic), linking["url"]]
        for kind, article in gone.items()
    }
    for kind, article in gone.items():
        for listing in everywhere[kind]:
            there = partial(names, stack, listing, path_of(stack, article))
            stack.until(there, what=f"{listing} to name the story")
    for kind, article in gone.items():
        answer = stack.editor.post(
            f"/v1/articles/{article['id']}/unpublish", json={"kind": kind, "reason": "خطأ"}
        )
        assert answer.status_code == 202, answer.text
    for kind, status in REMOVALS.items():
        for url in (gone[kind]["url"], gone[kind]["short_url"]):
            page = stack.served(url, holds="", status=status)
            assert "noindex" in page.text
            assert gone[kind]["headline"] not in page.text
        for listing in everywhere[kind]:
            away = partial(lacks, stack, listing, path_of(stack, gone[kind]))
            stack.until(away, what=f"{listing} to drop what was removed ({kind})")
    assert reader.complaints(reader.page(linking["url"]).links()) == []


def test_news_leaves_its_sitemap_when_its_two_days_end(stack: Stack, behind: Behind) -> None:
    """Nobody publishes anything at that hour: the sitemap is written again by itself; the month keeps it."""
    old = stack.publish_and_wait()
    path = path_of(stack, old)
    stack.until(partial(names, stack, "/sitemaps/news.xml", path), what="the news sitemap to name it")
    behind.run(
        "UPDATE article SET published_at = now() - interval '48 hours' + interval '12 seconds' WHERE id = %s",
        old["id"],
    )
    later = stack.publish_and_wait()  # the sitemap reads that the first one is old
    stack.until(
        partial(names, stack, "/sitemaps/news.xml", path_of(stack, later)), what="the sitemap to be written"
    )
    left = behind.one(
        "SELECT published_at > now() - interval '48 hours' FROM article WHERE id = %s", old["id"]
    )
    assert not left or names(stack, "/sitemaps/news.xml", path)
    stack.until(partial(lacks, stack, "/sitemaps/news.xml", path), what="the sitemap to drop it by itself")
    assert names(stack, "/sitemaps/news.xml", path_of(stack, later))
    assert stack.fetch(old["url"]).status_code == 200


def test_a_chain_of_moves_is_one_hop(stack: Stack) -> None:
    """From a to b to c, and on into another section: every address that it ever had leads to the last."""
    made = stack.publish_and_wait()
    changes = ({"slug": stack.word()}, {"slug": stack.word()}, {"section": "sport"})
    *between, last = (stack.publish_change(made, **change)["url"] for change in changes)
    before = {made["url"], *between}
    assert len(before - {last}) == 3
    for url in sorted({*before, made["short_url"]}):
        stack.until(partial(leads, stack, url, last), what=f"{url} to lead to {last} at once")
    assert stack.fetch(last).status_code == 200


def test_a_story_that_comes_back_stands_at_its_old_address(stack: Stack) -> None:
    """There and back again: the first address shows it, the one between leads there, nothing loops."""
    made = stack.publish_and_wait()
    away = stack.publish_change(made, section="sport")
    back = stack.publish_change(made, section="politics")
    assert back["url"] == made["url"]
    stack.served(made["url"], holds=made["headline"])
    stack.until(partial(leads, stack, away["url"], made["url"]), what="the address between to lead back")


def test_two_stories_exchange_their_slugs(stack: Stack, reader: Reader) -> None:
    """Each shows itself at the other's old address; the slug that was lent meanwhile leads on."""
    one, two = stack.publish_and_wait(), stack.publish_and_wait()
    lent = stack.publish_change(one, slug=stack.word())
    stack.until(partial(leads, stack, one["url"], lent["url"]), what="the first slug to be free")
    moved = stack.publish_change(two, slug=one["slug"])
    assert moved["url"] == one["url"]
    stack.until(partial(leads, stack, two["url"], one["url"]), what="the second slug to be free")
    swapped = stack.publish_change(one, slug=two["slug"])
    assert swapped["url"] == two["url"]
    for article, url in ((two, one["url"]), (one, two["url"])):
        stack.served(url, holds=article["headline"])
        page = reader.page(url)
        assert page.one("h1.headline").text == article["headline"]
        assert page.one("link[rel='canonical']").get("href") == url
        stack.until(partial(leads, stack, article["short_url"], url), what="the permalink to follow")
    stack.until(partial(leads, stack, lent["url"], two["url"]), what="the lent slug to lead on")


def hreflang(stack: Stack, sitemap: str, url: str) -> list[tuple[str, str]]:
    """(tag, address) of the editions that a sitemap gives for an address."""
    root = lxml.etree.fromstring(stack.fetch(sitemap).content)
    entries = [one for one in root if unquote(str(one.findtext("{*}loc"))) == unquote(url)]
    links = [link for entry in entries for link in entry.findall("{http://www.w3.org/1999/xhtml}link")]
    return [(str(link.get("hreflang")), unquote(str(link.get("href")))) for link in links]


def test_editions_stand_in_each_others_sitemaps(stack: Stack) -> None:
    """Both sites' months name original and translation; when one is removed, the other stands alone again.
    Neither article's lastmod moves."""
    arabic = stack.publish_and_wait()
    english = stack.publish_and_wait(
        who="stranger", headline=f"In English {stack.word()}", translation_of=arabic["id"],
        body=[{"type": "paragraph", "html": "What was said."}],
    )  # fmt: skip
    month = month_of(arabic)
    here, there = unquote(arabic["url"]), unquote(english["url"])
    files = (
        (f"/sitemaps/articles-{month}.xml", here, [("ar-LB", here), ("en", there), ("x-default", here)]),
        (
            f"/other/sitemaps/articles-{month}.xml",
            there,
            [("en", there), ("ar-LB", here), ("x-default", here)],
        ),
    )
    for sitemap, url, wanted in files:
        stack.until(lambda: hreflang(stack, sitemap, url) == wanted, what=f"{sitemap} to name both")  # noqa: B023
    assert stack.article(arabic["id"])["modified_at"] == arabic["modified_at"]
    answer = stack.stranger.post(
        f"/v1/articles/{english['id']}/unpublish", json={"kind": "unpublish", "reason": "error"}
    )
    assert answer.status_code == 202, answer.text
    stack.until(lambda: hreflang(stack, files[0][0], here) == [], what="the original to stand alone")


def test_editions_of_a_page_name_each_other(stack: Stack, reader: Reader) -> None:
    """About in Arabic learns of About in English, though no story leads to either."""
    arabic = stack.publish_and_wait(kind="page", slug=f"about-{stack.word()}")
    english = stack.publish_and_wait(
        who="stranger", kind="page", slug=f"about-{stack.word()}", headline="About us",
        translation_of=arabic["id"], body=[{"type": "paragraph", "html": "Who we are."}],
    )  # fmt: skip
    stack.until(
        lambda: english["url"] in reader.page(arabic["url"]).alternates().values(),
        what="the first page to name the second",
    )
