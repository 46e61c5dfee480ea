"""Published pages of a running stack in Chromium: small windows, large text, the keyboard, no scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from tests.pages.probes import ADOPT, CLIPPED, FOCUS, OVERLAPPING, SHIFT, SMALL, SPACING, UNMARKED

if TYPE_CHECKING:
    from tests.conftest import Stack

pytestmark = pytest.mark.browser

PHONE: Final = (390, 844)
NARROW: Final = (320, 640)
DESK: Final = (1440, 900)
REQUESTS: Final = 15
STOPS: Final = 20
SIDEWAYS: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SETTLED: Final = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""The browser scrolls to what has the focus when it next paints."""
TWICE: Final = ":root {font-size: 200% !important}"
NAMES: Final = pytest.mark.parametrize("name", ["ar article", "en article", "ar home"])
BROKEN: Final = '<img><p style="margin: 0">one</p><p style="margin: -9px 0 0">two</p>'


@contextmanager
def _opened(browser: Browser, size: tuple[int, int], **context: Any) -> Iterator[Tab]:
    """A window of that size with a cold cache."""
    width, height = size
    made = browser.new_context(viewport={"width": width, "height": height}, **context)
    yield made.new_page()
    made.close()


@NAMES
@pytest.mark.parametrize(
    ("size", "style"), [(NARROW, ""), (NARROW, SPACING), (DESK, SPACING), ((640, 360), TWICE), (DESK, TWICE)],
    ids=["narrow", "narrow-spaced", "desk-spaced", "phone-200%", "desk-200%"],
)  # fmt: skip
def test_text_finds_its_room(
    browser: Browser, pages: Mapping[str, str], name: str, size: tuple[int, int], style: str
) -> None:
    """At 320 px, spaced as WCAG 1.4.12 says and at 200 % nothing scrolls sideways, is cut off or covered."""
    with _opened(browser, size) as tab:
        tab.goto(pages[name], wait_until="networkidle")
        if style:
            tab.evaluate(ADOPT, style)
        assert tab.evaluate(SIDEWAYS) <= 0
        assert tab.evaluate(CLIPPED) == []
        assert tab.evaluate(OVERLAPPING) == []


@NAMES
@pytest.mark.parametrize("size", [NARROW, DESK])
def test_targets_can_be_hit(
    browser: Browser, pages: Mapping[str, str], name: str, size: tuple[int, int]
) -> None:
    """Every link outside a running text is 24 px wide and high, or more."""
    with _opened(browser, size) as tab:
        tab.goto(pages[name])
        assert tab.evaluate(SMALL) == []


@NAMES
def test_the_keyboard_shows_where_it_is(browser: Browser, pages: Mapping[str, str], name: str) -> None:
    """The skip link comes first, and each of the first 20 stops is in sight with a ring."""
    with _opened(browser, DESK, reduced_motion="reduce") as tab:
        tab.goto(pages[name])
        stops = []
        for _ in range(STOPS):
            tab.keyboard.press("Tab")
            tab.evaluate(SETTLED)
            stops.append(tab.evaluate(FOCUS))
        reached = [stop for stop in stops if not stop["body"]]
        assert reached[0]["name"] == "skip"
        assert len(reached) >= 10
        assert [stop["name"] for stop in reached if not stop["seen"]] == []


@NAMES
def test_nothing_needs_a_script(browser: Browser, pages: Mapping[str, str], name: str) -> None:
    """Without JavaScript a reader sees the same words."""
    texts = []
    for scripts in (True, False):
        with _opened(browser, PHONE, java_script_enabled=scripts) as tab:
            tab.goto(pages[name])
            texts.append(tab.inner_text("body"))
    assert texts[0] == texts[1]
    assert len(texts[0]) > 200


@NAMES
@pytest.mark.parametrize("size", [PHONE, DESK])
def test_little_is_fetched_and_nothing_refused(
    browser: Browser, stack: Stack, pages: Mapping[str, str], name: str, size: tuple[int, int]
) -> None:
    """Before scrolling at most 15 requests, none to another host; the console and the policy are silent."""
    complaints: list[str] = []
    asked: list[str] = []
    with _opened(browser, size) as tab:
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("requestfailed", lambda request: complaints.append(request.url))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(pages[name], wait_until="networkidle")
    fetched = [url for url in asked if not url.startswith("data:")]
    assert complaints == []
    assert [url for url in fetched if not stack.is_own(url)] == []
    assert len(fetched) <= REQUESTS, "\n".join(fetched)


@NAMES
@pytest.mark.parametrize("size", [PHONE, DESK])
def test_nothing_moves_and_images_say_their_size(
    browser: Browser, pages: Mapping[str, str], name: str, size: tuple[int, int]
) -> None:
    """With a cold cache the layout shifts by 0; every image has width, height and alt."""
    with _opened(browser, size) as tab:
        tab.goto(pages[name], wait_until="networkidle")
        assert tab.evaluate(SHIFT) == 0
        assert tab.evaluate(UNMARKED) == []


def test_broken_pages_are_told_from_good_ones(browser: Browser) -> None:
    """Text over text, an image without its size, and a focus without a ring are each found."""
    with _opened(browser, DESK) as tab:
        tab.set_content(BROKEN + '<a href="/" style="outline: none">bare</a>')
        assert tab.evaluate(UNMARKED) == ["<img>"]
        assert len(tab.evaluate(OVERLAPPING)) == 1
        assert [name for name, *_ in tab.evaluate(SMALL)] == ["bare"]
        tab.keyboard.press("Tab")
        assert tab.evaluate(FOCUS) == {"name": "bare", "body": False, "seen": False}
