"""What a site's texts and addresses may hold: they reach headers, object keys and every page.

Asked of what is sent. Sites that were stored before a rule go on as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from nashr.domain.errors import Fault
from nashr.domain.slugs import is_lookalike
from nashr.domain.text import UNSTORABLE, without_bidi_overrides
from nashr.domain.urls import is_reserved_path, is_web_url, site_path

_BREAKS: Final = re.compile("[\r\n\t\u2028\u2029]")
_TOKEN: Final = re.compile(r"\{[a-z]+\}")
_LINES: Final = frozenset({"/theme/footer", "/theme/tagline"})
"""Texts that may have lines of their own."""


def rule_faults(data: Mapping[str, Any]) -> list[Fault]:
    """The faults of a site whose fields have the right types, by pointer."""
    return [
        *(fault for at, text in _texts(data, "") if (fault := _text_fault(text, at))),
        *_base_url_faults(data["base_url"]),
        *_logo_faults(data.get("logo") or ""),
        *_article_path_faults(data.get("article_path") or "/{slug}/"),
        *_prefix_faults(data.get("prefix") or ""),
        *_section_faults(data["sections"]),
    ]


def _texts(value: Any, at: str) -> Iterator[tuple[str, str]]:
    """Every text with its pointer."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _texts(item, f"{at}/{name}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _texts(item, f"{at}/{index}")


def _text_fault(text: str, at: str) -> Fault | None:
    if found := UNSTORABLE.search(text):
        return _character(at, found[0], "which cannot be kept")
    if at not in _LINES and (found := _BREAKS.search(text)):
        return _character(at, found[0], "and this is one line")
    if without_bidi_overrides(text) != text:
        return Fault(at, "bad_character", "it holds bidi overrides or unbalanced isolates: remove them")
    return None


def _character(at: str, char: str, why: str) -> Fault:
    return Fault(at, "bad_character", f"it holds U+{ord(char):04X}, {why}: remove it")


def _base_url_faults(text: str) -> Iterator[Fault]:
    path = text.partition("://")[2].partition("/")[2]
    if not is_web_url(text):
        yield Fault("/base_url", "bad_url", "an http(s) URL without user name, spaces, quotes or brackets")
    elif path.strip("/") and (why := _path_fault(f"/{path.strip('/')}")):
        yield Fault("/base_url", "bad_url", why)


def _logo_faults(text: str) -> Iterator[Fault]:
    if "://" in text or text.startswith("//"):
        if not is_web_url(text):
            yield Fault("/logo", "bad_url", "an http(s) URL, or a path such as logo.svg")
    elif text.strip("/") and (why := _path_fault(f"/{text.lstrip('/')}")):
        yield Fault("/logo", "bad_url", why)


def _article_path_faults(text: str) -> Iterator[Fault]:
    path = _TOKEN.sub("x", text)
    if why := _path_fault(path):
        yield Fault("/article_path", "invalid", why)
    elif is_reserved_path(path):
        yield Fault("/article_path", "reserved", f"{text} lies below a path of the site itself")


def _prefix_faults(text: str) -> Iterator[Fault]:
    if text and (why := _path_fault(f"/{text}")):
        yield Fault("/prefix", "invalid", why)


def _section_faults(sections: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    for index, section in enumerate(sections):
        if is_lookalike(section["slug"]):
            detail = "a word of it mixes Latin, Greek or Cyrillic letters, which look alike: use one script"
            yield Fault(f"/sections/{index}/slug", "bad_slug", detail)


def _path_fault(path: str) -> str | None:
    """Why no page can lie at ``path``; None where one can."""
    try:
        site_path(path)
    except ValueError as error:
        return str(error)
    return None
