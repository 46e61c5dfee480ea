"""Previews through the edge: what a signed link shows to a browser without a token, and what it does not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import httpx

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.e2e.conftest import Behind, Reader

CLOSED = ("no-store", "noindex, nofollow")
SEE_ALSO = re.compile(r'<aside class="see-also">.*?</aside>\n', re.DOTALL)
STORY = re.compile(r'<article class="story[ "].*?</article>', re.DOTALL)


def preview(stack: Stack, article: str, **wanted: Any) -> dict[str, Any]:
    answer = stack.writer.post(f"/v1/articles/{article}/previews", json=wanted)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def shut(answer: httpx.Response) -> bool:
    """A not-found page that nothing keeps and nothing lists."""
    return answer.status_code == 404 and closed(answer)


def closed(answer: httpx.Response) -> bool:
    return (answer.headers["cache-control"], answer.headers["x-robots-tag"]) == CLOSED


def shown_later(stack: Stack, reader: Reader, made: dict[str, Any]) -> dict[str, Any]:
    """A photo that can be shown, as the API describes it."""

    def ready() -> dict[str, Any] | None:
        found = stack.editor.get(f"/v1/assets/{made['id']}").json()
        return dict(found) if found["state"] == "ready" else None

    return stack.until(ready, what=f"the renditions of {made['id']}")


def test_a_draft_is_shown_with_its_photos(stack: Stack, reader: Reader) -> None:
    """A browser without a token sees headline, text and photos of a draft, all below the signature."""
    photo = shown_later(stack, reader, stack.upload())
    draft = stack.create(hero={"asset": photo["id"], "alt": "مرفأ"})
    made = preview(stack, draft["id"])

    page = reader.page(made["url"])
    hero = page.one("figure.hero img")
    own = made["url"].removesuffix("/")
    picture = stack.fetch(urljoin(page.url, str(hero.get("src"))))

    assert page.words("h1") == draft["headline"]
    assert hero.get("alt") == "مرفأ"
    assert urljoin(page.url, str(hero.get("src"))).startswith(f"{own}/media/")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/jpeg")
    assert reader.complaints({link for link in page.links() if link.url.startswith(own)}) == []
    assert made["warnings"] == []


def test_nothing_keeps_or_lists_a_preview(stack: Stack, reader: Reader) -> None:
    """Page and photos are stored by no cache, and every answer and the page itself ask not to be listed."""
    photo = shown_later(stack, reader, stack.upload())
    made = preview(stack, stack.create(hero={"asset": photo["id"], "alt": "مرفأ"})["id"])
    page = reader.page(made["url"])
    picture = stack.fetch(urljoin(page.url, str(page.one("figure.hero img").get("src"))))

    assert closed(page.answer)
    assert closed(picture)
    assert page.answer.headers["x-cache"] == stack.fetch(made["url"]).headers["x-cache"] == "BYPASS"
    assert page.meta("robots") == "noindex,nofollow"


def test_a_wrong_signature_opens_nothing(stack: Stack) -> None:
    """A link changed in one letter, or given to another site, is the not-found page; so are its files."""
    url = preview(stack, stack.create()["id"])["url"]
    last = url[-2]
    wrong = f"{url[:-2]}{'0' if last != '0' else '1'}/"

    assert stack.fetch(url).status_code == 200
    assert shut(stack.fetch(wrong))
    assert shut(stack.fetch(f"{wrong}strip.css"))
    assert shut(stack.fetch(url.replace("/preview/", "/other/preview/")))
    assert shut(stack.fetch("/preview/"))
    assert "404" in stack.fetch(wrong).text


def test_a_revoked_link_opens_nothing(stack: Stack) -> None:
    """After DELETE page and files are gone, and the link is listed no more; a second DELETE is no error."""
    draft = stack.create()
    made, other = preview(stack, draft["id"]), preview(stack, draft["id"])
    css = f"{made['url']}strip.css"
    assert stack.fetch(css).status_code == 200

    answers = [
        stack.writer.delete(f"/v1/articles/{draft['id']}/previews/{made['id']}").status_code for _ in range(2)
    ]
    listed = stack.writer.get(f"/v1/articles/{draft['id']}/previews").json()["items"]

    assert answers == [204, 204]
    assert shut(stack.fetch(made["url"]))
    assert shut(stack.fetch(css))
    assert [item["url"] for item in listed] == [other["url"]]
    assert stack.fetch(other["url"]).status_code == 200


def test_a_link_is_pinned_to_its_revision(stack: Stack, reader: Reader) -> None:
    """What is written later is not shown by a link to what stood before."""
    draft = stack.create()
    first = preview(stack, draft["id"])
    changed = stack.change(draft, headline=f"عنوان جديد {stack.word()}")
    second, old = preview(stack, draft["id"]), preview(stack, draft["id"], revision=1)

    assert reader.page(first["url"]).words("h1") == draft["headline"]
    assert reader.page(old["url"]).words("h1") == draft["headline"]
    assert reader.page(second["url"]).words("h1") == changed["headline"]


def test_the_page_comes_out_as_its_preview_was(stack: Stack, reader: Reader) -> None:
    """The same story, byte for byte, but for where files are asked for and links that came meanwhile."""
    photo = shown_later(stack, reader, stack.upload())
    draft = stack.create(
        hero={"asset": photo["id"], "alt": "مرفأ"}, kicker="عاجل", published_at="2026-03-01T10:00:00Z"
    )
    made = preview(stack, draft["id"])
    before = STORY.search(reader.page(made["url"]).text)
    stack.wait_proven(stack.publish(draft["id"])["id"])
    after = STORY.search(reader.page(stack.article(draft["id"])["url"]).text)

    below = f"/preview/{made['url'].rstrip('/').rpartition('/')[2]}/"
    assert before is not None
    assert after is not None
    assert SEE_ALSO.sub("", before[0]).replace(below, "/") == SEE_ALSO.sub("", after[0])


def test_nothing_of_a_previewed_draft_is_found(stack: Stack, behind: Behind) -> None:
    """A link that was opened leaves no page, and no word of the draft in fronts, feeds and sitemaps."""
    draft = stack.create()
    assert draft["headline"] in stack.fetch(preview(stack, draft["id"])["url"]).text
    other = stack.publish_and_wait()
    stack.served("/", holds=other["headline"])
    stack.served("/feeds/rss.xml", holds=other["headline"])
    stack.served("/sitemaps/news.xml", holds=other["headline"])

    listed = ("/", "/politics/", "/akhbar/", "/feeds/rss.xml", "/feeds/atom.xml", "/feeds/feed.json",
              "/sitemap.xml", "/sitemaps/news.xml", "/robots.txt")  # fmt: skip
    assert [path for path in listed if draft["slug"].split("-")[-1] in stack.fetch(path).text] == []
    assert behind.one("SELECT count(*) FROM page WHERE subject = %s", draft["id"]) == 0
    assert behind.one("SELECT count(*) FROM event WHERE article = %s", draft["id"]) == 0


def test_what_cannot_be_published_can_be_seen(stack: Stack, reader: Reader) -> None:
    """A draft whose photo has no alt text is shown, and answer and strip say what is missing."""
    photo = shown_later(stack, reader, stack.upload())
    draft = stack.create(hero={"asset": photo["id"]})
    made = preview(stack, draft["id"])
    page = reader.page(made["url"])

    assert [(one["pointer"], one["code"]) for one in made["warnings"]] == [("/hero/alt", "missing_alt")]
    assert "/hero/alt" in page.words("aside.nashr-preview")
    assert "1" in page.words("aside.nashr-preview p")
    assert page.all("figure.hero img")
    assert page.place("aside.nashr-preview") > page.place("footer.colophon")


def test_a_killed_text_is_shown_no_more(stack: Stack) -> None:
    """Links to what was killed stop opening; the newer revision gets links of its own."""
    article = stack.publish_and_wait()
    made = preview(stack, article["id"])
    assert stack.fetch(made["url"]).status_code == 200
    killed = stack.editor.post(
        f"/v1/articles/{article['id']}/unpublish", json={"kind": "kill", "reason": "خطأ"}
    )
    assert killed.status_code == 202

    assert shut(stack.fetch(made["url"]))
    refused = stack.writer.post(f"/v1/articles/{article['id']}/previews", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "removed")
    again = stack.change(article)
    assert stack.fetch(preview(stack, again["id"])["url"]).status_code == 200


def test_a_draft_is_shown_with_its_related_stories(stack: Stack, reader: Reader) -> None:
    """Links are drawn for a draft's preview as they would be for its publication."""
    word = stack.word()
    texts = [f"جلسة عن الميناء القديم {word} وأرصفته {word} ورافعاته {word} {number}" for number in range(4)]
    body = [{"type": "paragraph", "html": text} for text in texts]
    there = stack.publish_and_wait(headline=f"الميناء القديم {word}", body=body)
    made = preview(stack, stack.create(headline=f"أرصفة الميناء القديم {word}", body=body[::-1])["id"])

    def linked() -> bool:
        return there["headline"] in stack.fetch(made["url"]).text

    assert stack.until(linked, what="the preview to link to the published story")
