"""Which addresses a newsroom may link to, which paths a site may have. Pure; nothing is ever fetched."""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import unquote, urlsplit

from nashr.domain.slugs import RESERVED

MAX_URL: Final = 2_000
MAX_PATH_BYTES: Final = 900
"""S3 keys end at 1,024 bytes; the rest is room for the site's prefix and ``index.html``."""

_UNSAFE: Final = re.compile('[\\s\\\\"<>\x00-\x20\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]')
_UNSAFE_IN_PATH: Final = re.compile("[\\\\?#\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NETLOC: Final = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?")
"""A host, perhaps with a port. Nothing else: hosts end up in headers such as the content security policy."""
_MAILTO: Final = re.compile(r"mailto:[^\s@:/]+@[^\s@:/]+", re.IGNORECASE)
_OURS: Final = (RESERVED - {"archive", "search", "live"}) | {
    "404.html", "favicon.ico", "index.html", "indexnow.txt", "manifest.webmanifest",
    "robots.txt", "sitemap.xml",
}  # fmt: skip


def is_web_url(text: str, *, schemes: tuple[str, ...] = ("https", "http")) -> bool:
    """Whether ``text`` is an absolute URL with a host, without user name, white space or backslash."""
    if len(text) > MAX_URL or _UNSAFE.search(text) or "://" not in text:
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in schemes and _NETLOC.fullmatch(parts.netloc) is not None and port != 0


def is_link(text: str) -> bool:
    """Whether an ``href`` may stand in a text: http(s), mailto, or a path of this site.

    ``//host`` and ``/\\host`` leave the site without saying so: browsers read both as another host.
    """
    if text.startswith("/"):
        return len(text) <= MAX_URL and not text.startswith("//") and not _UNSAFE.search(text)
    if text[:7].lower() == "mailto:":
        return not _UNSAFE.search(text) and _MAILTO.match(text) is not None
    return is_web_url(text)


def site_path(text: str) -> str:
    """The one form of a path of the site: percent-decoded, NFC.

    Raises ValueError, saying why, for what no page of the site can have as its path.
    """
    try:
        path = unicodedata.normalize("NFC", unquote(text, errors="strict"))
    except UnicodeDecodeError:
        raise ValueError("its percent-encoding is not UTF-8") from None
    if not path.startswith("/") or path == "/":
        raise ValueError("give the path only, from its first slash on, such as /2019/03/old.html")
    if _UNSAFE_IN_PATH.search(path):
        raise ValueError("leave out ?, #, backslashes and control characters: a path cannot hold them")
    if {"", ".", ".."} & set(path[1:].removesuffix("/").split("/")):
        raise ValueError("leave out empty, . and .. segments")
    if len(path.encode()) > MAX_PATH_BYTES:
        raise ValueError(f"at most {MAX_PATH_BYTES} bytes")
    return path


def is_reserved_path(path: str) -> bool:
    """Whether the site itself publishes under this path, so that an article may not take it."""
    return path.split("/")[1] in _OURS
