"""The sanitiser against generated markup, judged by a parser that reads HTML as browsers do."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as parser
from nashr.domain.inline import ATTRIBUTES, TAGS, clean_html
from nashr.domain.urls import is_link

FUZZ = settings(settings.get_profile("fuzz"))
NAMES = [
    *("a", "b", "bdi", "em", "i", "p", "s", "span", "strong", "sub", "sup", "u", "br"),
    *(
        "script",
        "style",
        "svg",
        "math",
        "mtext",
        "mglyph",
        "annotation-xml",
        "foreignObject",
        "desc",
        "title",
    ),
    *("table", "tr", "td", "select", "option", "template", "noscript", "textarea", "xmp", "plaintext"),
    *("iframe", "object", "embed", "img", "image", "video", "audio", "source", "input", "form", "button"),
    *("base", "meta", "link", "frameset", "body", "html", "head", "marquee", "details", "x-y", "a:b"),
]
KEYS = [
    *(
        "href",
        "src",
        "srcset",
        "style",
        "class",
        "id",
        "lang",
        "dir",
        "rel",
        "hreflang",
        "xlink:href",
        "action",
    ),
    *(
        "onclick",
        "onerror",
        "onload",
        "ontoggle",
        "formaction",
        "srcdoc",
        "data",
        "background",
        "poster",
        "is",
    ),
]
VALUES = [
    *("javascript:alert(1)", "JaVa\tScript:alert(1)", "&#106;avascript:alert(1)", "data:text/html,<script>"),
    *("//evil.example", "/\\evil.example", "https://good.example/", "mailto:a@b.example", "/path", "#", "?"),
    *(
        '"><script>',
        "' onload='x",
        "x y",
        "rtl",
        "ar",
        "\x00",
        "\u2028",
        "\u202e",
        "خبر",
        "&quot;",
        "`",
        "=",
        "",
    ),
]
letters = st.text(alphabet=st.characters(blacklist_categories=["Cs", "Cc"]), max_size=8)
"""The API refuses control characters before it cleans anything."""
space = st.sampled_from([" ", "\t", "\n", "\f", "/", "", "\r", "\u00a0"])
quote = st.sampled_from(['"', "'", ""])
attribute = st.builds(
    lambda gap, key, eq, mark, value: f"{gap}{key}{eq}{mark}{value}{mark}",
    space,
    st.sampled_from(KEYS),
    st.sampled_from(["=", " = ", ""]),
    quote,
    st.one_of(st.sampled_from(VALUES), letters),
)
opened = st.builds(
    lambda name, attributes, end: f"<{name}{''.join(attributes)}{end}",
    st.sampled_from(NAMES),
    st.lists(attribute, max_size=3),
    st.sampled_from([">", "/>", "", " >", "\n>"]),
)
closed = st.builds(
    lambda name, end: f"</{name}{end}", st.sampled_from(NAMES), st.sampled_from([">", "", " x>"])
)
other = st.sampled_from(
    [
        "<!--",
        "-->",
        "--!>",
        "<![CDATA[",
        "]]>",
        "<!doctype html>",
        "<?xml ",
        "?>",
        "&",
        "&lt;",
        "&#60;",
        "<",
        ">",
    ]
)
markup = st.lists(st.one_of(opened, closed, other, letters), max_size=12).map("".join)


@FUZZ
@given(markup)
def test_only_what_is_allowed_comes_out(text: str) -> None:
    """Of elements, attributes and addresses; and a second cleaning changes nothing."""
    cleaned, _ = clean_html(text)

    for element in _parsed(cleaned).iterdescendants():
        assert element.tag in TAGS, cleaned
        assert set(element.attrib) <= ATTRIBUTES.get(element.tag, set()) | {"rel"}, cleaned
        if "href" in element.attrib:
            assert is_link(element.attrib["href"]), cleaned
    assert clean_html(cleaned)[0] == cleaned


@FUZZ
@given(st.text(alphabet=st.characters(blacklist_categories=["Cs", "Cc"]), max_size=80))
def test_text_stays_text(text: str) -> None:
    """What a writer types reaches the reader letter by letter once it is escaped, whatever it looks like."""
    typed = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    cleaned, removed = clean_html(typed)

    assert not removed
    assert "".join(_parsed(cleaned).itertext()) == text


def _parsed(text: str) -> Any:
    return parser.fromstring(f"<div>{text}</div>")
