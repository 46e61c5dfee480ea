"""What a card says by itself."""

from __future__ import annotations

from datetime import date

import pytest
from nashr.domain.cardwords import ALT_LENGTH, alt, card_words, is_breaking, site_alt
from nashr.domain.locales import day_text


@pytest.mark.parametrize(
    "kicker",
    [
        *("عاجل", "عَاجِل", "عـاجـل", " عاجل: ", "خبر عاجل", "عاجل | لبنان"),
        *("Breaking", "BREAKING NEWS", "Dernière minute", "فوری", "速報"),
    ],
)
def test_kickers_that_say_breaking(kicker: str) -> None:
    """Marks, case, elongation and punctuation do not matter, nor what follows."""
    assert is_breaking(kicker)


@pytest.mark.parametrize(
    "kicker", [None, "", "عاجلاً أم آجلاً", "تحليل", "Breaking2", "Ground-breaking", "مقابلة عاجلة"]
)
def test_kickers_that_do_not(kicker: str | None) -> None:
    """Words that only resemble it are kickers like others."""
    assert not is_breaking(kicker)


def test_the_alt_is_written() -> None:
    """It says that it is a card, the headline, then the photo, each a sentence in the article's language."""
    assert alt("الميناء يعود", photo="رافعات عند الفجر", language="ar-LB") == (
        "بطاقة الخبر: الميناء يعود. رافعات عند الفجر."
    )
    assert alt("Is it over?", photo=None, language="en") == "Story card: Is it over?"
    assert alt("Noch da", photo="Ein Kran.", language="de") == "Karte zum Artikel: Noch da. Ein Kran."
    assert site_alt("خبر", language="ar") == "شعار خبر"


def test_a_long_alt_ends_at_a_word() -> None:
    """X reads 420 characters; the rest is cut, and says so."""
    found = alt("كلمة " * 30, photo="وصف طويل جداً للصورة " * 30, language="ar")
    assert len(found) <= ALT_LENGTH
    assert found.endswith("…")


def test_a_language_without_words_speaks_english() -> None:
    """A region does not matter."""
    assert card_words("sw").correction == "Correction"
    assert card_words("fa-IR").correction == "اصلاحیه"


@pytest.mark.parametrize(
    ("locale", "text"),
    [
        ("ar-LB", "28 كانون الثاني 2026"),
        ("ar-EG", "28 يناير 2026"),
        ("ar-EG-u-nu-arab", "٢٨ يناير ٢٠٢٦"),
        ("en", "January 28, 2026"),
        ("fa", "۲۸ ژانویهٔ ۲۰۲۶"),
        ("de-DE", "28. Januar 2026"),
    ],
)
def test_days_as_the_locale_writes_them(locale: str, text: str) -> None:
    """Months and digits follow the country."""
    assert day_text(date(2026, 1, 28), locale) == text
