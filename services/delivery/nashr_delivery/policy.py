"""The content security policy of a page: nothing foreign, no script, one style element named by its hash.

It stands in the page (for a bare bucket) and with ``frame-ancestors``, which only a header can say, in
the object's metadata, which edges send on.
"""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import urlsplit

from nashr_delivery.chrome import Chrome


def in_page(chrome: Chrome) -> str:
    """The policy of a meta element, for what the page has named until now: render its photos first.

    ``connect-src 'self'`` is for tools that read robots.txt from within the page.
    """
    logo = urlsplit(chrome.logo or "")
    foreign = f" {logo.scheme}://{logo.netloc}" if logo.netloc else ""
    return (
        f"default-src 'none'; img-src 'self' data:{foreign}; style-src 'self'{_hash(chrome.links.style)}; "
        "font-src 'self'; manifest-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'"
    )


def in_header(chrome: Chrome) -> str:
    """The same for a header; nobody may frame the page."""
    return f"{in_page(chrome)}; frame-ancestors 'none'"


def _hash(style: str) -> str:
    """CSP level 3, section 6.7.3.2: the digest of the element's text, in UTF-8."""
    if not style:
        return ""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f" 'sha256-{digest}'"
