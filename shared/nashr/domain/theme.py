"""What a site's ``[theme]`` may hold: every key that pages and cards read, and what its value must be.

Not here: how colours are made readable, what a theme folder holds. That is delivery's, and cards'.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final, Literal

from nashr.domain.errors import Fault

Kind = Literal["colour", "text", "file", "folder"]

KEYS: Final[Mapping[str, Kind]] = {
    "folder": "folder",
    "accent": "colour",
    "accent_dark": "colour",
    "paper": "colour",
    "paper_dark": "colour",
    "ink": "colour",
    "ink_dark": "colour",
    "card_background": "colour",
    "card_text": "colour",
    "card_font": "file",
    "tagline": "text",
    "footer": "text",
    "x_handle": "text",
    "publishing_principles": "text",
    "corrections_policy": "text",
    "ethics_policy": "text",
    "masthead": "text",
}
CARD_KEYS: Final = frozenset({"accent", "card_background", "card_text", "card_font"})
"""What the look of social cards comes from: another tagline draws none of them anew."""

TEXTS: Final = "texts"
_COLOUR: Final = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


def is_colour(text: str) -> bool:
    """Whether ``text`` is ``#rgb`` or ``#rrggbb``."""
    return _COLOUR.fullmatch(text) is not None


def theme_faults(theme: Any) -> list[Fault]:
    """What is wrong with a ``[theme]``, the table of texts in it included, one fault per key."""
    if not isinstance(theme, Mapping):
        return [Fault("/theme", "bad_type", 'a table, such as [theme] and accent = "#9b1c31" below it')]
    return [fault for name, value in theme.items() for fault in _faults(name, value)]


def _faults(name: str, value: Any) -> Iterator[Fault]:
    at = f"/theme/{name}"
    if name == TEXTS:
        yield from _text_faults(value)
    elif name not in KEYS:
        near = get_close_matches(name, KEYS, n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        known = ", ".join((*KEYS, TEXTS))
        yield Fault(at, "unknown_field", f"{name} is no key of a theme: {meant}known: {known}")
    elif not isinstance(value, str):
        yield Fault(at, "bad_type", f"give {name} as text in quotes, or leave it out")
    elif KEYS[name] == "colour" and not is_colour(value):
        yield Fault(at, "invalid", f"{value} is no colour: give #rgb or #rrggbb, such as #9b1c31")


def _text_faults(texts: Any) -> Iterator[Fault]:
    if not isinstance(texts, Mapping):
        yield Fault("/theme/texts", "bad_type", 'a table of words, such as see_also = "Read on"')
        return
    for name, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            yield Fault(f"/theme/texts/{name}", "bad_type", f"give {name} as text, or leave it out")


def sound(theme: Any) -> dict[str, Any]:
    """What of a stored theme still holds: a site that was applied before a check must go on."""
    if not isinstance(theme, Mapping):
        return {}
    kept = {name: value for name, value in theme.items() if not list(_faults(name, value))}
    texts = theme.get(TEXTS)
    if isinstance(texts, Mapping):
        kept[TEXTS] = {name: text for name, text in texts.items() if not list(_text_faults({name: text}))}
    return kept


def bundle_key(site: str, sha256: str) -> str:
    """Where a site's theme folder lies in the private bucket, as one file."""
    return f"{bundles_of(site)}{sha256}.json"


def bundles_of(site: str) -> str:
    """What the keys of a site's theme folders begin with."""
    return f"{site}/themes/"


def is_bundle_key(site: str, key: str) -> bool:
    """Whether a key of the private bucket can only be a theme folder of this site."""
    return re.fullmatch(rf"{re.escape(site)}/themes/[0-9a-f]{{64}}\.json", key) is not None
