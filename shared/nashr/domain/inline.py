"""Inline HTML out of an editor's hands: a strict allow-list, and what it took away by name.

It is gone through twice: when a draft is accepted, and when a page is made of what the database gives.
nh3 (ammonia on html5ever) decides what stays; the inventory here only explains the difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Final

import nh3

from nashr.domain.site import is_language
from nashr.domain.urls import is_link

TAGS: Final = frozenset({"b", "strong", "i", "em", "u", "sub", "sup", "br", "bdi", "span", "a"})
ATTRIBUTES: Final = {"a": {"href", "rel", "hreflang"}, "span": {"lang", "dir"}}
_RELATIONS: Final = frozenset(
    {"author", "external", "license", "me", "nofollow", "noopener", "noreferrer", "sponsored", "tag", "ugc"}
)
_GONE_WITH_CONTENT: Final = frozenset(
    {
        "script", "style", "svg", "math", "template", "iframe", "object", "noscript", "noembed", "noframes",
        "xmp", "plaintext", "textarea", "title", "select",
    }
)  # fmt: skip
_BLOCK_END: Final = re.compile(
    r"</(?:p|div|li|h[1-6]|tr|td|th|blockquote|section|article)\s*>", re.IGNORECASE
)
_ANCHOR: Final = re.compile(r'<a((?: [a-z]+="[^"]*")*)>')
_ATTRIBUTE: Final = re.compile(r' ([a-z]+)="([^"]*)"')
_MARKUP: Final = re.compile(r"""<(?:([a-zA-Z][^\s/>]*)((?:[^>"']|"[^"]*"|'[^']*')*)|([!?]))""")
_RAW_ATTRIBUTE: Final = re.compile(r"""([^\s"'<>/=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+))?""")
_BETWEEN: Final = re.compile(r"<[^<>]*>")
_BARE_ANCHOR: Final = re.compile(r"<a>(.*?)</a>", re.DOTALL)


def clean_html(html: str) -> tuple[str, tuple[str, ...]]:
    """The inline HTML that stays, and the names of what did not (``<script>``, ``onclick of <b>``).

    Cleaning twice changes nothing more. Links off the site get ``rel=noopener``; ``nofollow`` stays the
    editor's choice, because whom a newsroom links to is its word.
    """
    kept = _CLEANER.clean(html)
    cleaned = _tidy(kept)
    if kept == html:
        return cleaned, ()
    removed = tuple(dict.fromkeys(_beyond_the_list(html)))
    if removed and _BLOCK_END.search(html):
        # Two pasted paragraphs must not end up as one word where they met.
        cleaned = _tidy(_CLEANER.clean(_BLOCK_END.sub(r"\g<0> ", html))).strip()
    if not removed and _words(cleaned) != _words(html):
        removed = ("text inside broken markup",)
    return cleaned, removed


def harmless(html: str) -> str:
    """Stored inline HTML through the list once more: what ``clean_html`` gave comes back as it is.

    Text without a tag is not parsed: it cannot begin one.
    """
    if "<" not in html:
        return html
    kept = _CLEANER.clean(html)
    return html if kept == html else _tidy(kept)


def _words(html: str) -> str:
    """The text between tags; unlike nashr.domain.text.plain linear in what is not clean yet."""
    return " ".join(unescape(_BETWEEN.sub("", html)).split())


def _tidy(html: str) -> str:
    if "<a" not in html:
        return html
    return _BARE_ANCHOR.sub(r"\1", _ANCHOR.sub(_with_rel, html))


def _with_rel(anchor: re.Match[str]) -> str:
    attributes = dict(_ATTRIBUTE.findall(anchor[1]))
    if "href" not in attributes:
        return "<a>"
    if attributes["href"][:4].lower() == "http":
        relations = attributes.get("rel", "").split()
        attributes["rel"] = " ".join(dict.fromkeys([*relations, "noopener"]))
    return "<a" + "".join(f' {name}="{value}"' for name, value in sorted(attributes.items())) + ">"


def _kept(tag: str, attribute: str, value: str) -> str | None:
    """The value an allowed attribute may keep, or None."""
    match tag, attribute:
        case "a", "href":
            return value.strip() if is_link(value.strip()) else None
        case "a", "rel":
            return " ".join(word for word in value.lower().split() if word in _RELATIONS) or None
        case ("a", "hreflang") | ("span", "lang"):
            return value if is_language(value) else None
        case "span", "dir":
            return value.lower() if value.lower() in {"ltr", "rtl", "auto"} else None
    return None


_CLEANER: Final = nh3.Cleaner(
    tags=TAGS,
    clean_content_tags=_GONE_WITH_CONTENT,
    attributes=ATTRIBUTES,
    attribute_filter=_kept,
    url_schemes={"http", "https", "mailto"},
    link_rel=None,
)


def _beyond_the_list(html: str) -> Iterator[str]:
    """What a fragment holds beyond the allow-list. Linear in its length, whatever stands in it."""
    for tag, attributes, other in _MARKUP.findall(html):
        if other:
            yield "a comment or declaration"
        elif tag.lower() in TAGS:
            yield from _attributes_beyond(tag.lower(), attributes)
        else:
            yield f"<{tag.lower()[:40]}>"


def _attributes_beyond(tag: str, attributes: str) -> Iterator[str]:
    for raw_name, quoted in _RAW_ATTRIBUTE.findall(attributes):
        name, value = raw_name.lower(), unescape(quoted.strip("\"'"))
        if name not in ATTRIBUTES.get(tag, ()):
            yield f"{name[:40]} of <{tag}>"
        elif _kept(tag, name, value) is None:
            yield f"{name} {value[:60]!r} of <{tag}>"
