"""A preview out of the page as it would be published: the same bytes, a strip at its end, and noindex. Pure.

The strip stands behind everything else in the document, so that nothing of the page changes its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from markupsafe import Markup
from nashr.domain.errors import Fault
from nashr.domain.locales import moment
from nashr.domain.site import Site, direction

STRIP_CSS: Final = """\
.nashr-preview{position:fixed;inset-inline:0;inset-block-end:0;z-index:9;max-height:40vh;overflow:auto;\
padding:.5rem 1rem;background:#ffe08a;color:#1a1a1a;border-block-start:2px solid #1a1a1a;\
font:400 .9375rem/1.6 system-ui,'Segoe UI',Tahoma,sans-serif}
.nashr-preview p,.nashr-preview ul{margin:0}
.nashr-preview ul{padding-inline-start:1.25rem}
body{padding-block-end:3rem}
@media print{.nashr-preview{display:none}}
"""

_ROBOTS: Final = re.compile(rb'<meta name="robots" content="[^"]*">')
_NOINDEX: Final = b'<meta name="robots" content="noindex,nofollow">'
_END: Final = b"</body>"

_STRIP: Final = Markup(
    '<link rel="stylesheet" href="{css}">\n'
    '<aside class="nashr-preview" lang="{language}" dir="{direction}" aria-label="{label}">\n'
    "<p>{line}</p>\n{faults}</aside>\n"
)


@dataclass(frozen=True)
class Words:
    """What the strip says: ``line`` takes the revision and when it expires; ``faults`` are by wire code."""

    label: str
    line: str
    faults: Mapping[str, str]


_WORDS: Final = {
    "ar": Words(
        "معاينة",
        "معاينة النسخة {}، تنتهي في {}",
        {
            "missing_alt": "صورة بلا نص بديل",
            "empty": "المتن فارغ",
            "unknown_section": "لم يعد هذا القسم موجودًا",
            "withdrawn": "صورة سُحبت",
            "broken_image": "صورة لا يمكن عرضها",
            "not_shown": "صورة قيد التجهيز: أعد التحميل بعد قليل",
        },
    ),
    "en": Words(
        "Preview",
        "Preview of revision {}, expires {}",
        {
            "missing_alt": "a photo without alt text",
            "empty": "the body is empty",
            "unknown_section": "the site has no such section any more",
            "withdrawn": "a photo that was withdrawn",
            "broken_image": "a photo that cannot be shown",
            "not_shown": "a photo that is being made: load the page again in a moment",
        },
    ),
}


def previewed(
    body: bytes, site: Site, *, css: str, revision: int, expires_at: datetime, faults: Iterable[Fault]
) -> bytes:
    """``body`` with the strip and without a wish to be found; ``css`` is the link to STRIP_CSS."""
    head, end, tail = body.rpartition(_END)
    if not end or not _ROBOTS.search(head):
        raise ValueError("a page ends with </body> and says something to robots")
    strip = _strip(site, css=css, revision=revision, expires_at=expires_at, faults=tuple(faults))
    return _ROBOTS.sub(_NOINDEX, head, count=1) + strip.encode() + end + tail


def _strip(site: Site, *, css: str, revision: int, expires_at: datetime, faults: tuple[Fault, ...]) -> Markup:
    language = "ar" if site.language == "ar" else "en"
    words = _WORDS[language]
    until = moment(expires_at, site.locale if language == "ar" else "en", site.time_zone)
    lines = Markup("").join(_line(fault, words) for fault in faults)
    return _STRIP.format(
        css=css, language=language, direction=direction(language), label=words.label,
        line=words.line.format(revision, until),
        faults=Markup("<ul>\n{}</ul>\n").format(lines) if faults else "",
    )  # fmt: skip


def _line(fault: Fault, words: Words) -> Markup:
    return Markup("<li>{} <bdi>{}</bdi></li>\n").format(
        words.faults.get(fault.code, fault.detail), fault.pointer
    )
