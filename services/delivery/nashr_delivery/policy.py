"""The content security policy of a page: nothing foreign, no script, one style element named by its hash.

It stands in the page (for a bare bucket) and with ``frame-ancestors``, which only a header can say, in
the object's metadata, which edges send on.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from nashr_delivery.chrome import Chrome

_HOST: Final = re.compile(r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?")


def in_page(chrome: Chrome) -> str:
    """The policy of a meta element, for what the page has named until now: render its photos first.

    ``connect-src 'self'`` is for tools that read robots.txt from within the page.
    """
    return _policy(chrome.logo or "", chrome.links.style)


@lru_cache(maxsize=64)
def _policy(logo: str, style: str) -> str:
    """A page needs it twice."""
    return (
        f"default-src 'none'; img-src 'self' data:{_source(logo)}; style-src 'self'{_hash(style)}; "
        "font-src 'self'; manifest-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'"
    )


def in_header(chrome: Chrome) -> str:
    """The same for a header; nobody may frame the page."""
    return f"{in_page(chrome)}; frame-ancestors 'none'"


def _source(logo: str) -> str:
    """Where a logo from elsewhere comes from. Whatever is not plainly a host has no place in a header."""
    try:
        parts = urlsplit(logo)
        host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    except ValueError:  # brackets that do not close; a part of the name that is empty, or too long
        return ""
    origin = f"{parts.scheme}://{host}"
    return f" {origin}" if _HOST.fullmatch(origin) else ""


def _hash(style: str) -> str:
    """CSP level 3, section 6.7.3.2: the digest of the element's text, in UTF-8."""
    if not style:
        return ""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f" 'sha256-{digest}'"
