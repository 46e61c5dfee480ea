"""Related stories: what belongs together finds each other, and nothing stands on a page twice."""

from __future__ import annotations

from typing import TYPE_CHECKING
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
