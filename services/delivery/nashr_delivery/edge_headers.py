"""The rules by which an edge adds headers to what the bucket says: docs/pages.md has them as a table.

Any CDN can follow them: they look at the content type, the object's ``csp`` metadata and the scheme, and
at nothing else.
"""

from __future__ import annotations

from typing import Final

Headers = tuple[tuple[bytes, bytes], ...]

EVERY: Final[Headers] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
)
DOCUMENT: Final[Headers] = (
    (
        b"permissions-policy",
        b"accelerometer=(), camera=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()",
    ),
    (b"cross-origin-opener-policy", b"same-origin"),
)
SECURE: Final[Headers] = ((b"strict-transport-security", b"max-age=31536000"),)
"""Only over https, as RFC 6797 section 7.2 asks. Whether subdomains follow is for whoever owns the domain."""

UNFRAMED: Final = b"frame-ancestors 'none'"
"""For a document without a policy of its own, such as one out of the site's ``static`` folder."""

INERT: Final = b"script-src 'none'; object-src 'none'; frame-ancestors 'none'; sandbox"
"""For SVG and XML, which could run scripts if somebody opened them by themselves."""

_MARKUP: Final = (
    "image/svg+xml",
    "application/xml",
    "text/xml",
    "application/rss+xml",
    "application/atom+xml",
)


def of(content_type: str, *, csp: str = "") -> Headers:
    """The headers that protect an answer of this type; ``csp`` is the object's own policy."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in {"text/html", "application/xhtml+xml"}:
        return (*EVERY, *DOCUMENT, (b"content-security-policy", csp.encode("latin-1") or UNFRAMED))
    if csp:
        return (*EVERY, (b"content-security-policy", csp.encode("latin-1")))
    if kind in _MARKUP:
        return (*EVERY, (b"content-security-policy", INERT))
    return EVERY
