"""The pages of authors and topics: they come, follow, and go."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.e2e.conftest import Page, Reader

THRESHOLD = 3  # live articles from which on a topic has a page


def put_author(stack: Stack, slug: str, **author: Any) -> dict[str, Any]:
    where = f"/v1/sites/khabar/authors/{slug}"
    before = stack.editor.get(where)
    headers = {"If-Match": before.headers["etag"]} if before.status_code == 200 else {}
    answer = stack.editor.put(where, json=author, headers=headers)
    assert answer.status_code in {200, 201}, answer.text
    return dict(answer.json())


def unpublish(stack: Stack, article: dict[str, Any]) -> None:
    answer = stack.editor.post(
        f"/v1/articles/{article['id']}/unpublish", json={"kind": "unpublish", "reason": "خطأ"}
    )
    assert answer.status_code == 202


def is_untagged(stack: Stack, article: dict[str, Any]) -> bool:
    return 'class="topics"' not in stack.fetch(article["url"]).text


def byline(page: Page) -> dict[str, str | None]:
    """Who wrote it, each with their link."""
    found = page.all("p.byline a, p.byline bdi.author")
    return {one.text_content(): one.get("href") for one in found}


def graph(page: Page, kind: str) -> dict[str, Any]:
    return next(one for one in page.structured()["@graph"] if one["@type"] == kind)


def test_an_author_has_a_page_that_bylines_lead_to(stack: Stack, reader: Reader) -> None:
    """Name, bio, photo, links and live articles, newest first; bylines link to it, earlier ones as well."""
    slug, name = f"layla-{stack.word()}", f"ليلى {stack.word()}"
    first = stack.publish_and_wait(byline=[{"name": "ل. حداد", "author": slug}])
    assert byline(reader.page(first["url"])) == {"ل. حداد": None}
    assert stack.fetch(f"/authors/{slug}/").status_code == 404
    photo = stack.upload()
    stack.until(lambda: stack.editor.get(f"/v1/assets/{photo['id']}").json()["state"] == "ready", what="it")
    made = put_author(
        stack, slug, name=name, bio="مراسلة برلمانية.\n\nمنذ 2011.", photo=photo["id"],
        links=[{"url": "https://social.example/@layla", "label": "ماستودون"}],
    )  # fmt: skip
    stack.served(f"/authors/{slug}/", holds=name)
    second = stack.publish_and_wait(byline=[{"name": name, "author": slug}])
    stack.served(f"/authors/{slug}/", holds=second["headline"])
    page = reader.page(made["url"])
    assert page.words("h1") == name
    assert [str(one.text) for one in page.all("p.bio")] == ["مراسلة برلمانية.", "منذ 2011."]
    assert page.one("div.portrait img").get("alt") == name
    assert page.one("ul.elsewhere a").get("href") == "https://social.example/@layla"
    assert [one.text_content() for one in page.all("main h2 a")] == [second["headline"], first["headline"]]
    person = graph(page, "ProfilePage")["mainEntity"]
    assert (person["@type"], person["name"], person["url"]) == ("Person", name, made["url"])
    assert reader.complaints(page.links()) == []
    for article in (first, second):
        stack.served(article["url"], holds=f"/authors/{slug}/")
        assert byline(reader.page(article["url"])) == {name: f"/authors/{slug}/"}
    assert graph(reader.page(first["url"]), "NewsArticle")["author"] == [
        {"@type": "Person", "name": name, "url": made["url"]}
    ]


def test_an_author_who_takes_another_name_has_it_everywhere(stack: Stack, reader: Reader) -> None:
    """The page and the bylines follow; no time that readers see moves."""
    slug, before, after = f"a-{stack.word()}", f"اسم أول {stack.word()}", f"اسم ثان {stack.word()}"
    put_author(stack, slug, name=before)
    article = stack.publish_and_wait(byline=[{"name": before, "author": slug}])
    stack.served(article["url"], holds=f"/authors/{slug}/")
    put_author(stack, slug, name=after)
    stack.served(f"/authors/{slug}/", holds=after)
    stack.served(article["url"], holds=after)
    assert byline(reader.page(article["url"])) == {after: f"/authors/{slug}/"}
    assert before not in stack.fetch(article["url"]).text
    assert stack.article(article["id"])["modified_at"] == article["modified_at"]


def test_a_removed_story_leaves_its_author(stack: Stack) -> None:
    """An author's page shows no story that is gone; with none left it says so."""
    slug = f"a-{stack.word()}"
    put_author(stack, slug, name="سامي")
    article = stack.publish_and_wait(byline=[{"name": "سامي", "author": slug}])
    stack.served(f"/authors/{slug}/", holds=article["headline"])
    unpublish(stack, article)
    stack.served(f"/authors/{slug}/", holds="لا أخبار هنا بعد")
    assert article["headline"] not in stack.fetch(f"/authors/{slug}/").text


def test_a_topic_has_a_page_while_enough_stories_are_about_it(stack: Stack, reader: Reader) -> None:
    """Spellings of one keyword are one topic. At the threshold its page comes and its stories link to it;
    below it both go, and nothing leads to a page that is not there.
    """
    word = stack.word()
    keywords = [f"موازنة {word}", f"مُوَازَنَة {word}", f"موازنه {word.upper()}"]
    path = f"/topics/موازنه-{word}/"
    stories = [stack.publish_and_wait(keywords=[keyword]) for keyword in keywords[: THRESHOLD - 1]]
    assert stack.fetch(path).status_code == 404
    assert not reader.page(stories[0]["url"]).all("nav.topics")
    stories.append(stack.publish_and_wait(keywords=keywords[THRESHOLD - 1 :]))
    stack.served(path, holds=stories[-1]["headline"])
    page = reader.page(f"{stack.site}{path}")
    assert page.words("h1") == keywords[0]
    assert [one.text_content() for one in page.all("main h2 a")] == [
        story["headline"] for story in reversed(stories)
    ]
    for story, keyword in zip(stories, keywords, strict=True):
        stack.served(story["url"], holds='nav class="topics"')
        article = reader.page(story["url"])
        links = {one.text_content(): str(one.get("href")) for one in article.all("nav.topics a")}
        assert links == {keyword: quote(path)}
        assert article.place("div.article-body") < article.place("nav.topics") < article.place("footer nav")
    unpublish(stack, stories[1])
    stack.served(path, holds="", status=404)
    for story in (stories[0], stories[2]):
        stack.until(partial(is_untagged, stack, story), what="no link to the topic")
    changed = stack.publish_change(stories[1], keywords=[keywords[1]])
    stack.served(path, holds=changed["headline"])
    stack.served(stories[0]["url"], holds='nav class="topics"')


def test_a_keyword_taken_out_takes_the_story_off_its_topic(stack: Stack) -> None:
    """A new revision without the keyword is off the topic's page, which lives on."""
    word = stack.word()
    stories = [stack.publish_and_wait(keywords=[word]) for _ in range(THRESHOLD + 1)]
    stack.served(f"/topics/{word}/", holds=stories[-1]["headline"])
    changed = stack.publish_change(stories[0], keywords=[])
    stack.until(
        lambda: changed["headline"] not in stack.fetch(f"/topics/{word}/").text, what="the topic to drop it"
    )
    assert stack.fetch(f"/topics/{word}/").status_code == 200
