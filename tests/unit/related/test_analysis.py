"""What the text analysis promises: one spelling per word, light stems, shingles that find copies."""

import random
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nashr_related.analysis import (
    SHINGLES_KEPT,
    containment,
    fold,
    primary,
    shingle_set,
    surfaces,
    term_hash,
    terms,
    words,
)

hashes = st.frozensets(st.integers(0, 2**32 - 1), min_size=1, max_size=60)
many_hashes = st.frozensets(st.integers(0, 4 * SHINGLES_KEPT), max_size=2 * SHINGLES_KEPT)


def kept(hashes: Iterable[int]) -> tuple[int, ...]:
    """What is stored of a text with these shingles."""
    return tuple(sorted(hashes)[:SHINGLES_KEPT])


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("مُحَمَّدٌ", "محمد"),
        ("محـــمد", "محمد"),
        ("أحمد إحسان آمال ٱلله", "احمد احسان امال الله"),
        ("مستشفى مدرسة", "مستشفي مدرسه"),
        ("مسؤول شئون", "مسوول شيون"),
        ("ﻣﺪﺭﺳﺔ", "مدرسه"),
        ("٢٠٢٦ ۲۰۲۶", "2026 2026"),
        ("\u202bنص\u202c\u200f", "نص"),
        ("«نعم»، قال؟", " نعم   قال "),
        ("Café ＡＢＣ", "café abc"),
    ],
)
def test_readers_variants_fold_to_one_spelling(written: str, folded: str) -> None:
    """Spellings that readers take for one word become one word."""
    assert folded == fold(written, language="ar")


def test_turkish_capitals_fold_by_turkish_rules() -> None:
    """A Turkish headline in capitals matches the same word in the text."""
    assert fold("Iğdır İzmir", language="tr") == fold("IĞDIR İZMİR", language="tr-TR")


@given(st.text(st.characters(max_codepoint=0x08FF), max_size=200))
def test_folding_is_stable(text: str) -> None:
    """Text that was folded once is not changed by folding it again."""
    once = fold(text, language="ar")

    assert once == fold(once, language="ar")


@pytest.mark.parametrize("word", ["وزير", "حكومة", "انتخابات", "مدرسة", "لبنان"])
@pytest.mark.parametrize("prefix", ["ال", "وال", "بال", "كال", "فال", "و"])
def test_arabic_prefixes_come_off(prefix: str, word: str) -> None:
    """A word with article, conjunction or preposition is the term of the word alone."""
    assert terms(word, language="ar") == terms(prefix + word, language="ar")


@pytest.mark.parametrize("word", ["ولد", "الله", "وطن", "بالي"])
def test_short_arabic_words_keep_their_first_letters(word: str) -> None:
    """What looks like a prefix stays where fewer than three letters would remain."""
    assert [word] == terms(word, language="ar")


def test_arabic_suffixes_stay() -> None:
    """Arabic stems lose prefixes only: suffix and root stemming join words that differ."""
    assert terms("كاتب", language="ar") != terms("كاتبات", language="ar")


@pytest.mark.parametrize(
    ("text", "language"),
    [("وفي هذا أنّ على الذي وهو", "ar"), ("The and he's said", "en"), ("l'un de ces", "fr")],
)
def test_stop_words_are_no_terms(text: str, language: str) -> None:
    """Stop words give no terms, in any spelling and with an attached conjunction."""
    assert terms(text, language=language) == []


def test_stems_by_language() -> None:
    """Snowball stems where it knows the language; elsewhere words stay whole."""
    assert terms("elections elected", language="en-GB") == ["elect", "elect"]
    assert terms("elections", language="sw") == ["elections"]


def test_stemming_in_threads() -> None:
    """Threads that stem at once do not mix their words."""
    texts = [f"nation{'al' * (n % 2)}{n} running{n} hopeful{n}ly" for n in range(400)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda text: terms(text, language="en"), texts * 2))

    assert [terms(text, language="en") for text in texts * 2] == found


def test_unspaced_scripts_give_pairs() -> None:
    """Text without spaces between words is cut into overlapping pairs of characters."""
    assert terms("東京都2026", language="ja") == ["東京", "京都", "2026"]


def test_marks_of_indic_scripts_stay_in_words() -> None:
    """Vowel signs do not break a word apart."""
    assert words("हिन्दी।", language="hi") == ["हिन्दी"]


@pytest.mark.parametrize(("tag", "expected"), [("ar-LB", "ar"), ("EN", "en"), ("pt_BR", "pt")])
def test_primary_subtag(tag: str, expected: str) -> None:
    """Editions of one language share its posting list."""
    assert expected == primary(tag)


def test_term_hash_is_fixed() -> None:
    """Stored postings stay valid: a term's hash is the same on every machine and release."""
    assert (term_hash("nashr"), term_hash("نشر")) == (-403074468, -1159180651)


@given(st.text(max_size=300), st.sampled_from(["ar", "en", "ja", "und"]))
def test_any_text_is_accepted(text: str, language: str) -> None:
    """No text breaks the analysis, and what it gives fits the columns."""
    assert all(-(2**31) <= term_hash(term) < 2**31 for term in terms(text, language=language))
    assert all(0 <= h < 2**32 for h in shingle_set(text, language=language))
    assert surfaces(text, language=language).keys() == {term_hash(t) for t in terms(text, language=language)}


@given(hashes, hashes)
def test_small_texts_are_compared_exactly(a: frozenset[int], b: frozenset[int]) -> None:
    """Of texts that are kept whole containment is no estimate."""
    assert len(a & b) / min(len(a), len(b)) == containment(kept(a), kept(b))


@given(many_hashes, many_hashes)
def test_containment_is_symmetric_and_a_share(a: frozenset[int], b: frozenset[int]) -> None:
    """Containment is between 0 and 1, either way round."""
    assert 0.0 <= containment(kept(a), kept(b)) <= 1.0
    assert containment(kept(a), kept(b)) == containment(kept(b), kept(a))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7, 1.0])
def test_long_texts_are_estimated(share: float) -> None:
    """The containment of two texts of thousands of words is told to within 0.1."""
    rng = random.Random(5)
    a = [rng.getrandbits(32) for _ in range(2000)]
    b = a[: int(2000 * share)] + [rng.getrandbits(32) for _ in range(3000 - int(2000 * share))]

    assert share == pytest.approx(containment(kept(a), kept(b)), abs=0.1)


def test_lightly_edited_copy_is_a_copy() -> None:
    """Agency copy with tashkeel, another headline and one changed word is mostly contained."""
    text = "أعلنت وزارة الصحة اليوم بدء حملة تلقيح واسعة في جميع المحافظات وتستمر الحملة شهرين كاملين"
    copy = "عاجل: " + text.replace("واسعة", "كبيرة").replace("الصحة", "الصِّحّة")

    assert containment(*(shingle_set(t, language="ar") for t in (text, copy))) >= 0.5


def test_text_without_words_is_no_copy() -> None:
    """Two articles without words are not copies of each other."""
    assert containment(shingle_set("…", language="ar"), shingle_set("", language="ar")) == 0.0


def test_terms_are_shown_as_written() -> None:
    """Whoever asks why two articles are linked reads words, not stems or hashes."""
    shown = surfaces("«والسباحةُ» في المسبح؛ السباحة أولاً", language="ar")

    assert shown[term_hash("سباحه")] == "السباحة"
    assert "المسبح" in shown.values()
    assert term_hash("في") not in shown
