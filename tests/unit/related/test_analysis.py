"""What the text analysis promises: one spelling per word, light stems, shingles that find copies."""

import random
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nashr_related.analysis import (
    LONGEST_WORD,
    SHINGLE_BITS,
    SHINGLES_KEPT,
    _japanese_tokenizer,
    containment,
    fold,
    primary,
    shingle_set,
    surfaces,
    term_hash,
    terms,
    words,
)

LOADED = """
import sys
from nashr_related.analysis import terms
terms(sys.argv[1], language=sys.argv[2])
print(*sorted({"lindera", "opencc", "rjieba"} & sys.modules.keys()))
"""

unspaced = st.characters(min_codepoint=0x3000, max_codepoint=0x9FFF)
hashes = st.frozensets(st.integers(0, 2**SHINGLE_BITS - 1), min_size=1, max_size=60)
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
    [
        ("وفي هذا أنّ على الذي وهو", "ar"),
        ("The and he's said", "en"),
        ("l'un de ces", "fr"),
        ("И ещё это не так", "ru"),
        ("Não é isto que ele disse", "pt-BR"),
        ("È stato detto che c'è un'altra", "it"),
        ("Het is ook niet meer zo", "nl"),
        ("הוּא לא אמר את זה", "he"),
        ("यह भी नहीं कहा गया है", "hi"),
        ("Kata dia ini bukan untuk mereka", "id"),
        ("他们没有说，但是她已经在这里了", "zh-Hans"),
        ("這些已經沒有了，因為我們", "zh-Hant"),
        ("これは、そういうことではないのですが", "ja"),
    ],
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


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("ประเทศ2026", "th", ["ปร", "ระ", "ะเ", "เท", "ทศ", "2026"]),
        ("زيارة 北京大学 غدا", "ar", ["زياره", "北京", "京大", "大学"]),
        ("さくら的花", "zh", ["さく", "くら", "花"]),
        ("東京ไทย", "ja", ["東京", "ไท", "ทย"]),
    ],
)
def test_unspaced_scripts_give_pairs(text: str, language: str, expected: list[str]) -> None:
    """A script without spaces gives overlapping pairs of characters, unless its language is segmented."""
    assert expected == terms(text, language=language)


def test_chinese_headlines_share_words() -> None:
    """Two Chinese headlines about one thing share its words, and nothing else."""
    one = terms("央行宣布下调房地产贷款利率", language="zh")
    other = terms("房地产贷款利率下调后，股市上涨", language="zh-CN")

    assert {"下调", "房地产", "贷款", "利率"} == set(one) & set(other)


def test_chinese_words_do_not_run_together() -> None:
    """Two headlines share no term if their common characters belong to different words."""
    assert terms("研究生命起源", language="zh") == ["研究", "生命", "起源"]
    assert terms("研究生会议", language="zh") == ["研究生", "会议"]


def test_both_chinese_spellings_meet() -> None:
    """A story in traditional characters gives the terms of the same story in simplified ones."""
    traditional = terms("國際油價上漲導致通貨膨脹", language="zh-Hant")

    assert traditional == ["国际", "油价", "上涨", "导致", "通货膨胀"]
    assert traditional == terms("国际油价上涨导致通货膨胀", language="zh-Hans")


@pytest.mark.parametrize("form", ["訴えた", "訴えている", "訴えます", "訴えなかった", "訴えられた"])
def test_japanese_forms_meet(form: str) -> None:
    """Inflected Japanese verbs give the form that a dictionary lists, without their endings."""
    assert terms(f"対策を{form}", language="ja-JP") == ["対策", "訴える"]


def test_japanese_words_do_not_run_together() -> None:
    """Tokyo and Kyoto share no term, though the characters of one stand inside the other's name."""
    assert terms("東京都の選挙", language="ja") == ["東京", "選挙"]
    assert terms("京都の祭り", language="ja") == ["京都", "祭り"]


def test_particles_stay_in_the_wording() -> None:
    """Words keep particles and endings as written, since wording is what tells copies apart."""
    assert words("首相が、法案を発表した", language="ja") == ["首相", "が", "法案", "を", "発表", "し", "た"]
    assert words("央行的利率", language="zh") == ["央行", "的", "利率"]


@pytest.mark.parametrize("language", ["zh", "ja"])
def test_latin_words_in_segmented_text(language: str) -> None:
    """Latin words and numbers inside Chinese and Japanese come out whole and folded."""
    found = terms("東京ＩＰＨＯＮＥ東京２０２６東京Café", language=language)

    assert found[1::2] == ["iphone", "2026", "café"]


def test_korean_words_meet_despite_particles() -> None:
    """Korean terms are pairs of syllables, so a word meets itself before another particle."""
    assert set(terms("정부가", language="ko")) & set(terms("정부는", language="ko-KR")) == {"정부"}
    assert terms("NATO는", language="ko") == ["nato"]
    assert words("정부가 발표했다", language="ko") == ["정부가", "발표했다"]


@pytest.mark.parametrize(
    ("text", "language", "loaded"),
    [
        ("زيارة 北京大学 東京", "ar", ""),
        ("東京都", "en", ""),
        ("东京都", "zh", "opencc rjieba"),
        ("東京都", "ja", "lindera"),
    ],
)
def test_dictionaries_are_loaded_when_needed(text: str, language: str, loaded: str) -> None:
    """A newsroom pays the memory of a segmenter only if it writes that language."""
    child = subprocess.run(
        [sys.executable, "-c", LOADED, text, language], capture_output=True, check=True, text=True
    )

    assert loaded == child.stdout.strip()


def test_dictionary_is_loaded_once() -> None:
    """Threads whose first Japanese texts come at once share one dictionary: it is large."""
    _japanese_tokenizer.cache_clear()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: terms(f"東京{n}", language="ja"), range(64)))

    assert _japanese_tokenizer.cache_info().misses == 1


@pytest.mark.parametrize(
    ("language", "text"),
    [("zh", "國際油價{}上漲，央行下调贷款利率。"), ("ja", "首相は{}法案を発表し、説明した。")],
)
def test_segmenting_in_threads(language: str, text: str) -> None:
    """Threads that segment at once do not mix their texts."""
    texts = [text.format(n) * (1 + n % 40) for n in range(200)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda text: terms(text, language=language), texts))

    assert [terms(text, language=language) for text in texts] == found


@pytest.mark.parametrize("language", ["zh", "ja"])
@pytest.mark.parametrize("unit", ["一", "国際", "ア", "あ", "ー", "々", "\U00020bb7"])
def test_long_runs_without_punctuation(language: str, unit: str) -> None:
    """A hundred kilobytes without a space are analysed, and no word of them is too long."""
    found = words(unit * (33_000 // len(unit)), language=language)

    assert max(map(len, found)) <= LONGEST_WORD
    assert len(found) >= 33


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


@settings(deadline=None)  # the first text of a language may load a dictionary
@given(
    st.text(max_size=300) | st.text(unspaced, max_size=100),
    st.sampled_from(["ar", "en", "ja", "zh", "ko", "und"]),
)
def test_any_text_is_accepted(text: str, language: str) -> None:
    """No text breaks the analysis, and what it gives fits the columns."""
    assert all(-(2**31) <= term_hash(term) < 2**31 for term in terms(text, language=language))
    assert all(0 <= h < 2**SHINGLE_BITS for h in shingle_set(text, language=language))
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
    a = [rng.getrandbits(SHINGLE_BITS) for _ in range(2000)]
    b = a[: int(2000 * share)] + [rng.getrandbits(SHINGLE_BITS) for _ in range(3000 - int(2000 * share))]

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
