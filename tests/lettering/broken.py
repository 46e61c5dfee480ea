"""Headlines set wrongly, each in a way that renderers really get them wrong; none of them may pass.

What is wrong in the text is set by our own lettering, and what is wrong in the ink is done to ours: so the
flaw is all that such a sample and a right one differ by.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from tests.lettering import ours
from tests.lettering.headlines import Headline
from tests.lettering.judge import MARK
from tests.lettering.masks import Blob, Mask
from tests.lettering.ours import Set

LIGHTER: Final = "a lighter weight"
ELSEWHERE: Final = "another region's letters"
OTHER_FONT: Final = "another font"
_ZWNJ: Final = "\u200c"
_VIRAMAS: Final = "\u094d\u09cd"
_UNASSIGNED: Final = "\u0378"
_PAIRS: Final = ("()", "[]", "{}", "<>", "«»", "《》", "「」")
_MIRRORED: Final = str.maketrans("".join(_PAIRS), "".join(pair[::-1] for pair in _PAIRS))
_ALIKE: Final = str.maketrans("یکہےىةأإؤئ٣٤۴۵ıİğёйמはシーé", "يكهیيهااوى34٤٥iIgеиםばツ一è")

_REGIONS: Final = {"zh-region": "ja", "ja-region": "zh-Hans"}
"""Headlines full of letters that look otherwise across the sea."""
_FAMILIES: Final = {
    **dict.fromkeys(("ar", "fa", "ur"), "Noto Sans Arabic"),
    **dict.fromkeys(("en", "fr", "de", "es"), "Noto Sans"),
}
"""What is to be set in IBM Plex Sans Arabic, and what a wrong order of fonts would set it in."""


def samples(headline: Headline, right: Set, *, flaws: Collection[str] = ()) -> Iterator[tuple[str, Set]]:
    """Every flaw that this headline can have, by its name, or those of ``flaws``."""
    for flaw in flaws or FLAWS:
        found = _with(flaw, headline, right)
        if found is not None:
            yield flaw, found


def _with(flaw: str, headline: Headline, right: Set) -> Set | None:
    """The headline with that flaw, None where it cannot have it."""
    again = partial(ours.again, headline, size=right.size)
    if flaw in _INKS:
        lines = _INKS[flaw](right.lines, headline, right.size)
        return None if lines is None else replace(right, lines=lines)
    if flaw in _TEXTS:
        text = _TEXTS[flaw](right.text, headline)
        return None if text == right.text else again(text)
    if flaw == ELSEWHERE:
        region = _REGIONS.get(headline.name)
        return again(right.text, language=region) if region else None
    if flaw == OTHER_FONT:
        family = _FAMILIES.get(headline.language)
        return again(right.text, family=family) if family else None
    assert flaw == LIGHTER, flaw
    return again(right.text, weight="Medium")


def _unshaped(text: str, _: Headline) -> str:
    """No letter joins another: Arabic script falls apart, Indic conjuncts show their virama."""
    kept = []
    for char, following in zip(text, text[1:] + " ", strict=True):
        kept.append(char)
        arabic = all("\u0620" <= one <= "\u06d3" and one.isalpha() for one in (char, following))
        if arabic or char in _VIRAMAS:
            kept.append(_ZWNJ)
    return "".join(kept)


def _letters_reversed(text: str, headline: Headline) -> str:
    return ("\u202d" if headline.direction == "rtl" else "\u202e") + text + "\u202c"


def _words_reversed(text: str, _: Headline) -> str:
    return " ".join(reversed(text.split(" ")))


def _brackets_mirrored(text: str, _: Headline) -> str:
    return text.translate(_MIRRORED)


def _stripped(text: str, _: Headline) -> str:
    """Without vowels, points and accents."""
    parts = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(c for c in parts if unicodedata.category(c) != "Mn"))


def _marks_late(text: str, _: Headline) -> str:
    """Every mark on the letter after its own."""
    chars = list(text)
    for at in range(len(chars) - 2, -1, -1):
        if unicodedata.category(chars[at]) == "Mn" and chars[at + 1].isalpha():
            chars[at], chars[at + 1] = chars[at + 1], chars[at]
    return "".join(chars)


def _middle(text: str) -> int:
    letters = [at for at, char in enumerate(text) if unicodedata.category(char) in {"Lo", "Ll"}]
    return letters[len(letters) // 2]


def _tofu(text: str, _: Headline) -> str:
    """One letter that no font has: an empty box, or a box with its number."""
    at = _middle(text)
    return text[:at] + _UNASSIGNED + text[at + 1 :]


def _letter_lost(text: str, _: Headline) -> str:
    at = _middle(text)
    return text[:at] + text[at + 1 :]


def _alike(text: str, _: Headline) -> str:
    """Letters and digits of a neighbouring language or region."""
    return text.translate(_ALIKE)


def _joiners_lost(text: str, _: Headline) -> str:
    return text.replace(_ZWNJ, "").replace("\u200d", "")


_TEXTS: Final[Mapping[str, Callable[[str, Headline], str]]] = {
    "unshaped letters": _unshaped,
    "letters in visual order": _letters_reversed,
    "words in visual order": _words_reversed,
    "mirrored brackets": _brackets_mirrored,
    "marks stripped": _stripped,
    "marks a letter late": _marks_late,
    "tofu": _tofu,
    "a letter lost": _letter_lost,
    "letters of a neighbour": _alike,
    "joiners lost": _joiners_lost,
}

Lines = Sequence[Mask]


def _smallest_mark(lines: Lines, size: int) -> tuple[int, Blob] | None:
    """The mark that is hardest to miss: in which line it is, and where."""
    marks = [
        (blob.area, at, blob)
        for at, line in enumerate(lines)
        for blob in line.blobs
        if blob.height < MARK * size and blob.area > (size / 16) ** 2
    ]
    found = min(marks, key=lambda mark: mark[0], default=None)
    return found[1:] if found else None


def _with_mark(lines: Lines, size: int, change: Callable[[Mask], int]) -> Lines | None:
    """``change`` makes other bits out of the mark's own."""
    found = _smallest_mark(lines, size)
    if found is None:
        return None
    at, blob = found
    line = lines[at]
    part = line.part(blob)
    spoilt = Mask(line.width, line.height, line.bits & ~part.bits | change(part))
    return [spoilt if line is each else each for each in lines]


def _step(size: int) -> int:
    """A few px: a twelfth of an em."""
    return max(4, size // 12)


def _moved(dx: int, dy: int) -> Callable[[Lines, Headline, int], Lines | None]:
    """One mark moved by a few px."""

    def draw(lines: Lines, _: Headline, size: int) -> Lines | None:
        step = _step(size)
        return _with_mark(lines, size, lambda part: part.moved(dx * step, dy * step).bits)

    return draw


def _mark_lost(lines: Lines, _: Headline, size: int) -> Lines | None:
    return _with_mark(lines, size, lambda _: 0)


def _clipped(lines: Lines, _: Headline, size: int) -> Lines:
    """What reaches lowest is cut off."""
    line = lines[-1]
    kept = line.cut(0, 0, line.width, line.box()[3] - _step(size))
    return [*lines[:-1], kept.cut(0, 0, line.width, line.height)]


def _word_moved(lines: Lines, headline: Headline, size: int) -> Lines | None:
    """The last word of the first line stands 0.2 em too far out."""
    line = lines[0]
    words = line.pieces(round(0.15 * size))
    if len(words) < 2:
        return None
    word = words[0] if headline.direction == "rtl" else words[-1]
    part = line.only(*word)
    by = round(0.2 * size) * (-1 if headline.direction == "rtl" else 1)
    wide = Mask(line.width, line.height, line.bits & ~part.bits)
    roomy, moved = (each.cut(-size, 0, line.width + size, line.height) for each in (wide, part))
    return [
        Mask(roomy.width, roomy.height, roomy.bits | moved.moved(by, 0).bits),
        *(_widened(lines[1:], size)),
    ]


def _widened(lines: Lines, size: int) -> Lines:
    return [line.cut(-size, 0, line.width + size, line.height) for line in lines]


def _line_moved(lines: Lines, _: Headline, size: int) -> Lines | None:
    """The last line begins 0.3 em beside the others."""
    if len(lines) < 2:
        return None
    wide = _widened(lines, size)
    return [*wide[:-1], wide[-1].moved(round(0.3 * size), 0)]


def _line_lowered(lines: Lines, _: Headline, size: int) -> Lines | None:
    """The last line lies 0.3 em too low."""
    return [*lines[:-1], lines[-1].moved(0, round(0.3 * size))] if len(lines) > 1 else None


def _lines_swapped(lines: Lines, _: Headline, size: int) -> Lines | None:
    return [*lines[1:], lines[0]] if len(lines) > 1 else None


_INKS: Final[Mapping[str, Callable[[Lines, Headline, int], Lines | None]]] = {
    "a mark moved up": _moved(0, -1),
    "a mark moved down": _moved(0, 1),
    "a mark moved left": _moved(-1, 0),
    "a mark moved right": _moved(1, 0),
    "a mark lost": _mark_lost,
    "clipped": _clipped,
    "a word moved": _word_moved,
    "a line moved": _line_moved,
    "a line lowered": _line_lowered,
    "lines swapped": _lines_swapped,
}

FLAWS: Final = (*_TEXTS, LIGHTER, ELSEWHERE, OTHER_FONT, *_INKS)
"""The names of all flaws."""
RARE: Final = frozenset({ELSEWHERE, "joiners lost", "marks a letter late"})
"""Those that few headlines can have."""
