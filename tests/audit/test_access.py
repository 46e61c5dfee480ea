"""axe-core finds no breach of WCAG 2.2 AA, and no pale Arabic.

axe takes a joined Arabic word for an icon and skips its contrast, so the rule runs a second time with Latin
letters in the Arabic ones' places.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.audit.conftest import tool

pytestmark = pytest.mark.browser

TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
RUN: Final = """async (options) => (await axe.run(document, options)).violations.flatMap(
  (rule) => rule.nodes.map((node) => `${rule.id}: ${node.target} ${node.failureSummary}`))"""
SWAP: Final = """() => {
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) walk.currentNode.data = walk.currentNode.data.replace(/\\p{Script=Arabic}/gu, "n");
}"""
PALE: Final = """<!DOCTYPE html><html lang="ar" dir="rtl"><title>x</title><body style="background: #fff">
<p style="color: #ccc">نص عربي باهت لا يكاد يُقرأ على خلفية بيضاء</p>"""
CONTRAST: Final = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}


def _judge(page: Page) -> list[str]:
    """axe's breaches, then those of contrast alone with Latin letters for Arabic ones."""
    page.evaluate(tool("axe-core/axe.min.js").read_text("utf-8"))
    found: list[str] = page.evaluate(RUN, {"runOnly": {"type": "tag", "values": TAGS}})
    return found + _contrast(page)


def _contrast(page: Page) -> list[str]:
    page.evaluate(SWAP)
    found: list[str] = page.evaluate(RUN, CONTRAST)
    return found


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_breaks_wcag(
    browser: Browser, pages: Mapping[str, str], scheme: Literal["light", "dark"], width: int
) -> None:
    found = {}
    with browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True
    ) as context:
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
        assert page.evaluate(RUN, CONTRAST) == []
        assert len(_contrast(page)) == 1
