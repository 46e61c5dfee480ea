"""Keywords become topics: one slug for every way to spell a word."""

from __future__ import annotations

import pytest
from nashr.domain.topics import topic_slug, topics


@pytest.mark.parametrize(
    ("spelled", "slug"),
    [
        (("الموازنة", "المُوَازَنَة", "الموازنه", "المــوازنة"), "الموازنه"),
        (("إيران", "ايران", "أيران", "ايــران"), "ايران"),
        (("مصطفى", "مصطفي"), "مصطفي"),
        (("ایران", "ايران"), "ايران"),
        (("کابل", "كابل"), "كابل"),
        (("رؤساء", "روساء"), "روساء"),
        (("Climate Change", "climate change", "CLIMATE-CHANGE", " climate  change "), "climate-change"),
        (("Straße", "STRASSE"), "strasse"),
        (("Beyonce\u0301", "Beyoncé"), "beyoncé"),
        (("كأس ٢٠٢٦", "كاس 2026"), "كاس-2026"),
        (("رأس «السنديان»", "راس السنديان!"), "راس-السنديان"),
    ],
)
def test_spellings_of_one_word_are_one_topic(spelled: tuple[str, ...], slug: str) -> None:
    """Marks, elongation, case, punctuation, digits and letters with several spellings are folded."""
    assert {topic_slug(word) for word in spelled} == {slug}


def test_different_words_stay_different() -> None:
    """Nothing is cut or stemmed: a long keyword and its beginning are two topics."""
    long = "كلمة طويلة جداً " * 6
    words = ["الموازنة", "موازنة", "بيروت", "بيروتي", "Paris", "Parish", long + "أ", long + "ب"]
    assert len({topic_slug(word) for word in words}) == len(words)


def test_a_keyword_without_a_letter_is_no_topic() -> None:
    """Signs alone lead nowhere; of the rest each topic stands once, as it was first spelled."""
    assert topics(["!!", "Beirut", "", "beirut", "Tyre", "\u200f"]) == {"beirut": "Beirut", "tyre": "Tyre"}


def test_a_slug_is_its_own_slug() -> None:
    """Folding twice changes nothing, so that a topic can be asked for by its slug."""
    for word in ("المُوَازَنَة العامّة", "Straße nach Köln", "کابل ۱۴۰۵"):
        assert topic_slug(topic_slug(word)) == topic_slug(word)
