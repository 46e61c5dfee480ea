"""Webhooks: which events there are, and how a delivery is signed (Standard Webhooks 1.0). Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

EVENTS: Final = (
    "article.live", "article.updated", "article.corrected", "article.removed", "publication.failed",
    "asset.ready", "asset.failed", "asset.withdrawn",
)  # fmt: skip
TEST: Final = "webhook.test"
"""What a test sends; nobody subscribes to it."""

MOST_EVENTS: Final = 10_000
"""What one replay sends at most."""

_PREFIX: Final = "whsec_"
_LEAST, _MOST = 16, 64  # bytes of a key


def key_of(secret: str) -> bytes:
    """The key that a secret stands for: ``whsec_`` and base64, as libraries take it, or the text's bytes.

    Raises ValueError, with the cure and without the secret, for one too short, too long or no base64.
    """
    if not secret.startswith(_PREFIX):
        key = secret.encode("utf-8", "surrogatepass")
        if not _LEAST <= len(key) <= 256:
            raise ValueError(f"{_LEAST} to 256 bytes of text, or whsec_ and base64")
        return key
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("after whsec_ comes base64, such as openssl rand -base64 32 gives") from None
    if not _LEAST <= len(key) <= _MOST:
        raise ValueError(f"after whsec_ come {_LEAST} to {_MOST} bytes in base64")
    return key


def headers(secrets: Sequence[str], *, message: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of a delivery: who it is, when it was sent (Unix seconds), a signature for each secret."""
    signed = f"{message}.{timestamp}.".encode() + body
    marks = [
        base64.b64encode(hmac.new(key_of(secret), signed, hashlib.sha256).digest()) for secret in secrets
    ]
    return {
        "webhook-id": message,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{mark.decode()}" for mark in marks),
    }
