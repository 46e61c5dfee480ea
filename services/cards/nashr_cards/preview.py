"""``nashr card preview``: a draft's cards as files in a folder, for designers; no stack is needed.

Reads a draft as ``nashr submit`` does, and a site's TOML. Not here: how a card is drawn.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, get_args
from zoneinfo import ZoneInfo

from nashr.domain.cards import State
from nashr.domain.cardwords import card_words, is_breaking
from nashr.domain.errors import Refused
from nashr.domain.locales import day_text
from nashr.domain.site import Site, direction, is_language, parse_site

from nashr_cards import core
from nashr_cards.card import Card, CardText, Theme, UnreadableHero

_COLOURS: Final = {"accent": "accent", "background": "card_background", "text": "card_text"}


class Unusable(ValueError):
    """A file, or a field of one, that no card can be drawn from; the text names it and the cure."""


@dataclass(frozen=True)
class Job:
    """What one preview draws, and what it has to say about it."""

    text: CardText
    theme: Theme
    hero: bytes | None
    focal: tuple[float, float] | None
    notes: tuple[str, ...] = field(default=())


def main(words: list[str] | None = None) -> int:
    """Writes the cards and prints what they are; 1 after one line about what was wrong."""
    asked = _arguments().parse_args(words)
    try:
        job = read(asked.draft, site=asked.site, state=asked.state)
        for line in write(job, asked.out):
            sys.stdout.write(line + "\n")
    except (Unusable, OSError) as error:
        sys.stderr.write(f"nashr: {error}\n")
        return 1
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nashr card preview")
    parser.add_argument("draft", type=Path)
    parser.add_argument("--site", type=Path)
    parser.add_argument("--out", type=Path, default=Path("cards"))
    parser.add_argument("--state", choices=get_args(State))
    return parser


def read(draft: Path, *, site: Path | None, state: State | None = None) -> Job:
    """The draft and the site as the renderer takes them. Raises Unusable."""
    words = _json(draft)
    edition = _site(site) if site else None
    language = words.get("language") or (edition.locale if edition else "ar")
    if not isinstance(language, str) or not is_language(language):
        raise Unusable(f"{draft}: /language: give a BCP 47 tag such as ar or en-GB")
    if state is None:
        state = "breaking" if is_breaking(str(words.get("kicker") or "")) else "plain"
    hero, focal, notes = _photo(draft, words)
    text = CardText(
        headline=_headline(draft, words),
        label=_label(draft, words, edition, state, language),
        language=language,
        direction="rtl" if direction(language) == "rtl" else "ltr",
        date_text=_date(draft, words, edition, language),
        state=state,
    )
    theme, more = _theme(site, edition)
    return Job(text, theme, hero, focal, (*notes, *more))


def write(job: Job, folder: Path) -> Iterator[str]:
    """Draws the cards of all formats into ``folder``; yields what to print. Raises Unusable."""
    try:
        cards = core.draw(job.text, hero=job.hero, focal=job.focal, theme=job.theme)
    except UnreadableHero as error:
        raise Unusable(f"/hero/file: {error}") from error
    folder.mkdir(parents=True, exist_ok=True)
    for card in cards:
        file = folder / f"{card.format}.jpg"
        file.write_bytes(card.data)
        yield _described(card, file)
    if cards[0].missing:
        letters = ", ".join(f"{char} (U+{ord(char):04X})" for char in cards[0].missing)
        yield f"no font has a glyph for {letters}: take it out, or give a font that has it as card_font"
    yield from (*cards[0].faults, *job.notes)


def _described(card: Card, file: Path) -> str:
    size, weight = f"{card.width} x {card.height}", f"{len(card.data) / 1000:.0f} kB"
    lines = f"{card.lines} line" + ("" if card.lines == 1 else "s")
    return f"{card.format:<9} {size:<12} {weight:>6}  {card.font_size:>3} px  {lines}  {file}"


def _json(draft: Path) -> dict[str, Any]:
    try:
        words = json.loads(draft.read_text("utf-8"))
    except ValueError as error:
        raise Unusable(f"{draft} is not JSON in UTF-8: {error}") from error
    if not isinstance(words, dict):
        raise Unusable(f"{draft} must hold one JSON object, the draft")
    return words


def _site(file: Path) -> Site:
    try:
        return parse_site(tomllib.loads(file.read_text("utf-8")))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Unusable(f"{file}: {error}") from error
    except Refused as error:
        faults = "; ".join(f"{fault.pointer}: {fault.detail}" for fault in error.faults)
        raise Unusable(f"{file}: {faults}") from error


def _headline(draft: Path, words: Mapping[str, Any]) -> str:
    titles = words.get("titles")
    social = titles.get("social") if isinstance(titles, Mapping) else None
    chosen = social or words.get("headline")
    if not isinstance(chosen, str) or not chosen.strip():
        raise Unusable(f"{draft}: /headline: give the headline as text")
    return chosen


def _label(draft: Path, words: Mapping[str, Any], site: Site | None, state: State, language: str) -> str:
    """A correction's own word, else the kicker, else the section's label."""
    kicker, slug = words.get("kicker") or "", words.get("section") or ""
    for name, value in (("kicker", kicker), ("section", slug)):
        if not isinstance(value, str):
            raise Unusable(f"{draft}: /{name}: give it as text, or leave it out")
    section = site.section(slug) if site else None
    if site and slug and section is None:
        known = ", ".join(each.slug for each in site.sections)
        raise Unusable(f"{draft}: /section: {site.id} has no section {slug}; it has {known}")
    if state == "correction":
        return card_words(language).correction
    return kicker or (section.label if section else "")


def _date(draft: Path, words: Mapping[str, Any], site: Site | None, language: str) -> str:
    """The day of publication in the site's zone, today where the draft names none."""
    at, zone = words.get("published_at"), ZoneInfo(site.time_zone if site else "UTC")
    try:
        day = datetime.fromisoformat(at) if at else datetime.now(UTC)
    except (TypeError, ValueError):
        raise Unusable(f"{draft}: /published_at: give a time such as 2026-11-23T08:00:00Z") from None
    local = day.astimezone(zone) if day.tzinfo else day
    own = site is not None and site.language == language.split("-", maxsplit=1)[0].lower()
    return day_text(local.date(), site.date_locale if site is not None and own else language)


def _photo(
    draft: Path, words: Mapping[str, Any]
) -> tuple[bytes | None, tuple[float, float] | None, tuple[str, ...]]:
    """The photo of the social image, else of the hero: a file beside the draft."""
    name = "social_image" if words.get("social_image") else "hero"
    use = words.get(name)
    if not use:
        return None, None, ()
    if not isinstance(use, Mapping):
        raise Unusable(f'{draft}: /{name}: give {{"file": "photo.jpg"}}, or leave it out')
    if "file" not in use:
        note = f'/{name}: an asset is not at hand here; give {{"file": "photo.jpg"}} to see the photo'
        return None, None, (note,)
    file = draft.parent / str(use["file"])
    if not file.is_file():
        raise Unusable(f"{draft}: /{name}/file: {file} is not there: put the photo beside the draft")
    return file.read_bytes(), None, ()


def _theme(file: Path | None, site: Site | None) -> tuple[Theme, tuple[str, ...]]:
    """The site's look, out of its TOML and the files beside it; and what could not be read."""
    if file is None or site is None:
        return Theme("", "", "", ""), ()
    colours = {name: site.theme.get(key, "") for name, key in _COLOURS.items()}
    font = site.theme.get("card_font")
    logo, notes = site.logo, list[str]()
    if logo and ("://" in logo or logo.startswith("/")):
        logo = None
        notes.append("/logo: only a file beside the TOML can be shown here")
    theme = Theme(
        **colours,
        site_name=site.name,
        logo=_beside(file, "/logo", logo) if logo else None,
        font=_beside(file, "/theme/card_font", font) if font else None,
    )
    return theme, tuple(notes)


def _beside(file: Path, pointer: str, name: str) -> bytes:
    found = file.parent / name
    if not found.is_file():
        raise Unusable(f"{file}: {pointer}: {found} is not there: put it beside the TOML, or leave it out")
    return found.read_bytes()


if __name__ == "__main__":
    raise SystemExit(main())
