"""The chrome's own words, out of gettext catalogues in ``texts/``. Dates and times are nashr.domain.locales'.

A word is a field of ``Words`` and a message of each catalogue, whose id is the field's name; where the field
holds several words, the id goes on after a dot: ``roles.editor``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from importlib.resources import files
from string import Formatter
from typing import Any, Final

from babel.messages.pofile import PoFileError, read_po

_PO_LINE: Final = re.compile(r'(?:msg\w+(?:\[\d+\])?\s+)?"(?:[^"\\]|\\.)*"')

LANGUAGES: Final = ("ar", "en", "fa", "ur")
"""Those that have a catalogue."""

Texts = tuple[tuple[str, str], ...]
"""Words of a site's own: (id, text)."""


@dataclass(frozen=True)
class Words:
    """Every word that the page says by itself. ``{}`` marks what is filled in."""

    language: str
    home: str
    sections: str
    skip: str
    see_also: str
    related: str
    latest: str
    share: str
    share_on: str
    share_email: str
    by: str
    separator: str
    published: str
    updated: str
    source: str
    translated: str
    translated_machine: str
    translated_reviewed: str
    ai_assisted: str
    ai_generated: str
    roles: dict[str, str]
    kinds: dict[str, str]
    corrections: str
    correction_kinds: dict[str, str]
    opens: str
    older: str
    newer: str
    pages: str
    archive: str
    archive_of: str
    nothing_yet: str
    feeds: str
    back_home: str
    moved: str
    moved_to: str
    notices: dict[int, tuple[str, str]]
    topics: str
    about_topic: str
    by_author: str
    numbered: str
    elsewhere: str
    about_site: str
    editions: str
    retracted: str
    corrected: str


@dataclass(frozen=True)
class Message:
    """A text of a catalogue, and the line that it stands in."""

    text: str
    line: int


class BadCatalogue(ValueError):
    """A file that is no gettext catalogue; ``line`` says where."""

    def __init__(self, text: str, line: int) -> None:
        super().__init__(text)
        self.line = line


def words(locale: str, own: Texts = ()) -> Words:
    """The chrome's words for a BCP 47 tag, those of ``own`` instead of ours.

    A language without a catalogue has the English ones where ``own`` does not give it.
    """
    return _words(locale.split("-", maxsplit=1)[0].lower(), own)


@lru_cache(maxsize=64)
def _words(language: str, own: Texts) -> Words:
    ours = catalogue(language if language in LANGUAGES else "en")
    texts = {**ours, **{name: text for name, text in own if not fault(name, text)}}
    spoken = language if language in LANGUAGES or texts.keys() <= dict(own).keys() else "en"
    return Words(language=spoken, **{name: _value(name, texts) for name in _NAMES})


_NAMES: Final = tuple(field.name for field in fields(Words) if field.name != "language")


def _value(name: str, texts: Mapping[str, str]) -> Any:
    """The text of a field, or its several texts by what follows the dot."""
    if name in texts:
        return texts[name]
    several = {key.partition(".")[2]: text for key, text in texts.items() if key.startswith(f"{name}.")}
    return _notices(several) if name == "notices" else several


def _notices(texts: Mapping[str, str]) -> dict[int, tuple[str, str]]:
    """(title, text) by status, out of ``404.title`` and ``404.text``."""
    statuses = sorted({int(key.partition(".")[0]) for key in texts})
    return {status: (texts[f"{status}.title"], texts[f"{status}.text"]) for status in statuses}


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """The texts of one of LANGUAGES by id."""
    found = messages(files("nashr_delivery").joinpath(f"texts/{language}.po").read_bytes())
    return {name: message.text for name, message in found.items()}


def messages(file: bytes) -> Mapping[str, Message]:
    """The translated messages of a gettext catalogue. Raises BadCatalogue."""
    try:
        text = file.decode()
    except UnicodeDecodeError as error:
        raise BadCatalogue("save it as UTF-8", file[: error.start].count(b"\n") + 1) from error
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#") and not _PO_LINE.fullmatch(line.strip()):
            raise BadCatalogue(f'write msgid "..." and msgstr "...", not {line.strip()}', number)
    try:
        found = read_po(io.StringIO(text), abort_invalid=True)
    except PoFileError as error:
        raise BadCatalogue(str(error), int(error.lineno) + 1) from error
    return {
        str(one.id): Message(one.string, one.lineno or 1)
        for one in found
        if one.id and isinstance(one.string, str) and one.string
    }


def fault(name: str, text: str) -> str | None:
    """Why ``text`` cannot be the word ``name``; None where it can."""
    ours = catalogue("en").get(name)
    if ours is None:
        return f"{name} is no word of the pages: docs/themes.md lists them"
    wanted, found = placeholders(ours), placeholders(text)
    if wanted != found:
        return f"{name} must hold {' and '.join(wanted) or 'no braces'}, as {ours!r} does"
    return None


def placeholders(text: str) -> list[str]:
    """What is filled into a text, sorted; braces that do not match are returned as they are."""
    try:
        parts = [part[1:] for part in Formatter().parse(text) if part[1] is not None]
    except ValueError:
        return [text]
    return sorted(
        "{" + f"{name}{f'!{how}' if how else ''}{f':{spec}' if spec else ''}" + "}"
        for name, spec, how in parts
    )
