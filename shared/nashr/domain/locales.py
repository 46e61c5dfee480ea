"""Dates, times and names of languages as a locale writes them: for pages, and for what is drawn of them.

Not here: the words that pages say by themselves; those are delivery's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.core import get_global
from babel.dates import format_date, format_datetime

_ZEROS: Final = {"arab": 0x660, "arabext": 0x6F0, "beng": 0x9E6, "deva": 0x966, "mymr": 0x1040}
"""The digit zero of numbering systems; others are written with 0 to 9."""

_OG_REGIONS: Final = {"ar": "AR"}
"""Where Open Graph names another region than CLDR's likely one: ar_AR is Arabic everywhere."""


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
    text = f"{format_date(local, 'long', locale=chosen)}{_joint(chosen)}{_clock(local, chosen)}"
    return _in_digits(text, locale)


def _joint(locale: Locale) -> str:
    return "، " if locale.language == "ar" else ", "


def _clock(local: datetime, locale: Locale) -> str:
    return format_datetime(local, "HH:mm", locale=locale)


@lru_cache(maxsize=4096)
def day(at: datetime, locale: str, time_zone: str) -> str:
    """The day alone, in the site's zone."""
    return day_text(at.astimezone(ZoneInfo(time_zone)).date(), locale)


@lru_cache(maxsize=4096)
def day_text(day: date, locale: str) -> str:
    """A day in words: ``28 تشرين الثاني 2026`` in Beirut, ``28 نوفمبر 2026`` in Cairo."""
    return _in_digits(format_date(day, "long", locale=_locale(locale)), locale)


def _in_digits(text: str, locale: str) -> str:
    """With the digits of the locale: ``-u-nu-arab`` names them, else its language does.

    Arabic newsrooms of one country differ, and most sites write 0 to 9: theirs are changed only by name.
    """
    named = locale.lower().partition("-u-nu-")[2].split("-")[0]
    language = locale.split("-", maxsplit=1)[0].lower()
    system = named or ("latn" if language == "ar" else _locale(locale).default_numbering_system)
    zero = _ZEROS.get(system)
    return text if zero is None else text.translate({48 + digit: zero + digit for digit in range(10)})


def month_name(month: date, locale: str) -> str:
    """Month and year, such as ``تشرين الثاني 2026``."""
    return _in_digits(format_date(month, "LLLL y", locale=_locale(locale)), locale)


def language_name(tag: str, locale: str) -> str:
    """What ``locale`` calls the language ``tag``; the tag itself where it has no name."""
    name: str = _locale(locale).languages.get(tag.split("-", maxsplit=1)[0].lower(), tag)
    return name


@lru_cache(maxsize=4096)
def stamp(at: datetime, time_zone: str) -> str:
    """ISO 8601 with the site's offset, for ``datetime`` attributes and JSON-LD."""
    return at.astimezone(ZoneInfo(time_zone)).isoformat(timespec="seconds")


def edition_tag(language: str, site_locale: str) -> str:
    """The tag by which editions name an article in ``hreflang``: with the site's region for its own language.

    The same for whoever names it, since search engines believe only what both sides say.
    """
    own = language.split("-", maxsplit=1)[0].lower() == site_locale.split("-", maxsplit=1)[0].lower()
    return (site_locale if own else language).partition("-u-")[0]


def alternates(
    own: tuple[str, str], others: Sequence[tuple[str, str]], *, default: str | None
) -> tuple[tuple[str, str], ...]:
    """(tag, URL) for ``hreflang``: this edition, the others, ``x-default``; nothing without others.

    ``default``: the URL of the original; None where that is not live: then no edition stands for all.
    """
    if not others:
        return ()
    return (own, *others, *((("x-default", default),) if default else ()))


def og_locale(language: str, site_locale: str) -> str:
    """``ll_CC`` as Open Graph wants it; the site's region counts for its own language."""
    primary = language.split("-", maxsplit=1)[0].lower()
    for tag in (language, site_locale):
        parts = tag.partition("-u-")[0].split("-")
        region = next((part for part in parts[1:] if len(part) == 2), None)
        if region and parts[0].lower() == primary:
            return f"{primary}_{region.upper()}"
    return f"{primary}_{_OG_REGIONS.get(primary) or _likely_region(primary)}"


def _likely_region(language: str) -> str:
    """Where a language is mostly written, by CLDR: ``sv`` gives SE."""
    likely: str = get_global("likely_subtags").get(language, language)
    region = likely.rpartition("_")[2]
    return region.upper() if region.isalpha() else language.upper()
