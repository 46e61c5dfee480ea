"""Text out of bytes that do not say, or lie about, how they are encoded: IIM's and EXIF's."""

from __future__ import annotations

import re
from typing import Final

_WORD: Final = re.compile(r"[^\W\d_]+")
_ARABIC: Final = re.compile("[\u0600-\u06ff]+")


def decoded(data: bytes, *, charset: str | None = None) -> str:
    """``data`` as text; ``charset`` is what the file declares. Never raises.

    UTF-8 wherever that is valid, whatever was declared: no other text of any length passes for it by chance.
    IIM cuts names at 32 bytes, so half a character at the end does not count against UTF-8. Then a declared
    ISO 8859-6, then windows-1256 where it reads as Arabic, else windows-1252, which contains Latin-1.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        whole = data[: error.start]
        if "unexpected end" in error.reason and (charset == "utf-8" or not whole.isascii()):
            return whole.decode("utf-8")
    if charset == "iso8859-6" and (text := _strictly(data, charset)) is not None:
        return text
    arabic = data.decode("cp1256")
    return arabic if _reads_as_arabic(arabic) else data.decode("cp1252", "ignore")


def _strictly(data: bytes, charset: str) -> str | None:
    try:
        return data.decode(charset)
    except UnicodeDecodeError:
        return None


def _reads_as_arabic(text: str) -> bool:
    """Whether bytes read as windows-1256 gave Arabic words, and no word of two scripts.

    That code page puts Arabic letters between the accented French ones, so French, Turkish, Hebrew, Greek and
    Russian bytes come out as words that mix both. Only Russian in capitals throughout would pass.
    """
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    return any(len(word) > 2 for word in words) and all(_ARABIC.fullmatch(word) for word in words)
