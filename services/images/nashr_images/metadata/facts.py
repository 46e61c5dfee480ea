"""The noun of this package, and the cleaning that every value goes through before anyone sees it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from nashr.domain.text import without_bidi_overrides

_LIMITS: Final = {
    "caption": 2_000,
    "credit": 300,
    "creator": 300,
    "holder": 300,
    "source": 300,
    "licence": 300,
    "usage_terms": 2_000,
    "licensor_url": 300,
    "digital_source_type": 300,
}
"""Characters, as the API takes them."""
_RIGHTS: Final = ("creator", "holder", "source", "licence", "usage_terms")
_ADDRESSES: Final = frozenset({"licensor_url", "digital_source_type"})
_ADDRESS: Final = re.compile(r"https?://[^\s<>\"'\\]+", re.IGNORECASE)
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_LINE: Final = re.compile(r"\r\n?")
_BREAK: Final = re.compile(r"[\r\n\t][\r\n\t ]*")
_MACHINES: Final = re.compile(
    r"(?:olympus|minolta|konica minolta|sony|samsung|kodak|vivitar)?\s*"
    r"(?:digital (?:still )?camera|camera pictures|dsc)"
    r"|exif[_ ]jpeg[_ ]picture|<?digimax [^>]*>?|my beautiful picture|default|untitled"
    r"|(?:dsc|img|dcim|p)[a-z]?[_-]?\d*(?:\.jpe?g)?",
    re.IGNORECASE,
)
"""Captions that cameras write by themselves."""


@dataclass(frozen=True)
class Metadata:
    """Who made a photo and what may be done with it; None is what nobody wrote down.

    ``licence`` is the address of the rights statement or a licence in words, ``digital_source_type`` the
    IPTC NewsCode as it was written, ``licensor_url`` where a licence is to be had.
    """

    caption: str | None = None
    credit: str | None = None
    creator: str | None = None
    holder: str | None = None
    source: str | None = None
    licence: str | None = None
    usage_terms: str | None = None
    licensor_url: str | None = None
    digital_source_type: str | None = None

    def rights(self) -> dict[str, str]:
        """The API's ``rights``: creator, holder, source, licence and usage_terms, only what is there."""
        return {name: value for name in _RIGHTS if (value := getattr(self, name)) is not None}


def cleaned(values: Mapping[str, str | None]) -> dict[str, str]:
    """The fields of Metadata that still say something once they are clean, cut to what the API takes.

    NFC, without control characters, overrides and unbalanced isolates; RLM, LRM, ZWNJ and ZWJ stay. A caption
    that a camera writes by itself says nothing. An address that is none, or that would be cut, neither.
    """
    texts = {name: _text(name, value) for name, value in values.items() if value}
    return {name: text for name, text in texts.items() if text and _says_something(name, text)}


def is_address(text: str | None) -> bool:
    """Whether this is a whole http or https address and nothing else."""
    return bool(text and _ADDRESS.fullmatch(text))


def _text(name: str, value: str) -> str:
    limit = _LIMITS[name]
    # NFC takes time with the square of a run of marks: what can never be kept is not looked at.
    kept = _FORBIDDEN.sub("", without_bidi_overrides(value[: limit * 4]))
    text = unicodedata.normalize("NFC", kept)
    whole = (_LINE.sub("\n", text) if name == "usage_terms" else _BREAK.sub(" ", text)).strip()
    if len(whole) > limit and whole[:8].lower().startswith(("http://", "https://")):
        return ""
    return without_bidi_overrides(whole[:limit]).strip()


def _says_something(name: str, text: str) -> bool:
    if name == "caption" and _MACHINES.fullmatch(text):
        return False
    if name in _ADDRESSES:
        return is_address(text)
    return any(unicodedata.category(char)[0] in "LN" for char in text)
