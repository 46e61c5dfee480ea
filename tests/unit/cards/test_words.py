"""What can be set of a text, and where its lines must not break."""

from __future__ import annotations

import pytest
from nashr_cards import lettering, words
from nashr_cards.lettering import Style


def lines_of(text: str, *, language: str, width: int) -> int:
    """How many lines ``text`` takes at 40 px, broken between words only."""
    direction = "rtl" if language in {"ar", "fa", "he", "ur"} else "ltr"
    style = Style(direction, language, size=40)  # type: ignore[arg-type]
    return lettering.ink(text, style=style, width=width, wrap="word").lines


def width_of(text: str, *, language: str) -> int:
    return lettering.ink(text, style=Style("ltr", language, size=40), width=4000).width


@pytest.mark.parametrize(
    "text",
    ["Goal 🎉 now", "👩‍👩‍👧", "🇱🇧", "1️⃣", "👍🏽", "❤️", "★ → ✓ ☎", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"],
)
def test_emoji_are_kept_whole(text: str) -> None:
    """Families, flags, keycaps and skin tones have glyphs and keep their joiners."""
    assert lettering.clean(text) == (text, "")


def test_symbols_without_a_glyph_leave_no_box() -> None:
    """A symbol that no font has goes, with its joiners, and is told once; words around it stay."""
    assert lettering.clean("Goal \U0001f7f7\ufe0f now \U0001f7f7") == ("Goal now", "\U0001f7f7")


def test_letters_without_a_glyph_stay_and_are_told() -> None:
    """A script that no font has is reported, letter by letter."""
    assert lettering.clean("ⴰⵎ خبر") == ("ⴰⵎ خبر", "ⴰⵎ")


@pytest.mark.parametrize(
    "text",
    [
        "پچژگکی ٹڈڑںےہ ۱۲۳ ١٢٣ ؟،؛ « » خبر‌ها",
        "قُتِلَ رَجُلٌ قَتيلاً وَٱلسُّلْطانُ",
        "שָׁלוֹם צה״ל ג׳ירפה",
        "Erdoğan Plečnik éÖßçø “ ” ‘ ’ – …",
        "Việt Nam Ưu đãi, Łódź",
        "Привет, Ελλάδα",
        "中国《经济日报》，报道。 日本コーヒー「直」 대통령",
        "हिन्दी বাংলা ไทย தமிழ் ქართული አማርኛ",
    ],
)
def test_the_worlds_scripts_have_glyphs(text: str) -> None:
    """Arabic, Persian, Urdu, Hebrew, Latin, Greek, Cyrillic, Chinese, Japanese, Korean and more."""
    assert lettering.clean(text) == (text, "")


def test_control_characters_and_halves_of_pairs_go() -> None:
    """What cannot be shown is no reason to fail, and is no missing glyph."""
    assert lettering.clean("\x00nul and \x1b[31m \ud800 half") == ("nul and [31m half", "")
    assert lettering.clean(" \u200f\u200c\u00a0 ") == ("", "")


@pytest.mark.parametrize("text", ["3–1", "٣–١", "12:30", "5 %", "٥ ٪", "2026-27", "$ 5"])
def test_figures_stay_whole(text: str) -> None:
    """A score, a time and a share are never torn apart, however narrow the column."""
    assert lines_of(text, language="en", width=30) == 1


def test_latin_asides_stay_whole() -> None:
    """A Latin name in brackets moves to the next line as one; an Arabic aside may break."""
    assert lines_of("(CHIPS Act)", language="ar", width=100) == 1
    assert lines_of("(قانون الرقائق)", language="ar", width=100) == 2


def test_korean_breaks_at_spaces_only() -> None:
    """A word of Hangul stays whole; one longer than any line is broken all the same."""
    assert lines_of("대통령실은", language="ko", width=90) == 1
    assert lines_of("대통령실은 국무회의에서", language="ko", width=90) == 2
    assert lines_of("대" * 60, language="ko", width=400) > 1


@pytest.mark.parametrize("text", ["报》", "报，", "报。", "ハー", "キャ", "「富", "《经", "好”", "（测"])
@pytest.mark.parametrize("language", ["zh-Hans", "ja"])
def test_no_line_begins_or_ends_with_the_wrong_mark(text: str, language: str) -> None:
    """Closing marks and small kana never lead a line, opening ones never end it (kinsoku)."""
    assert lines_of(text, language=language, width=45) == 1
    assert lines_of("报道", language=language, width=45) == 2


def test_joiners_show_nothing() -> None:
    """What keeps words whole takes no room."""
    assert width_of("3–1", language="en") == width_of("3\u2060–\u20601", language="en")


def test_vocalised_text_gets_more_room() -> None:
    """Line height follows the marks that a script puts above and below its letters."""
    plain, vocalised = "كتب الولد", "كَتَبَ الوَلَدُ"

    assert words.leading(vocalised, direction="rtl") > words.leading(plain, direction="rtl")
    assert words.leading(plain, direction="rtl") > words.leading("Parliament", direction="ltr")


def test_a_short_last_word_is_not_left_alone() -> None:
    """It takes the one before it along, where there are words enough for more than a line."""
    assert words.bound("الحكومة تخفض الدين العام بحلول 2027").endswith("بحلول\u00a02027")
    assert words.bound("Night trains return to the coast").endswith("the\u00a0coast")
    assert words.bound("Night trains return to infrastructure").endswith("to infrastructure")
    assert "\u00a0" not in words.bound("Four words are few")
