"""From validated wire models to what is stored: normalised text, safe markup, and a warning for each change.

Nothing is changed in silence. Validation itself is the schemas'; what needs the database is the commands'.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from nashr.domain.errors import Fault, Refused
from nashr.domain.inline import clean_html
from nashr.domain.text import plain, without_bidi_overrides
from pydantic import BaseModel

from nashr_ingest.characters import character_fault, character_faults
from nashr_ingest.schemas.article import Draft
from nashr_ingest.schemas.fields import Patch

_BIDI: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_BREAK: Final = re.compile(r"[\r\n\t][\r\n\t ]*")
_OWN_LINES: Final = frozenset({"note", "text", "bio", "reason", "public_notice", "usage_terms"})
_AS_SENT: Final = frozenset({"extensions", "secret"})


@dataclass(frozen=True)
class Cleaned:
    """A model's content as it is stored, all fields present, and what was changed on the way."""

    doc: dict[str, Any]
    warnings: tuple[Fault, ...] = ()


def clean(model: BaseModel) -> Cleaned:
    """The model as plain JSON values with clean texts; of a Patch only what was given. Times are RFC 3339.

    Raises Refused("invalid") with the pointer of each text that holds a control character.
    """
    sweep = _Sweep()
    values = model.model_dump()
    if isinstance(model, Patch):
        values = {name: value for name, value in values.items() if name in model.model_fields_set}
    doc = sweep.mapping(values, "")
    if sweep.faults:
        raise Refused("invalid", "some texts hold characters that cannot be kept", faults=tuple(sweep.faults))
    return Cleaned(doc, tuple(sweep.warnings))


def clean_draft(draft: Draft) -> Cleaned:
    """The draft as a revision stores it.

    Raises Refused("invalid") as ``clean`` does, and where nothing visible is left of a headline, a
    heading or the whole body, or two blocks share an id.
    """
    cleaned = clean(draft)
    if faults := (*_invisible(cleaned.doc), *_doubled_ids(cleaned.doc["body"])):
        raise Refused("invalid", "the draft is not valid: see errors", faults=faults)
    return cleaned


@dataclass
class _Sweep:
    """One walk over a document: cleans, and notes what it changed and what it must refuse."""

    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)

    def mapping(self, values: Mapping[str, Any], at: str) -> dict[str, Any]:
        return {name: self.field(name, value, f"{at}/{name}") for name, value in values.items()}

    def field(self, name: str, value: Any, at: str) -> Any:
        if name in _AS_SENT:
            self.faults += character_faults(value, at=at)
            return value
        return self.value(value, at, html=name in {"html", "items"}, lines=name in _OWN_LINES)

    def value(self, value: Any, at: str, *, html: bool, lines: bool) -> Any:
        if isinstance(value, str):
            return self.html(value, at) if html else self.text(value, at, lines=lines)
        if isinstance(value, dict):
            return self.mapping(value, at)
        if isinstance(value, list):
            return [
                self.value(item, f"{at}/{index}", html=html, lines=lines) for index, item in enumerate(value)
            ]
        return value

    def text(self, text: str, at: str, *, lines: bool) -> str:
        kept = self._without_bidi(self._storable(text, at), at)
        return kept.strip() if lines or not _BREAK.search(kept) else " ".join(_BREAK.split(kept)).strip()

    def html(self, text: str, at: str) -> str:
        # Overrides go before the markup is read, so that none can hide in an address, and after it,
        # because &#x202E; only turns into one there.
        before = len(self.warnings)
        kept, removed = clean_html(self._without_bidi(self._storable(text, at), at))
        again = without_bidi_overrides(kept) if _BIDI.search(kept) else kept
        if again != kept and len(self.warnings) == before:
            self._warn_of_bidi(at)
        if removed:
            self.warnings.append(Fault(at, "removed_markup", f"removed: {_shortened(removed)}"))
        return self._storable(again, at)

    def _storable(self, text: str, at: str) -> str:
        if fault := character_fault(text, at=at):
            self.faults.append(fault)
            return ""
        return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)

    def _without_bidi(self, text: str, at: str) -> str:
        if not _BIDI.search(text):
            return text
        kept = without_bidi_overrides(text)
        if kept != text:
            self._warn_of_bidi(at)
        return kept

    def _warn_of_bidi(self, at: str) -> None:
        self.warnings.append(
            Fault(
                at,
                "removed_bidi",
                "removed bidi overrides or unbalanced isolates; RLM, LRM, ZWNJ and ZWJ stay",
            )
        )


def _shortened(removed: tuple[str, ...]) -> str:
    more = f" and {len(removed) - 10} more" if len(removed) > 10 else ""
    return ", ".join(removed[:10]) + more


def _invisible(doc: Mapping[str, Any]) -> Iterator[Fault]:
    """Texts that must show something and hold nothing but marks and spaces once they are clean."""
    if not _shows(doc["headline"]):
        yield Fault("/headline", "empty", "headline must hold at least one letter or digit")
    for index, block in enumerate(doc["body"]):
        if block["type"] == "heading" and not _shows(block["text"]):
            yield Fault(f"/body/{index}/text", "empty", "a heading must hold at least one letter or digit")
    if not any(_block_shows(block) for block in doc["body"]):
        yield Fault("/body", "empty", "no block holds anything a reader would see: write the text")


def _block_shows(block: Mapping[str, Any]) -> bool:
    match block["type"]:
        case "image" | "embed":
            return True
        case "heading":
            return _shows(block["text"])
        case "list":
            return any(_shows(plain(item)) for item in block["items"])
    return _shows(plain(block["html"]))


def _shows(text: str) -> bool:
    return any(unicodedata.category(char)[0] in "LNPS" for char in text)


def _doubled_ids(body: list[dict[str, Any]]) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, block in enumerate(body):
        if block["id"] and block["id"] in seen:
            yield Fault(
                f"/body/{index}/id", "invalid", f"another block is {block['id']} already: choose another id"
            )
        seen.add(block["id"])
