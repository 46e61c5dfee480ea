"""Browsers run nothing of what an attacker typed, on any page, and show it as it was typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape, unescape
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.attacks.conftest import listening
from tests.e2e.attacks.hostile import BASE, SITE, fitting
from tests.pages.attacks import FOREIGN, HOOKS, texts

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.conftest import Stack
    from tests.e2e.attacks.conftest import Scene, Seen

pytestmark = pytest.mark.browser


def test_the_traps_work(browser: Browser) -> None:
    """The same payloads on a page that escapes nothing and has no policy run, fetch and lead away."""
    with listening() as sink:
        for number, payload in enumerate(texts(sink.url)):
            sink.pages[f"/trap/{number}"] = f"<!doctype html><p>{payload}</p>"
        context = browser.new_context()
        context.add_init_script(HOOKS)
        tab, ran = context.new_page(), 0
        for path in list(sink.pages)[:20]:
            tab.goto(sink.url + path, wait_until="load")
            ran += bool(tab.evaluate("window.ran") or tab.evaluate(FOREIGN))
        context.close()
        assert ran >= 18
        assert [path for path in sink.asked if path.endswith(".js")]


def test_nothing_runs_and_nothing_is_fetched(scene: Scene, seen: Mapping[str, Seen]) -> None:
    """On every kind of page: no call, no foreign element or handler, nothing that the policy had to stop."""
    for name, page in seen.items():
        assert (page.ran, page.foreign) == ([], []), name
        assert not [text for text in page.said if "Content Security Policy" in text], name
        own = scene.pages[name].split(BASE)[0]
        assert [url for url in page.asked if not url.startswith((own, "data:"))] == [], name
        assert "default-src 'none'" in page.headers["content-security-policy"], name
    assert scene.sink.asked == []


def test_readers_see_what_was_typed(scene: Scene, seen: Mapping[str, Seen]) -> None:
    """Headline, standfirst, kicker, headings, captions, alts and embeds: letter by letter."""
    for number, typed in enumerate(scene.typed):
        page = seen[f"article {number}"].texts
        headline, hero = typed["headline"], typed["hero"]
        assert page["h1"] == [headline]
        assert page[".standfirst"] == [typed["standfirst"]]
        assert page[".kicker"][0] == typed["kicker"]
        assert page["title"][0].startswith(typed["titles"]["seo"])
        assert hero["alt"] in page["alt"]
        assert f"{hero['caption']} {hero['credit']}" in page["figcaption"]
        wanted = [block.get("text") or block.get("title") for block in typed["body"]]
        assert [one for one in wanted if one and one not in (*page["h2"], *page[".title"])] == []
        escaped = [unescape(block["html"]) for block in _escaped(typed)]
        assert [one for one in escaped if one not in page[".article-body p"]] == []


def _escaped(typed: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The paragraphs in which the payloads are text, not markup."""
    return [
        block
        for block in typed["body"]
        if block["type"] == "paragraph" and escape(unescape(block["html"])) == block["html"]
    ]


def test_the_chrome_says_what_the_site_says(scene: Scene, seen: Mapping[str, Seen], stack: Stack) -> None:
    """Name, section labels, banner, an author's words, a correction and a notice arrive as typed, too."""
    home, payloads = seen["home"].texts, texts(scene.sink.url)
    config = stack.admin.get(f"/v1/sites/{SITE}").json()
    assert home[".name"] == [config["name"]]
    assert {one["label"] for one in config["sections"]} <= set(home[".sections a"])
    assert home[".banner"] == [fitting(payloads[30:], 300)]
    assert seen["author"].texts[".bio"] == [one for text in payloads for one in text.splitlines()]
    assert " ".join(payloads) in seen["article 0"].texts[".correction span"]
    assert fitting(payloads, 2000) in seen["killed"].texts[".notice p"]
