"""The allow-list against what attackers send, and what honest editors send."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nashr.domain.inline import ATTRIBUTES, TAGS, clean_html, harmless
from nashr.domain.urls import is_link

Send = Callable[..., httpx.Response]

XSS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    '<img src="//evil.example/track.gif">',
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<b onclick=alert(1)>x</b>",
    "<b onmouseover = 'alert(1)'>x</b>",
    "<b style='background:url(javascript:alert(1))'>x</b>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<a href=\"JaVaScRiPt:alert(1)\">x</a>",
    "<a href=\"java&#10;script:alert(1)\">x</a>",
    "<a href=\"java\tscript:alert(1)\">x</a>",
    "<a href=\"&#106;avascript:alert(1)\">x</a>",
    "<a href=\" javascript:alert(1)\">x</a>",
    "<a href=\"data:text/html,<script>alert(1)</script>\">x</a>",
    "<a href=\"vbscript:msgbox(1)\">x</a>",
    "<a href=\"//evil.example\">x</a>",
    "<a href=\"/\\evil.example\">x</a>",
    "<a href=\"\\\\evil.example\">x</a>",
    "<a href=\"/\t/evil.example\">x</a>",
    "<a href=\"/\u202e/evil.example\">x</a>",
    "<a href=\"/&#x202e;/evil.example\">x</a>",
    "<a href=\"https:evil.example\">x</a>",
    "<a href=\"https:/\\evil.example\">x</a>",
    "<a href=\"https://good.example@evil.example/\">x</a>",
    "<a href=\"https://x\" target=_blank onclick=alert(1)>x</a>",
    "<a href='https://x\" onmouseover=\"alert(1)'>x</a>",
    "<span lang='\"><script>alert(1)</script>'>x</span>",
    "<span dir='rtl\" onload=\"x'>x</span>",
    "<form action=//evil.example><input name=password></form>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<object data=//evil.example/x.swf></object>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<template><script>alert(1)</script></template>",
    "<!--<img src=\"--><img src=x onerror=alert(1)//\">",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<![foo[<b>x",
    "<?xml version=1.0?><b>x</b>",
    "<details open ontoggle=alert(1)>x</details>",
    "<b/onclick=alert(1)>x</b>",
    "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>",
]  # fmt: skip
FIELDS = ("paragraph", "quote", "list")
_TAG = re.compile(r"<(/?)([a-z]+)((?: [a-z]+=\"[^\"<>]*\")*)>")


def _harmless(html: str) -> bool:
    """An independent reader of the output: nothing but listed tags, listed attributes and good links."""
    for _, tag, attributes in _TAG.findall(html):
        names = re.findall(r' ([a-z]+)="([^"]*)"', attributes)
        if tag not in TAGS or any(name not in ATTRIBUTES.get(tag, ()) for name, _ in names):
            return False
        if any(name == "href" and not is_link(value) for name, value in names):
            return False
    return "<" not in _TAG.sub("", html)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("payload", XSS)
def test_no_attack_survives_and_each_removal_is_told(
    send: Send, draft: dict[str, Any], payload: str, field: str
) -> None:
    """Through every HTML field: what is stored is harmless, and a warning with the pointer says what went."""
    block, at = {
        "paragraph": ({"type": "paragraph", "html": payload}, "/body/1/html"),
        "quote": ({"type": "quote", "html": payload}, "/body/1/html"),
        "list": ({"type": "list", "items": ["x", payload]}, "/body/1/items/1"),
    }[field]
    draft["body"] = [draft["body"][0], block]

    answer = send("POST", "/v1/articles", json=draft).json()

    stored = answer["doc"]["body"][1]
    assert _harmless(stored["items"][1] if field == "list" else stored["html"])
    warned = {(warning["pointer"], warning["code"]) for warning in answer["warnings"]}
    assert warned & {(at, "removed_markup"), (at, "removed_bidi")}


@pytest.mark.parametrize(
    "html",
    [
        "نص <b>غامق</b> و<em>مائل</em> وH<sub>2</sub>O",
        '<span lang="en" dir="ltr">breaking</span>',
        '<a href="/politics/خبر/">داخلي</a>',
        '<a href="https://example.org/a?b=1&amp;c=2" hreflang="en" rel="nofollow noopener">خارجي</a>',
        '<a href="mailto:desk@example.org">راسلنا</a>',
        "سطر<br>سطر",
        "3 &lt; 5 &amp; 7",
        "اقتباس \"كما كُتب\" و'هكذا'",
        "می\u200cخواهم\u200f",
    ],
)
def test_honest_markup_stays_as_typed(html: str) -> None:
    """What the contract lists passes unchanged and unwarned."""
    assert clean_html(html) == (html, ())


@pytest.mark.parametrize(
    ("html", "stored"),
    [
        ("سطر<br/>سطر", "سطر<br>سطر"),
        ("<B>x</B>", "<b>x</b>"),
        ("a &quot;b&quot;", 'a "b"'),
        ("<b>open", "<b>open</b>"),
        ("3 < 5", "3 &lt; 5"),
        ('<a href=" https://example.org/ ">x</a>', '<a href="https://example.org/" rel="noopener">x</a>'),
        (
            '<a href="https://e.org" rel="sponsored">x</a>',
            '<a href="https://e.org" rel="sponsored noopener">x</a>',
        ),
    ],
)
def test_another_spelling_of_the_same_is_no_warning(html: str, stored: str) -> None:
    """Normalising is not removing: an editor is not told of changes nobody can see."""
    assert clean_html(html) == (stored, ())


def test_a_removed_link_keeps_its_words() -> None:
    """A dropped address leaves the text, without an empty anchor around it."""
    cleaned, removed = clean_html('انظر <a href="//evil.example">هنا</a>')

    assert cleaned == "انظر هنا"
    assert removed == ("href '//evil.example' of <a>",)


def test_pasted_paragraphs_do_not_run_together() -> None:
    """Block tags are removed with a space where they ended."""
    cleaned, removed = clean_html("<p>one</p><p>two</p>")

    assert cleaned == "one two"
    assert removed == ("<p>",)


def test_the_warning_names_what_went() -> None:
    """Tags and attributes are named, each once."""
    _, removed = clean_html('<img src=x><img src=y><b onclick="x()">z</b><!-- hidden -->')

    assert removed == ("<img>", "onclick of <b>", "a comment or declaration")


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [*XSS, "<", ">", '"', "'", "&", "&lt;", "<b>", "</b>", "<a href=", "x", " ", "خ", "<p>", "</p>"]
        ),
        max_size=8,
    ).map("".join)
)
def test_cleaning_is_safe_and_settled_for_any_mixture(html: str) -> None:
    """Whatever is glued together: the output is harmless and cleaning it again changes nothing."""
    cleaned, _ = clean_html(html)

    assert _harmless(cleaned)
    assert clean_html(cleaned)[0] == cleaned
    assert harmless(cleaned) == cleaned
    assert _harmless(harmless(html))


@pytest.mark.parametrize(
    "piece", ["<a ", "<a '", '<a "', "<", "<!--", "<b x=", "</", "<a href='", " = ", "<b>", "&#x"]
)
def test_twenty_kilobytes_of_nonsense_cost_little(piece: str) -> None:
    """Naming what went is linear in the length: no paragraph can hold up the API."""
    before = time.process_time()

    clean_html(piece * (20_000 // len(piece)))

    assert time.process_time() - before < 0.5, sys.version
