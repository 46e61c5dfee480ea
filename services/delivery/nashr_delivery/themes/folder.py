"""Reads a theme folder from disk into a Bundle, and says of each file that does not belong what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nashr.domain.site import is_language

from nashr_delivery.assets import FAVICON, ICON, TOUCH_ICON, TYPES
from nashr_delivery.locales import BadCatalogue, fault, messages
from nashr_delivery.themes import sheet, templates
from nashr_delivery.themes.bundle import Bundle

CSS: Final = "theme.css"
SHEET: Final = "replace.css"
LOGOS: Final = ("logo.svg", "logo.png")
MAX_BYTES: Final = 5_000_000
_LOOSE: Final = frozenset({CSS, SHEET, ICON, TOUCH_ICON, FAVICON, *LOGOS})
_MEDIA: Final = ("fonts/", "images/")
_SUFFIXES: Final = tuple(f".{suffix}" for suffix in TYPES if suffix not in {"css", "ico"})
_NOTES: Final = (".md", ".txt", "~", ".swp")


@dataclass(frozen=True, order=True)
class Flaw:
    """One thing wrong with a theme: its file, the line where there is one, and what to do."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


@dataclass(frozen=True)
class Folder:
    """A theme folder as it was read."""

    path: Path
    bundle: Bundle
    flaws: tuple[Flaw, ...] = field(default=())


def read(path: Path) -> Folder:
    """Everything in the folder that can be used, and what cannot."""
    if not path.is_dir():
        return Folder(path, Bundle(), (Flaw(".", 0, "this folder is not there: correct theme.folder"),))
    flaws: list[Flaw] = []
    found = {name: file.read_bytes() for name, file in _files(path)}
    size = sum(map(len, found.values()))
    if size > MAX_BYTES:
        flaws.append(Flaw(".", 0, f"the folder has {size:,} bytes: at most {MAX_BYTES:,} become a theme"))
    text = {name: _text(name, body, flaws) for name, body in found.items() if _is_text(name)}
    bundle = Bundle(
        templates={
            name.removeprefix(templates.FOLDER): source
            for name, source in text.items()
            if name.startswith(templates.FOLDER)
        },
        css=text.get(CSS, ""),
        sheet=text.get(SHEET),
        texts=dict(_texts(found, flaws)),
        files={name: body for name, body in found.items() if _is_media(name)},
    )
    flaws += [Flaw(name, 0, _misplaced(name)) for name in found if not _belongs(name)]
    for name, css in ((CSS, bundle.css), (SHEET, bundle.sheet or "")):
        flaws += [Flaw(name, line, wrong) for line, wrong in sheet.flaws(css, bundle.files)]
    return Folder(path, bundle, tuple(sorted(flaws)))


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    """(path in the folder, file); notes and what editors leave behind are no part of a theme."""
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        hidden = any(part.startswith(".") for part in name.split("/"))
        if file.is_file() and not hidden and not name.endswith(_NOTES) and file.stem != "LICENSE":
            yield name, file


def _is_text(name: str) -> bool:
    return name in {CSS, SHEET} or (name.startswith(templates.FOLDER) and name.endswith(".html"))


def _is_media(name: str) -> bool:
    return name in {ICON, TOUCH_ICON, FAVICON} or (name.startswith(_MEDIA) and name.endswith(_SUFFIXES))


def _is_catalogue(name: str) -> bool:
    return name.startswith("texts/") and name.endswith(".po")


def _belongs(name: str) -> bool:
    return name in _LOOSE or _is_text(name) or _is_media(name) or _is_catalogue(name)


def _misplaced(name: str) -> str:
    if name.startswith(_MEDIA):
        return f"name a file that ends in {', '.join(_SUFFIXES)}"
    return (
        f"this is no part of a theme: it may hold {', '.join(sorted(_LOOSE))}, templates/*.html, texts/*.po, "
        "and pictures and fonts in images/ and fonts/"
    )


def _text(name: str, body: bytes, flaws: list[Flaw]) -> str:
    try:
        return body.decode().replace("\r\n", "\n").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        flaws.append(Flaw(name, body[: error.start].count(b"\n") + 1, "this is not UTF-8: save it as UTF-8"))
        return ""


def _texts(found: Mapping[str, bytes], flaws: list[Flaw]) -> Iterator[tuple[str, dict[str, str]]]:
    """(locale, words by id) of each catalogue."""
    for name, body in found.items():
        if not _is_catalogue(name):
            continue
        locale = name.removeprefix("texts/").removesuffix(".po")
        if not is_language(locale):
            flaws.append(Flaw(name, 0, "name it for a language, such as texts/ar.po or texts/ar-LB.po"))
        try:
            read = messages(body)
        except BadCatalogue as error:
            flaws.append(Flaw(name, error.line, f"this is no gettext catalogue: {error}"))
            continue
        wrong = {key: fault(key, one.text) for key, one in read.items()}
        flaws += [Flaw(name, read[key].line, text) for key, text in wrong.items() if text]
        yield locale, {key: one.text for key, one in read.items() if not wrong[key]}
