"""Schemathesis tries the API as its OpenAPI document describes it, with good requests and bad ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Stack

SITE = {
    "id": "tried",
    "name": "تجربة",
    "locale": "ar-LB",
    "base_url": "http://127.0.0.1/tried/",
    "time_zone": "Asia/Beirut",
    "sections": [{"slug": "politics", "label": "سياسة"}],
}
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "allow_header_conformance",
    "ignored_auth", "missing_required_header",
)  # fmt: skip
"""Left out: that every valid request is taken, since no document can say all that makes one wrong; and that a
method without a route answers 405, since a body of the wrong kind is refused before that."""

NOT_TRIED = ("revokeToken", "rotateToken", "streamEvents", "streamPublicationEvents")
"""They end the token that tries, or never end."""


@pytest.fixture(scope="module")
def token(stack: Stack) -> str:
    """Of a site of its own: whatever is tried stays there."""
    made = stack.admin.put("/v1/sites/tried", json=SITE)
    assert made.status_code == 201, made.text
    new: dict[str, Any] = {"name": "tried", "role": "admin", "site": "tried"}
    return str(stack.admin.post("/v1/tokens", json=new).json()["token"])


@pytest.mark.timeout(600)
def test_the_api_keeps_to_its_document(stack: Stack, token: str, tmp_path: Path) -> None:
    """Every answer is one that the document names, in its shape and media type; none is a server's error."""
    program = Path(sys.executable).with_name("st")
    if not program.exists():
        pytest.skip("schemathesis is not installed: make audit installs it")
    excluded = [word for name in NOT_TRIED for word in ("--exclude-operation-id", name)]
    done = subprocess.run(
        [
            str(program), "run", f"{stack.api}/openapi.json", "--header", f"Authorization: Bearer {token}",
            "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", "4",
            "--seed", "1", "--no-color", "--warnings", "off", *excluded,
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=540, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-12_000:]
