"""Fronts in Chromium, with as many stories as a newsroom may have: no hole in the layout, nothing cut off."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest
from nashr.domain.site import Site
from nashr_delivery.core import render
from nashr_delivery.views import ListingView, View
from PIL import Image
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.lettering import chromium
from tests.pages import sample
from tests.pages.probes import CLIPPED, OVERLAPPING, SHIFT

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium.program() is None, reason=chromium.ABSENT),
]

HOME = "https://khabar.example"
BLANK = """[...document.querySelectorAll('.front > *')].map(one => {
  const inside = one.matches('.lead') ? one.firstElementChild : one;
  const end = Math.max(...[...inside.children].map(part => part.getBoundingClientRect().bottom));
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  return [one.className, box.bottom - parseFloat(style.paddingBlockEnd) - end];
}).filter(([name, blank]) => name === 'lead' && blank > 4)"""
"""Leads with room left below their last line, in pixels."""

RAGGED = """(() => {
  const front = document.querySelector('.front').getBoundingClientRect();
  const lead = document.querySelector('.lead').getBoundingClientRect();
  const boxes = [...document.querySelectorAll('.front > *')].map(one => one.getBoundingClientRect())
    .filter(box => box.bottom > lead.bottom - 2);
  const rows = Map.groupBy(boxes, box => Math.round(box.bottom));
  return [...rows.values()].map(row => [Math.min(...row.map(box => box.left)) - front.left,
    front.right - Math.max(...row.map(box => box.right))]).filter(gaps => Math.max(...gaps) > 2);
})()"""
"""Rows that end before the edge of the front, with their gaps; a row is what ends at one height, from the
lead's end on."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium.program(), args=["--no-sandbox"])


def grey(width: int, height: int) -> bytes:
    picture = io.BytesIO()
    Image.new("RGB", (width, height), "#777").save(picture, "jpeg")
    return picture.getvalue()


def opened(
    browser: Browser, site: Site, view: View, size: tuple[int, int], photo: tuple[int, int] = (600, 400)
) -> Page:
    """A page with its files; its photos are grey, and of a shape of ours."""
    look = sample.look(site)
    files: Mapping[str, tuple[bytes, str]] = {
        file.path: (file.body, file.content_type) for file in look.files
    }
    body = render(view, site, look, version=1).body
    tab = browser.new_page(viewport={"width": size[0], "height": size[1]})

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(HOME)
        if path == "/":
            route.fulfill(body=body, content_type="text/html; charset=utf-8")
        elif path in files:
            route.fulfill(body=files[path][0], content_type=files[path][1])
        elif path.startswith("/media/"):
            route.fulfill(body=grey(*photo), content_type="image/jpeg")
        else:
            route.fulfill(status=404)

    tab.route("**/*", answer)
    tab.goto(HOME, wait_until="load")
    return tab


def front(site: Site, count: int, *, bare: bool = False) -> ListingView:
    drafts = sample.stories(site.language)
    lead, *rest = (sample.teaser(site, drafts[number % len(drafts)], number) for number in range(count))
    return ListingView("/", "home", (replace(lead, photo=None) if bare else lead, *rest))


@pytest.mark.parametrize("language", ["ar", "en"])
def test_nothing_is_blank_below_the_lead(browser: Browser, language: str) -> None:
    """The lead's photo takes the height of the stories beside it, at every width that has some there."""
    site = sample.edition(language, base_url=f"{HOME}/")
    tab = opened(browser, site, front(site, 30), (1280, 800))
    assert tab.evaluate(SHIFT) == 0
    for width in (960, 1024, 1280, 1440, 1920):
        tab.set_viewport_size({"width": width, "height": 900})
        assert tab.evaluate(BLANK) == [], width
    tab.close()


@pytest.mark.parametrize("bare", [False, True], ids=["with photo", "without"])
def test_every_row_reaches_the_edge(browser: Browser, *, bare: bool) -> None:
    """However many stories there are, none stands alone beside a hole; nothing overlaps or is cut off."""
    site = sample.edition("ar", base_url=f"{HOME}/")
    for count in (1, 4, 5, 6, 7, 30):
        tab = opened(browser, site, front(site, count, bare=bare), (1280, 800))
        for width in (320, 390, 768, 1280, 1920):
            tab.set_viewport_size({"width": width, "height": 900})
            assert tab.evaluate(RAGGED) == [], (count, width)
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            assert tab.evaluate(CLIPPED) == []
        assert tab.evaluate(OVERLAPPING) == []
        tab.close()


def test_a_tall_photo_is_seen_whole(browser: Browser) -> None:
    """A portrait is not cut, fits the window, and has its place before it is there."""
    site = sample.edition("en", base_url=f"{HOME}/")
    photos = {name: sample.photo(name, size=(1200, 1800)) for name in ("hero", "inside")}
    story = replace(sample.long_story(site), path="/", photos=photos)
    tab = opened(browser, site, story, (1280, 800), photo=(400, 600))
    assert tab.evaluate(SHIFT) == 0
    for width, height in ((1280, 800), (390, 844)):
        tab.set_viewport_size({"width": width, "height": height})
        for one in (".hero img", ".article-body figure img"):
            box = tab.locator(one).bounding_box()
            assert box is not None
            assert box["height"] / box["width"] == pytest.approx(1.5, rel=0.01)
            assert box["height"] <= 0.81 * height
    tab.close()
