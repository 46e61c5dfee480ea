"""The CloudFront Function, run by Node on events as AWS documents them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import playwright
import pytest

ROOT = Path(__file__).parents[3]
NODE = Path(playwright.__file__).with_name("driver") / "node"
CODE = (ROOT / "infra" / "edge" / "cloudfront.js").read_text("utf-8").replace("/PREFIX", "/khabar/")


def run(event: dict[str, Any]) -> dict[str, Any]:
    """What the function returns for an event."""
    script = f"{CODE}\nconsole.log(JSON.stringify(handler({json.dumps(event)})));"
    done = subprocess.run(
        [str(NODE), "-e", script], capture_output=True, text=True, timeout=30, check=True, encoding="utf-8"
    )
    return dict(json.loads(done.stdout))


def asked(uri: str) -> dict[str, Any]:
    query = {"utm_source": {"value": "x"}}
    request = {"method": "GET", "uri": uri, "querystring": query, "headers": {}, "cookies": {}}
    return run({"version": "1.0", "context": {"eventType": "viewer-request"}, "request": request})


def answered(**metadata: str) -> dict[str, Any]:
    headers = {f"x-amz-meta-{name}": {"value": value} for name, value in metadata.items()}
    response = {"statusCode": 200, "statusDescription": "OK", "headers": headers, "cookies": {}}
    return run({"version": "1.0", "context": {"eventType": "viewer-response"}, "response": response})


@pytest.mark.parametrize(
    ("uri", "key"),
    [
        ("/", "/khabar/index.html"),
        ("/politics/%d8%ae%d8%a8%d8%b1/", "/khabar/politics/%D8%AE%D8%A8%D8%B1/index.html"),
        ("/a/k3v9x", "/khabar/a/k3v9x"),
        ("/media/abc.avif", "/khabar/media/abc.avif"),
        ("/.well-known/apple-app-site-association", "/khabar/.well-known/apple-app-site-association"),
    ],
)
def test_an_address_is_one_key(uri: str, key: str) -> None:
    """Folders are their index.html, escapes are capitals, the query is dropped."""
    found = asked(uri)
    assert (found["uri"], found["querystring"]) == (key, {})


def test_a_missing_slash_is_a_redirect() -> None:
    """A folder without its slash leads to the folder, at the edge."""
    found = asked("/politics/%d8%ae")
    assert (found["statusCode"], found["headers"]["location"]["value"]) == (301, "/politics/%D8%AE/")


@pytest.mark.parametrize("status", [404, 410, 451])
def test_removed_pages_have_their_status(status: int) -> None:
    """Metadata says the status, and what is for the edge is hidden."""
    found = answered(status=str(status), version="7", seal="s", **{"surrogate-key": "a", "cache-tag": "a"})
    assert found["statusCode"] == status
    assert found["headers"] == {"x-content-type-options": {"value": "nosniff"}}


def test_redirects_lead_where_the_metadata_says() -> None:
    """Status and location become the answer's own."""
    found = answered(status="301", location="/new/")
    assert (found["statusCode"], found["headers"]["location"]["value"]) == (301, "/new/")


def test_a_strange_status_is_not_believed() -> None:
    """Only statuses that nashr writes are taken over."""
    assert answered(status="500")["statusCode"] == 200
