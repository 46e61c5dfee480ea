"""The main job, from outside: an article with photos goes in, a complete page and its listings come out."""

from __future__ import annotations

import hashlib
import io
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from tests.conftest import until

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.e2e.conftest import Page, Reader

HEADLINE = """الوزير: «لن نتراجع» عن خطة "الإصلاح" & <b>لن</b> ننتظر… it's time"""
ALT = """لافتة كُتب عليها "نعم" و«لا» — the minister's <desk> & chair"""
NOTE = 'Don\'t mistake «quotes» for "markup"'


@dataclass(frozen=True)
class Story:
    """The article that these tests look at."""

    draft: dict[str, Any]
    article: dict[str, Any]
    publication: dict[str, Any]
    page: Page


def write(stack: Stack) -> dict[str, Any]:
    hero, inline = stack.upload(), stack.upload(focal_x="0.25", focal_y="0.75")
    return stack.draft(
        kicker="عاجل",
        headline=f"{HEADLINE} {stack.word()}",
        standfirst="موجز فيه 'فواصل' و\"اقتباس\" & رمز.",
        dateline="بيروت",
        byline=[{"name": "ليلى حداد"}, {"name": "سامي نصر", "role": "photographer"}],
        hero={"asset": hero["id"], "alt": ALT, "caption": "صورة من الجلسة", "credit": "سامي نصر"},
        body=[
            {"type": "paragraph", "html": "بدأت الجلسة <b>صباحًا</b> & انتهت مساءً."},
            {"type": "paragraph", "html": "وقال الوزير: «لن نتراجع»."},
            {"type": "heading", "level": 2, "text": "ماذا بعد؟"},
            {"type": "paragraph", "language": "en", "html": "The minister's words <i>in English</i>."},
            {"type": "image", "asset": inline["id"], "alt": NOTE, "caption": "القاعة"},
            {"type": "quote", "html": "«هذه خطوة أولى»", "cite": "رئيسة اللجنة"},
            {"type": "list", "ordered": True, "items": ["الصحة", "التعليم"]},
            {"type": "embed", "url": "https://example.org/report", "title": "نص التقرير"},
            {"type": "paragraph", "html": "والختام في الجلسة المقبلة."},
        ],
    )


@pytest.fixture(scope="module")
def story(stack: Stack, reader: Reader) -> Story:
    """Published, proven at the edge, fetched; once what came after the first delivery is there too."""
    draft = write(stack)
    made = stack.create(**draft)
    publication = stack.wait_proven(stack.publish(made["id"])["id"])["id"]
    article = stack.article(made["id"])

    def at_rest() -> Story | None:
        page, found = reader.page(article["url"]), stack.publication(publication)
        served = hashlib.sha256(page.answer.content).hexdigest()
        return Story(draft, article, found, page) if found["receipt"]["sha256"] == served else None

    return until(at_rest, what="the receipt of what is served")


def test_the_page_has_everything_in_order(story: Story) -> None:
    """Logo, navigation, kicker, headline, standfirst, hero, section, byline, times, share, body, footer."""
    order = (
        *("header a.brand img", "header a.brand .name", "header nav", "p.kicker", "h1.headline"),
        *("p.standfirst", "figure.hero img", "figure.hero figcaption", "a.section", "p.byline"),
        *(".dateline", "time.published", "nav.share", "div.article-body", "footer nav"),
    )
    places = [story.page.place(css) for css in order]
    assert places == sorted(places)
    menu = [link.text_content() for link in story.page.all("header nav a")]
    assert menu[1:] == ["كل الأخبار", "سياسة", "رياضة"]
    assert [link.text_content() for link in story.page.all("footer nav.sections a")] == menu
    assert len(story.page.all("nav.share a[href]")) == 5
    assert story.page.words("div.meta a.section") == "سياسة"


def test_the_body_has_every_block_in_order(story: Story) -> None:
    """Paragraphs, heading, figure, quote, list and link card arrive as static HTML, without a script."""
    body = story.page.one("div.article-body")
    tags = [child.tag for child in body if child.tag != "aside"]
    assert tags == ["p", "p", "h2", "p", "figure", "blockquote", "ol", "div", "p"]
    figure = story.page.one("div.article-body figure")
    assert "".join(figure.itertext()).strip().startswith("القاعة")
    assert story.page.one(".embed a").get("href") == "https://example.org/report"
    assert [one.get("type") for one in story.page.all("script")] == ["application/ld+json"]
    assert "Loading" not in story.page.text


def test_words_arrive_as_typed(story: Story) -> None:
    """Quotes, apostrophes, guillemets, ampersands and angle brackets are what the editor typed."""
    assert story.page.one("h1.headline").text == story.draft["headline"]
    assert story.page.one("figure.hero img").get("alt") == ALT
    assert story.page.one("div.article-body figure img").get("alt") == NOTE
    assert story.page.one("p.standfirst").text == story.draft["standfirst"]
    assert story.page.meta("og:title") == story.draft["headline"]
    assert story.page.meta("description") == story.draft["standfirst"]
    assert not story.page.all("h1 b")
    assert "&amp;amp;" not in story.page.text


def test_language_and_direction_are_right(story: Story) -> None:
    """The page is Arabic from right to left; its English passage says so."""
    assert story.page.root.get("lang", "").startswith("ar")
    assert story.page.root.get("dir") == "rtl"
    english = story.page.one("div.article-body p[lang]")
    assert (english.get("lang"), english.get("dir")) == ("en", "ltr")


def test_images_come_in_three_formats_and_known_sizes(story: Story) -> None:
    """Photos have sizes, srcset in WebP and JPEG, a blurred placeholder; only the hero is not lazy."""
    looks = story.page.one("style").text or ""
    for css, lazy in (("figure.hero", None), ("div.article-body figure", "lazy")):
        image = story.page.one(f"{css} img")
        assert int(image.get("width") or 0) > int(image.get("height") or 0) > 0
        assert (image.get("srcset") or "").count("w") >= 3
        look = image.get("class")
        assert look
        assert re.search(rf"\.{re.escape(look)}{{[^}}]*background-image:url\(data:image/", looks)
        assert image.get("loading") == lazy
        assert story.page.all(f"{css} source[type='image/webp']")


def test_every_address_on_the_page_answers(story: Story, reader: Reader) -> None:
    """Images of all sizes, styles, fonts, icons, feeds, links: 200 or a redirect, of the right type."""
    links = story.page.links()
    assert len(links) > 30
    assert {link.kind for link in links} >= {"html", "image", "css", "manifest", "rss", "atom", "json_feed"}
    assert reader.complaints(links) == []


def test_the_social_card_is_a_picture_of_the_promised_size(
    stack: Stack, story: Story, reader: Reader
) -> None:
    """og:image is a JPEG of 1200 x 630 that the head and the API describe rightly.

    A busy machine may draw it after the page went out.
    """
    cards = {}

    def shown() -> Page | None:
        cards.update({item["url"]: item for item in stack.article(story.article["id"])["social_cards"]})
        found = reader.page(story.article["url"])
        return found if found.meta("og:image") in cards else None

    page = stack.until(shown, what="the story's own card")
    url = page.meta("og:image")
    answer = stack.fetch(url)
    assert answer.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(answer.content)) as card:
        assert (card.format, card.size) == ("JPEG", (1200, 630))
    assert (page.meta("og:image:width"), page.meta("og:image:height")) == ("1200", "630")
    assert page.meta("og:image:alt")
    assert page.meta("twitter:card") == "summary_large_image"
    assert cards[url]["bytes"] == len(answer.content)


def test_files_are_immutable_and_pages_are_revalidated(stack: Stack, story: Story) -> None:
    """A rendition may be kept for a year; a page is asked for again, and 304 answers its ETag."""
    image = story.page.one("figure.hero img").get("src") or ""
    assert stack.fetch(image).headers["cache-control"] == "public, max-age=31536000, immutable"
    headers = stack.fetch(story.article["url"]).headers
    assert "max-age=0" in headers["cache-control"]
    assert "stale-while-revalidate" not in headers["cache-control"]
    answer = stack.fetch(story.article["url"], **{"If-None-Match": headers["etag"]})
    assert (answer.status_code, answer.content) == (304, b"")


def test_structured_data_describes_the_article(story: Story) -> None:
    """JSON-LD names a NewsArticle with headline, dates, pictures, a breadcrumb and the organisation."""
    text = json.dumps(story.page.structured(), ensure_ascii=False)
    for word in ("NewsArticle", "BreadcrumbList", "NewsMediaOrganization", "datePublished", "image"):
        assert word in text
    assert story.page.one("link[rel='canonical']").get("href") == story.article["url"]
    assert "max-image-preview:large" in story.page.meta("robots")


def test_the_permalink_redirects_to_the_page(stack: Stack, story: Story) -> None:
    """/a/{short id} answers 301 to the article; the share buttons use it."""
    answer = stack.served(story.article["short_url"], holds="", status=301)
    assert answer.headers["location"] == story.article["url"]
    shares = story.page.one("nav.share a.facebook").get("href") or ""
    assert story.article["short_url"].rsplit("/", 1)[1] in shares


def test_without_its_slash_the_address_redirects(stack: Stack, story: Story) -> None:
    """The address without its last slash, and with escapes in lower case, finds the page."""
    answer = stack.fetch(story.article["url"].rstrip("/"))
    assert (answer.status_code, answer.headers["location"].endswith("/")) == (301, True)
    path = story.article["url"].removeprefix(stack.site)
    assert path != path.lower()
    assert stack.fetch(path.lower()).content == stack.fetch(path).content


def is_listed(stack: Stack, listing: str | None, path: str) -> bool:
    """Whether a listing names an address, or a numbered page that holds newer stories of it."""
    while listing:
        text = stack.fetch(listing).text
        if path in text:
            return True
        newer = re.search(r'<a rel="prev" href="([^"]+)"', text)
        listing = newer[1] if newer else None
    return False


@pytest.mark.parametrize(
    "path",
    ["/", "/politics/", "/akhbar/", "/politics/archive/{month}/", "/akhbar/archive/{month}/",
     "/feeds/rss.xml", "/feeds/atom.xml", "/feeds/feed.json", "/politics/rss.xml", "/akhbar/rss.xml",
     "/sitemaps/news.xml", "/sitemaps/articles-{month}.xml"],
)  # fmt: skip
def test_the_article_is_listed(stack: Stack, story: Story, path: str) -> None:
    """Home, its section, the section of everything, their archives, feeds and sitemaps name it soon."""
    month = datetime.now(UTC).astimezone(ZoneInfo("Asia/Beirut")).strftime("%Y-%m")
    encoded = story.article["url"].removeprefix(stack.site)
    listing = path.format(month=month)
    stack.until(partial(is_listed, stack, listing, encoded), what=f"{listing} to name it")


def test_other_sections_do_not_list_it(stack: Stack, story: Story) -> None:
    """The sport front and the other site never show a story of this site's politics."""
    path = story.article["url"].removeprefix(stack.site)
    for front in ("/sport/", "/other/", "/other/politics/", "/other/feeds/rss.xml"):
        answer = stack.fetch(front)
        assert answer.status_code == 200
        assert path not in answer.text
    assert stack.fetch(f"/other{path}").status_code == 404


def test_feeds_and_sitemaps_name_addresses_that_answer(stack: Stack, story: Story, reader: Reader) -> None:
    """Every address in the feeds and sitemaps answers, down to the articles of the index's sitemaps."""
    stack.served("/sitemap.xml", holds="/sitemaps/articles-")
    for path in ("/sitemap.xml", "/sitemaps/news.xml", "/feeds/rss.xml", "/feeds/atom.xml"):
        own = [url for url in reader.xml(path) if stack.is_own(url)]
        assert own
        broken = [url for url in own if stack.fetch(url).status_code not in {200, 301}]
        assert broken == [], path


def test_what_every_site_has_is_there(stack: Stack) -> None:
    """robots.txt names the sitemaps; manifest, favicon and the site's own 404 page answer."""
    robots = stack.fetch("/robots.txt").text
    assert f"Sitemap: {stack.site}/sitemap.xml" in robots
    assert stack.fetch("/manifest.webmanifest").json()["dir"] == "rtl"
    assert stack.fetch("/favicon.ico").headers["content-type"].startswith("image/")
    missing = stack.fetch(f"/politics/{stack.word()}/")
    assert missing.status_code == 404
    assert 'dir="rtl"' in missing.text


def test_the_publication_tells_what_happened(stack: Stack, story: Story) -> None:
    """It is live, its steps are done, and its receipt proves the very bytes that the edge serves."""
    found = story.publication
    assert found["state"] == "live"
    assert found["url"] == story.article["url"]
    assert found["receipt"]["sha256"] == hashlib.sha256(story.page.answer.content).hexdigest()
    assert found["receipt"]["revision"] == 1
    kinds = {step["kind"] for step in found["steps"]}
    assert kinds >= {"images", "related", "cards", "deliver", "purge"}
    assert found["requested_at"] <= found["live_at"] <= found["receipt"]["verified_at"]
    stages = {stage["stage"]: stage["seconds"] for stage in found["stages"]}
    assert list(stages) == ["accepted", "released", "enriched", "rendered", "stored", "purged", "proven"]
    assert min(stages.values()) >= 0
    assert 0 < found["lag_seconds"] == pytest.approx(sum(stages.values()), abs=0.2)
    assert found["receipt"]["vantage"] == stack.site
    assert story.article["status"] == "live"
    assert (story.article["live_revision"], story.article["pending"]) == (1, None)


def test_the_event_stream_tells_what_happened(stack: Stack, story: Story) -> None:
    """A reader of server-sent events that resumes from an id gets article.live with its envelope."""
    seen: dict[str, Any] = {}
    with stack.editor.stream("GET", "/v1/events", headers={"Last-Event-ID": "0"}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: "):
                event = json.loads(line.removeprefix("data: "))
                if event["article"] == story.article["id"]:
                    seen = event
                    break
    assert (seen["type"], seen["site"], seen["revision"], seen["first"]) == (
        "article.live",
        "khabar",
        1,
        True,
    )
    assert (seen["url"], seen["priority"], seen["actor"]) == (story.article["url"], "normal", "editor")
    answer = stack.editor.get(
        f"/v1/publications/{story.publication['id']}/events", params={"follow": "false"}
    )
    assert "event: article.live" in answer.text


def test_the_command_submits_a_draft_with_its_photo(stack: Stack, tmp_path: Any) -> None:
    """``nashr submit --wait`` uploads the local photo and returns when the article is live."""
    (tmp_path / "photo.jpg").write_bytes(stack.photo())
    draft = stack.draft(site="khabar", hero={"file": "photo.jpg", "alt": "صورة"})
    (tmp_path / "draft.json").write_text(json.dumps(draft), "utf-8")
    printed = stack.command("submit", str(tmp_path / "draft.json"), "--wait")
    assert " live http" in printed
    answer = stack.fetch(printed.split()[-1])
    assert (answer.status_code, draft["headline"] in answer.text) == (200, True)
