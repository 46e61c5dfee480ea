"""What a card says by itself: that a story is breaking, that it was corrected, and what its picture shows.

Not here: the story's own words, and dates, which are written as a locale writes them.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

ALT_LENGTH: Final = 420  # X reads no more


@dataclass(frozen=True)
class CardWords:
    """One language's words. ``alt`` has the headline in place of ``{}``, ``site`` the site's name."""

    correction: str
    retraction: str
    alt: str
    site: str
    stop: str = "."


_WORDS: Final = {
    "ar": CardWords("تصحيح", "سحب الخبر", "بطاقة الخبر: {}", "شعار {}"),
    "fa": CardWords("اصلاحیه", "خبر پس گرفته شد", "کارت خبر: {}", "نشان {}"),
    "ur": CardWords("تصحیح", "خبر واپس لی گئی", "خبر کا کارڈ: {}", "{} کا نشان", "۔"),
    "he": CardWords("תיקון", "הידיעה בוטלה", "כרטיס הידיעה: {}", "הסמל של {}"),
    "en": CardWords("Correction", "Retraction", "Story card: {}", "The logo of {}"),
    "fr": CardWords("Rectificatif", "Rétractation", "Carte de l’article : {}", "Le logo de {}"),
    "de": CardWords("Berichtigung", "Zurückgezogen", "Karte zum Artikel: {}", "Das Logo von {}"),
    "es": CardWords("Corrección", "Retractación", "Tarjeta de la noticia: {}", "El logotipo de {}"),
    "tr": CardWords("Düzeltme", "Geri çekildi", "Haber kartı: {}", "{} logosu"),
    "zh": CardWords("更正", "撤回", "新闻卡片：{}", "{} 的标志", "。"),
    "ja": CardWords("訂正", "撤回", "記事カード：{}", "{} のロゴ", "。"),
}

_BREAKING: Final = (
    *("عاجل", "خبر عاجل", "نبأ عاجل", "فوری", "خبر فوری", "بریکنگ نیوز", "מבזק"),
    *("breaking", "urgent", "alerte", "dernière minute", "eilmeldung", "última hora", "urgente"),
    *("son dakika", "突发", "速報"),
)


def card_words(language: str) -> CardWords:
    """The words for a BCP 47 tag; English where its language has none."""
    return _WORDS.get(language.split("-", maxsplit=1)[0].lower(), _WORDS["en"])


def is_breaking(kicker: str | None) -> bool:
    """Whether a kicker says that the story is breaking, by itself or before more words."""
    words = _folded(kicker or "")
    return any(words[: len(known)] == known for known in _BREAKING_WORDS)


def _folded(text: str) -> list[str]:
    """Words without marks, case, elongation and punctuation."""
    bare = (char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return re.sub(r"[\W_\u0640]+", " ", "".join(bare).replace("\u0640", "").casefold()).split()


_BREAKING_WORDS: Final = tuple(_folded(text) for text in _BREAKING)


def alt(headline: str, *, photo: str | None, language: str) -> str:
    """What a card shows, for those who do not see it: that it is one, the headline, then the photo."""
    words = card_words(language)
    sentences = [words.alt.format(headline), *([photo] if photo else [])]
    return _cut(" ".join(_ended(text.strip(), words.stop) for text in sentences))


def site_alt(name: str, *, language: str) -> str:
    """The same of the card that stands for a site."""
    return _cut(card_words(language).site.format(name))


def _ended(text: str, stop: str) -> str:
    return text if text.endswith((".", "!", "?", "…", "؟", "。", "۔", "！", "？", "»", "”")) else text + stop


def _cut(text: str) -> str:
    if len(text) <= ALT_LENGTH:
        return text
    return text[: ALT_LENGTH - 1].rsplit(" ", 1)[0] + "…"
