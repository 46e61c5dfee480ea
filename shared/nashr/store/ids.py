"""Identifiers: sortable by time of birth, unguessable enough, safe in URLs."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's: no i, l, o, u


def new_id(prefix: str) -> str:
    """``prefix_`` and 26 characters: 48 bits of milliseconds, 80 random bits."""
    return f"{prefix}_{_base32(time.time_ns() // 1_000_000, 10)}{_base32(secrets.randbits(80), 16)}"


def short_id() -> str:
    """Eight characters (40 random bits) for the permalink /a/{short id}; a clash is tried again."""
    return _base32(secrets.randbits(40), 8)


def _base32(value: int, length: int) -> str:
    chars = []
    for _ in range(length):
        value, digit = divmod(value, 32)
        chars.append(_ALPHABET[digit])
    return "".join(reversed(chars))


def keyed_name(secret: str, *parts: bytes | str) -> str:
    """The keyed hash that names an asset of a site: 32 hex digits of HMAC-SHA256.

    Whoever has the photo but not the site's secret cannot guess the address.
    """
    mac = hmac.new(secret.encode(), digestmod=hashlib.sha256)
    for part in parts:
        mac.update(part.encode() if isinstance(part, str) else part)
        mac.update(b"\0")
    return mac.hexdigest()[:32]


def fingerprint(*parts: str) -> str:
    """A short hash of texts: the key of an input-hashed step."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def index_key(secret: str) -> str:
    """The key of a site's IndexNow submissions: 32 hex digits that its secret gives."""
    return keyed_name(secret, "indexnow")
