"""Deliveries are signed as Standard Webhooks says: its own library and our documents accept them."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from nashr.domain.webhooks import headers, key_of
from standardwebhooks import Webhook, WebhookVerificationError

PAGE = (Path(__file__).parents[3] / "docs/webhooks.md").read_text("utf-8")
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
BODY = '{"id":"7","type":"article.live","headline":"خبر"}'.encode()


def sign(*secrets: str, at: int | None = None) -> dict[str, str]:
    return headers(secrets, message="7", timestamp=at or int(time.time()), body=BODY)


def example(language: str, holds: str) -> str:
    """A code block of docs/webhooks.md."""
    blocks: list[str] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return next(block for block in blocks if holds in block)


def test_an_independent_library_accepts_a_delivery() -> None:
    """standardwebhooks verifies it, and refuses another body, another secret and an old timestamp."""
    assert Webhook(SECRET).verify(BODY, sign(SECRET)) is not None
    other = "whsec_" + base64.b64encode(bytes(24)).decode()
    old = int(time.time()) - 600
    for secret, body, sent in (
        (SECRET, BODY + b" ", sign(SECRET)), (other, BODY, sign(SECRET)),
        (SECRET, BODY, sign(SECRET, at=old)),
    ):  # fmt: skip
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, sent)


def test_while_a_secret_changes_both_are_accepted() -> None:
    """A delivery carries a signature for each: receivers change theirs when they like."""
    new = "whsec_" + base64.b64encode(b"another secret of 24 byt").decode()
    sent = sign(new, SECRET)
    assert Webhook(SECRET).verify(BODY, sent) == Webhook(new).verify(BODY, sent)


def test_a_plain_text_is_a_secret_too() -> None:
    """Its bytes are the key: a library takes them as base64."""
    text = "a long random text, of a CMS"
    library = Webhook("whsec_" + base64.b64encode(text.encode()).decode())
    assert library.verify(BODY, sign(text)) is not None


@pytest.mark.parametrize("secret", ["short", "", "whsec_", "whsec_!!!!", "whsec_YQ==", "whsec_" + "A" * 200])
def test_weak_or_broken_secrets_are_refused_without_repeating_them(secret: str) -> None:
    """Below 16 bytes or no base64; the message says what to give."""
    with pytest.raises(ValueError, match=r"bytes|base64") as refused:
        key_of(secret)
    assert not secret.removeprefix("whsec_") or secret not in str(refused.value)


def test_the_documented_python_example_verifies() -> None:
    """It accepts ours, and refuses a changed body and an old timestamp."""
    space: dict[str, object] = {}
    exec(example("python", "def verify"), space)  # noqa: S102 - the documents' own example
    verify = space["verify"]
    assert callable(verify)
    assert verify(SECRET, sign(SECRET), BODY)
    assert not verify(SECRET, sign(SECRET), BODY + b"x")
    assert not verify(SECRET, sign(SECRET, at=1_700_000_000), BODY)


def test_the_documented_shell_example_computes_our_signature(tmp_path: Path) -> None:
    """openssl comes to the same value."""
    sent = sign(SECRET)
    (tmp_path / "body.json").write_bytes(BODY)
    given = {
        "secret": SECRET, "id": sent["webhook-id"], "timestamp": sent["webhook-timestamp"],
        "PATH": os.environ["PATH"],
    }  # fmt: skip
    done = subprocess.run(
        ["sh", "-c", example("sh", "openssl dgst")], env=given, cwd=tmp_path, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert f"v1,{done.stdout.strip()}" == sent["webhook-signature"]
