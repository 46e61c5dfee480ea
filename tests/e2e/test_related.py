"""Related stories: what belongs together finds each other, and nothing stands on a page twice."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import pytest

if TYPE_CHECKING:
    from tests.conftest import Stack
    from tests.e2e.conftest import Page, Reader

STORIES = (
    (
        "منتخب السباحة يحصد ثلاث ميداليات في بطولة المسابح القصيرة",
        "أنهى السباحون سباق الفراشة في المسبح الأولمبي متقدمين على منافسيهم بفارق ثانيتين.",
        "وقال مدرب السباحة إن الميداليات ثمرة معسكر طويل في المسبح الأولمبي.",
    ),
    (
        "مدرب السباحة: هدفنا ميداليات البطولة المقبلة في المسبح الأولمبي",
        "شرح المدرب خطته لسباق الفراشة بعد ميداليات بطولة المسابح القصيرة.",
        "ويرى السباحون أن المسبح الجديد سيحسن أرقامهم في سباقات السباحة.",
    ),
    (
        "اتحاد السباحة يكرم أبطال سباق الفراشة وميدالياتهم",
        "كرم الاتحاد السباحين الثلاثة الذين حصدوا ميداليات بطولة المسابح القصيرة.",
        "وأعلن الاتحاد صيانة المسبح الأولمبي قبل بطولة السباحة المقبلة.",
    ),
)


def told(stack: Stack, number: int) -> list[dict[str, str]]:
    """A body of eight paragraphs on the story: room for two see-also links."""
    headline, first, second = STORIES[number]
    texts = [first, second, f"{headline}، بحسب اللجنة {stack.word()}.", f"{second} {first}"] * 2
    return [{"type": "paragraph", "html": f"{text} {stack.word()}"} for text in texts]


def shown(page: Page) -> tuple[list[str], list[str]]:
    """Where the see-also links and the related cards lead."""
    beside = [urljoin(page.url, str(link.get("href"))) for link in page.all("aside.see-also a")]
    cards = [urljoin(page.url, str(link.get("href"))) for link in page.all("section.related h3 a")]
    return beside, cards


@pytest.fixture(scope="module")
def urls(stack: Stack) -> list[str]:
    """Three stories on one theme, published one after the other."""
    return [
        stack.publish_and_wait(section="sport", headline=STORIES[n][0], body=told(stack, n))["url"]
        for n in range(3)
    ]


@pytest.mark.parametrize("number", range(3))
def test_stories_on_one_theme_link_to_each_other(
    stack: Stack, reader: Reader, urls: list[str], number: int
) -> None:
    """Each of three stories, the oldest too, soon links to the other two; never to itself, none twice."""
    others = {url for url in urls if url != urls[number]}

    def linked() -> Page | None:
        page = reader.page(urls[number])
        beside, cards = shown(page)
        return page if others <= {*beside, *cards} else None

    page = stack.until(linked, what="the stories to link to each other")
    beside, cards = shown(page)
    assert beside
    assert len(set(beside + cards)) == len(beside + cards)
    assert urls[number] not in beside + cards
    assert len(cards) <= 4
    assert reader.complaints(page.links()) == []


def test_see_also_stands_between_paragraphs(stack: Stack, reader: Reader, urls: list[str]) -> None:
    """A see-also link is never first, last, beside another or beside a figure."""

    def found() -> Page | None:
        page = reader.page(urls[2])
        return page if page.all("aside.see-also") else None

    body = stack.until(found, what="a see-also link").one("div.article-body")
    tags = [child.tag for child in body]
    for place, tag in enumerate(tags):
        if tag == "aside":
            assert 0 < place < len(tags) - 1
            assert (tags[place - 1], tags[place + 1]) == ("p", "p")


def test_a_renamed_story_is_renamed_where_it_is_linked(stack: Stack, reader: Reader, urls: list[str]) -> None:
    """A new headline reaches the pages that link to the story; a killed story leaves them."""
    headline = f"رقم جديد في سباق الفراشة بالمسبح الأولمبي للسباحة {stack.word()}"
    made = stack.publish_and_wait(section="sport", headline=headline, body=told(stack, 0))
    changed = f"{headline} {stack.word()}"

    def linking() -> list[str]:
        return [
            url for url in urls if made["url"] in {link for part in shown(reader.page(url)) for link in part}
        ]

    linked = stack.until(linking, what="a story to link to the new one")
    stack.publish_change(made, headline=changed)
    for url in linked:
        stack.served(url, holds=changed)
    stack.editor.post(f"/v1/articles/{made['id']}/unpublish", json={"kind": "kill", "reason": "خطأ"})
    stack.until(lambda: not linking(), what="no story to link to the killed one")


def test_every_link_is_explained(stack: Stack, reader: Reader, urls: list[str]) -> None:
    """The API names the links that the page shows, in its order, and the words that both stories share."""
    found = stack.editor.get("/v1/articles", params={"q": STORIES[0][0]}).json()["items"]
    article = next(item for item in found if item["url"] == urls[0])

    def explained() -> dict[str, Any] | None:
        beside, cards = shown(reader.page(urls[0]))
        told: dict[str, Any] = stack.editor.get(f"/v1/articles/{article['id']}/related").json()
        same = [[one["url"] for one in told[part]] for part in ("see_also", "related_news")]
        return told if same == [beside, cards] and beside else None

    told = stack.until(explained, what="the page and the API to agree")
    mates = [one for one in told["see_also"] + told["related_news"] if one["url"] in urls[1:]]
    assert len(mates) == 2
    for one in mates:
        assert one["reason"] == "similar"
        assert 0.1 < one["score"] <= 1
        assert {"السباحة", "الفراشة", "المسبح", "الأولمبي", "ميداليات"} & set(one["shared_terms"])
    assert stack.stranger.get(f"/v1/articles/{article['id']}/related").status_code == 404


def test_a_rebuild_leaves_the_links_in_place(stack: Stack, reader: Reader, urls: list[str]) -> None:
    """The command stays until every article is signed anew, and says how many; pages keep their links."""
    before = {url: shown(reader.page(url)) for url in urls}
    said = stack.command("related", "rebuild", "--site", "khabar")
    assert re.search(r"khabar: [1-9]\d* articles signed in \d+ s", said)
    for url in urls:
        beside, cards = shown(reader.page(url))
        assert {mate for mate in urls if mate in [*before[url][0], *before[url][1]]} <= {*beside, *cards}
        assert len(beside) >= len(before[url][0])
        assert len(cards) >= len(before[url][1])


def test_a_correction_moves_no_link(stack: Stack, reader: Reader, urls: list[str]) -> None:
    """What stood where in a story stands there after an edit of its text."""
    made = stack.publish_and_wait(
        section="sport", headline=f"{STORIES[0][0]} {stack.word()}", body=told(stack, 0)
    )

    def steady() -> tuple[list[str], list[str]] | None:
        first = shown(reader.page(made["url"]))
        time.sleep(2)
        return first if first[0] and shown(reader.page(made["url"])) == first else None

    before = stack.until(steady, what="links that stand still")
    body = told(stack, 0)
    body[0]["html"] += " تصحيح."
    stack.publish_change(made, body=body)
    stack.served(made["url"], holds="تصحيح")
    after = stack.until(steady, what="links that stand still")
    kept = [(a, b) for a, b in zip(before[0], after[0], strict=False) if a in after[0]]
    assert kept
    assert all(a == b for a, b in kept)


def test_an_editor_pins_and_bans(stack: Stack, reader: Reader, urls: list[str]) -> None:
    """A pinned story is linked though it is unlike; a banned one is not, however alike."""
    pinned = stack.publish_and_wait(section="politics")
    banned = stack.editor.get("/v1/articles", params={"q": STORIES[1][0]}).json()["items"]
    made = stack.publish_and_wait(
        section="sport",
        headline=f"{STORIES[1][0]} {stack.word()}",
        body=told(stack, 1),
        related={"pin": [pinned["id"]], "ban": [item["id"] for item in banned]},
    )

    def there() -> Page | None:
        page = reader.page(made["url"])
        return page if pinned["url"] in {link for part in shown(page) for link in part} else None

    page = stack.until(there, what="the pinned story")
    links = {link for part in shown(page) for link in part}
    assert not links & {item["url"] for item in banned}


def test_pins_share_their_places_anew_when_one_comes_or_goes(stack: Stack, reader: Reader) -> None:
    """A pin that goes live takes its place in the order, and the last card moves between the paragraphs."""
    late = stack.create(section="politics")
    live = [stack.publish_and_wait(section="politics") for _ in range(4)]
    first, *others = [one["id"] for one in live]
    pins = [first, late["id"], *others]
    made = stack.create(body=told(stack, 0), related={"pin": pins})
    assert [(one["pointer"], one["code"]) for one in made["warnings"]] == [("/related/pin/1", "not_shown")]
    stack.wait_proven(stack.publish(made["id"])["id"])
    page = stack.article(made["id"])["url"]
    urls = [one["url"] for one in live]
    stack.until(lambda: shown(reader.page(page))[1] == urls, what="four cards")

    stack.wait_proven(stack.publish(late["id"])["id"])
    now = [urls[0], stack.article(late["id"])["url"], *urls[1:]]
    stack.until(lambda: shown(reader.page(page))[1] == now[:4], what="the late one among the cards")
    stack.until(lambda: now[4] in shown(reader.page(page))[0], what="the last pin between the paragraphs")

    stack.editor.post(
        f"/v1/articles/{late['id']}/unpublish", json={"kind": "unpublish", "reason": "out of date"}
    ).raise_for_status()
    stack.until(lambda: shown(reader.page(page))[1] == urls, what="four cards again")


def test_no_link_is_dead_after_a_removal_or_a_move(stack: Stack, reader: Reader) -> None:
    """Pages that link to a story follow it to its new address, and lose it within 5 s of a takedown."""
    made = stack.publish_and_wait(section="sport")
    pages = [stack.publish_and_wait(section="sport", related={"pin": [made["id"]]})["url"] for _ in range(8)]

    def linking(url: str) -> int:
        return sum(url in {*beside, *cards} for beside, cards in map(shown, map(reader.page, pages)))

    stack.until(lambda: linking(made["url"]) == len(pages), what="every page to link to the story")
    moved = stack.publish_change(stack.article(made["id"]), slug=f"moved-{made['id'][-8:].lower()}")
    assert moved["url"] != made["url"]
    stack.until(lambda: linking(moved["url"]) == len(pages), what="every page to link to its new address")

    stack.editor.post(f"/v1/articles/{made['id']}/unpublish", json={"kind": "takedown", "reason": "خطأ"})
    stack.until(lambda: stack.fetch(moved["url"]).status_code == 451, what="the story to be gone")
    began = time.monotonic()
    stack.until(lambda: linking(moved["url"]) == 0, what="no page to link to it", seconds=5)
    assert time.monotonic() - began < 5
