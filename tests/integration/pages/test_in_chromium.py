"""The article page in Chromium, through the edge with its headers: what a reader sees, at every size."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from nashr.domain.site import Site
from nashr_delivery.core import render
from nashr_delivery.views import Correction
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Page as Tab

from tests.integration.edge.conftest import Shop, open_shop
from tests.lettering import chromium
from tests.pages import sample
from tests.pages.probes import ADOPT, CLIPPED, SHIFT, SMALL, SPACING

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium.program() is None, reason=chromium.ABSENT),
]

SIZES = ((320, 640), (390, 844), (768, 1024), (1440, 900), (1920, 1080))
TIGHT = """
[...document.querySelectorAll('main :is(p, li, figcaption, aside, blockquote, time, cite)')].map(one => {
  const style = getComputedStyle(one);
  return [one.className || one.tagName, parseFloat(style.lineHeight) / parseFloat(style.fontSize),
    style.letterSpacing, style.fontStyle];
}).filter(([, lead, spacing, slant]) => lead < 1.7 || spacing !== 'normal' || slant !== 'normal')"""


def _photo() -> bytes:
    """A grey picture of the right shape; a browser looks at the bytes, not at the type."""
    picture = io.BytesIO()
    Image.new("RGB", (600, 400), "#777").save(picture, "jpeg")
    return picture.getvalue()


PHOTO = _photo()


@dataclass(frozen=True)
class Desk:
    """A browser, and the address where the pages are."""

    browser: Browser
    url: str

    @contextmanager
    def reading(self, path: str | None, size: tuple[int, int] = (1440, 900), **context: Any) -> Iterator[Tab]:
        """The page at ``path`` with its files, but the lazy ones; None opens an empty window."""
        width, height = size
        opened = self.browser.new_context(viewport={"width": width, "height": height}, **context)
        tab = opened.new_page()
        tab.route("**/media/*", lambda route: route.fulfill(body=PHOTO, content_type="image/jpeg"))
        if path is not None:
            tab.goto(self.url + path, wait_until="networkidle")
        yield tab
        opened.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with open_shop(tmp_path_factory.mktemp("pages")) as shop, sync_playwright() as playwright:
        for language in ("ar", "en"):
            _publish(shop, sample.edition(language, base_url=shop.edge.url, logo="/logo.svg"))
        browser = playwright.chromium.launch(executable_path=chromium.program(), args=["--no-sandbox"])
        yield Desk(browser, shop.edge.url)
        browser.close()


def _publish(shop: Shop, site: Site) -> None:
    """A long story, the same taken back, and their files but for the photos."""
    look = sample.look(site)
    view = replace(sample.long_story(site), path=f"/story-{site.language}/")
    taken = Correction("retraction", view.content.headline, datetime(2026, 11, 24, tzinfo=UTC))
    back = replace(view, path=f"/back-{site.language}/", corrections=(taken,))
    for file in look.files:
        shop.store.put(f"ar{file.path}", file.body, content_type=file.content_type)
    for page in (render(one, site, look, version=1) for one in (view, back)):
        key = f"ar{page.path}index.html"
        shop.store.put(key, page.body, content_type=page.content_type, metadata=page.metadata)
    logo = (Path(sample.DEMO) / "logo.svg").read_bytes()
    shop.store.put("ar/logo.svg", logo, content_type="image/svg+xml")
    shop.store.put("ar/manifest.webmanifest", b"{}", content_type="application/manifest+json")


@pytest.mark.parametrize(("path", "size"), [("/story-ar/", (390, 844)), ("/back-en/", (1440, 900))])
def test_nothing_is_refused_and_little_is_fetched(desk: Desk, path: str, size: tuple[int, int]) -> None:
    """The policy refuses nothing of the page; at most 15 files are fetched before scrolling, all ours."""
    complaints: list[str] = []
    asked: list[str] = []
    with desk.reading(None, size) as tab:
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("requestfailed", lambda request: complaints.append(request.url))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(desk.url + path, wait_until="networkidle")
        logo = "document.querySelector('.brand img').naturalWidth"
        blurred = "getComputedStyle(document.querySelector('.hero img')).backgroundImage"
        assert tab.evaluate(logo) > 0
        assert tab.evaluate(blurred).startswith('url("data:image/')
    assert complaints == []
    assert len(asked) <= 15
    assert all(url.startswith((desk.url, "data:")) for url in asked)


@pytest.mark.parametrize(("size", "delay"), [((390, 844), 400), ((1440, 900), 0), ((1440, 900), 400)])
def test_the_layout_never_shifts(desk: Desk, size: tuple[int, int], delay: int) -> None:
    """Whether fonts come at once or late, nothing that a reader sees moves."""
    with desk.reading(None, size) as tab:

        def late(route: Any) -> None:
            tab.wait_for_timeout(delay)
            route.continue_()

        tab.route("**/*.woff2", late)
        tab.goto(f"{desk.url}/story-ar/", wait_until="load")
        assert tab.evaluate(SHIFT) == 0
        assert tab.evaluate("document.fonts.size") > 0


def test_arabic_has_room_and_stands_upright(desk: Desk) -> None:
    """Every text block in Arabic has lines of 1.7 em or more, unspaced letters and no slant."""
    for path in ("/story-ar/", "/back-ar/"):
        with desk.reading(path) as tab:
            assert tab.evaluate(TIGHT) == []


@pytest.mark.parametrize("path", ["/story-ar/", "/story-en/"])
def test_every_width_holds_the_page(desk: Desk, path: str) -> None:
    """From 320 to 1920 px nothing runs out of the side, and with wider spacing nothing is cut off."""
    with desk.reading(path) as tab:
        for spaced in (False, True):
            for width, height in SIZES:
                tab.set_viewport_size({"width": width, "height": height})
                assert tab.evaluate("document.documentElement.scrollWidth") <= width
                assert tab.evaluate(CLIPPED) == []
            if not spaced:
                tab.evaluate(ADOPT, SPACING)


def test_text_of_twice_the_size_fits(desk: Desk) -> None:
    """With the text at 200 % a phone in landscape still needs no scrolling sideways, and cuts nothing off."""
    with desk.reading("/story-ar/", (640, 360)) as tab:
        tab.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
        assert tab.evaluate("document.documentElement.scrollWidth") <= 640
        assert tab.evaluate(CLIPPED) == []


@pytest.mark.parametrize("size", [(320, 640), (1440, 900)])
def test_targets_can_be_hit(desk: Desk, size: tuple[int, int]) -> None:
    """Every link outside a running text is 24 px wide and high, or more."""
    for path in ("/back-ar/", "/story-en/"):
        with desk.reading(path, size) as tab:
            assert tab.evaluate(SMALL) == []


def test_the_keyboard_is_led_to_the_content(desk: Desk) -> None:
    """The first Tab shows the way past the navigation, and what has the focus has a ring."""
    with desk.reading("/story-ar/") as tab:
        tab.keyboard.press("Tab")
        focused = "(one => [one.className, one.getBoundingClientRect().right > 0, "
        focused += "getComputedStyle(one).outlineStyle])(document.activeElement)"
        assert tab.evaluate(focused) == ["skip", True, "solid"]
        tab.keyboard.press("Enter")
        assert tab.evaluate("document.activeElement.id") == "content"


def test_print_is_the_story_and_its_address(desk: Desk) -> None:
    """On paper there is no navigation and nothing to click, but where the story stands."""
    with desk.reading("/story-ar/", color_scheme="dark") as tab:
        tab.emulate_media(media="print")
        hidden = ".sections, .share, .see-also, .related, .colophon, .skip"
        shown = f"[...document.querySelectorAll('{hidden}')].filter(one => one.checkVisibility()).length"
        assert tab.evaluate(shown) == 0
        address = "getComputedStyle(document.querySelector('.story'), '::after').content"
        assert tab.evaluate(address) == f'"{desk.url}/a/7k2m9q"'
        assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_the_dark_is_dark(desk: Desk) -> None:
    """Readers who asked for dark pages get light letters on dark paper."""
    with desk.reading("/story-ar/", color_scheme="dark") as tab:
        paper, ink = tab.evaluate("[getComputedStyle(document.body).backgroundColor,"
                                  " getComputedStyle(document.body).color]")  # fmt: skip
        assert paper == "rgb(19, 20, 24)"
        assert ink == "rgb(237, 235, 230)"
