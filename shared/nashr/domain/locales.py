"""Dates, times and names of languages as a locale writes them: for pages, and for what is drawn of them.

Not here: the words that pages say by themselves; those are delivery's.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime

_OG_REGIONS: Final = {"ar": "AR", "en": "US", "fa": "IR", "he": "IL", "ur": "PK"}


@lru_cache(maxsize=64)
def _locale(tag: str) -> Locale:
    parts = tag.split("-")
    for end in range(len(parts), 0, -1):
        try:
            return Locale.parse("-".join(parts[:end]), sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


@lru_cache(maxsize=4096)
def moment(at: datetime, locale: str, time_zone: str) -> str:
    """Day and time of the site's zone; ``ar-LB`` names Levantine months."""
    local = at.astimezone(ZoneInfo(time_zone))
    chosen = _locale(locale)
    return f"{format_date(local, 'long', locale=chosen)}{_joint(chosen)}{_clock(local, chosen)}"


def _joint(locale: Locale) -> str:
    return "، " if locale.language == "ar" else ", "


def _clock(local: datetime, locale: Locale) -> str:
    return format_datetime(local, "HH:mm", locale=locale)


@lru_cache(maxsize=4096)
def day(at: datetime, locale: str, time_zone: str) -> str:
    """The day alone, in the site's zone."""
    return day_text(day_of(at, time_zone), locale)


def day_of(at: datetime, time_zone: str) -> date:
    """The day on which a moment falls in a zone."""
    return at.astimezone(ZoneInfo(time_zone)).date()


@lru_cache(maxsize=4096)
def day_text(day: date, locale: str) -> str:
    """A day in words, in the locale's digits: ``28 تشرين الثاني 2026`` in Beirut, ``28 نوفمبر`` in Cairo."""
    return format_date(day, "long", locale=_locale(locale))


def month_name(month: date, locale: str) -> str:
    """Month and year, such as ``تشرين الثاني 2026``."""
    return format_date(month, "LLLL y", locale=_locale(locale))


def language_name(tag: str, locale: str) -> str:
    """What ``locale`` calls the language ``tag``; the tag itself where it has no name."""
    name: str = _locale(locale).languages.get(tag.split("-", maxsplit=1)[0].lower(), tag)
    return name


def stamp(at: datetime, time_zone: str) -> str:
    """ISO 8601 with the site's offset, for ``datetime`` attributes and JSON-LD."""
    return at.astimezone(ZoneInfo(time_zone)).isoformat(timespec="seconds")


def og_locale(language: str, site_locale: str) -> str:
    """``ll_CC`` as Open Graph wants it; the site's region counts for its own language."""
    primary = language.split("-", maxsplit=1)[0].lower()
    for tag in (language, site_locale):
        parts = tag.split("-")
        region = next((part for part in parts[1:] if len(part) == 2), None)
        if region and parts[0].lower() == primary:
            return f"{primary}_{region.upper()}"
    return f"{primary}_{_OG_REGIONS.get(primary, primary.upper())}"
