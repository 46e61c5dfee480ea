"""axe-core finds no breach of WCAG 2.2 AA, and no pale Arabic.

axe takes a joined Arabic word for an icon and skips its contrast, so the rule runs a second time with Latin
letters in the Arabic ones' places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.audit.conftest import tool

pytestmark = pytest.mark.browser

ALL: Final = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]}
}
RUN: Final = """async (options) => (await axe.run(document, options)).violations.flatMap(
  (rule) => rule.nodes.map((node) => `${rule.id}: ${node.target} ${node.failureSummary}`))"""
SWAP: Final = """() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) walk.currentNode.data = walk.currentNode.data.replace(/\\p{Script=Arabic}/gu, "n");
}"""
PALE: Final = """<!DOCTYPE html><html lang="ar" dir="rtl"><title>x</title><body style="background: #fff">
<p style="color: #ccc">نص عربي باهت لا يكاد يُقرأ على خلفية بيضاء</p>"""
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
WIDTHS: Final = (390, 1440)
CONTRAST: Final = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


def _judge(page: Page) -> list[str]:
    """All rules at each width; then, with Latin letters for Arabic ones, contrast at each width and scheme.

    No other rule looks at colours.
    """
    page.evaluate(tool("axe-core/axe.min.js").read_text("utf-8"))
    found = [fault for _ in _sizes(page) for fault in _faults(page, ALL)]
    page.evaluate(SWAP)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        found += [f"{scheme}: {fault}" for _ in _sizes(page) for fault in _faults(page, CONTRAST)]
    return found


def _sizes(page: Page) -> Iterator[int]:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        yield width


def _faults(page: Page, rules: Mapping[str, Any]) -> list[str]:
    return list(page.evaluate(RUN, {**rules, "resultTypes": ["violations"]}))


@pytest.mark.timeout(900)  # two dozen pages, six looks at each
def test_no_page_breaks_wcag(browser: Browser, pages: Mapping[str, str]) -> None:
    """Phone and desktop, light and dark: nothing on any kind of page."""
    found = {}
    with browser.new_context(bypass_csp=True) as context:
        for name, url in pages.items():
            page = context.new_page()
            page.goto(url)
            if faults := _judge(page):
                found[name] = faults
            page.close()
    assert found == {}


def test_pale_arabic_is_found_though_axe_alone_skips_it(browser: Browser) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.set_content(PALE)
        page.evaluate(tool("axe-core/axe.min.js").read_text("utf-8"))
        assert _faults(page, CONTRAST) == []
        page.evaluate(SWAP)
        assert len(_faults(page, CONTRAST)) == 1
