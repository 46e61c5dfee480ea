"""The outermost guard: nothing too large, too slow, too deep or not JSON reaches a route."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from nashr.domain.errors import Refused
from nashr_ingest.jsonbody import MAX_DEPTH, read_json
from nashr_ingest.limits import Limits, Pace

Send = Callable[..., httpx.Response]
JSON = {"content-type": "application/json"}
MIB = 1024 * 1024


async def _pieces(total: int, size: int = 65_536) -> AsyncIterator[bytes]:
    for _ in range(total // size):
        yield b" " * size


@pytest.mark.parametrize(
    ("raw", "status", "code", "said"),
    [
        (b'{"headline": ', 400, "bad_json", "line 1"),
        (b"{'headline': 1}", 400, "bad_json", "column 2"),
        (b"\xc7\xe1\xce\xc8\xd1", 400, "bad_json", "UTF-8"),
        (b'{"headline": "\xff"}', 400, "bad_json", "byte 15"),
        (b'{"headline": "a\x00b"}', 400, "bad_json", "control character"),
        (b'{"extensions": {"a": NaN}}', 400, "bad_json", "NaN"),
        (b'{"extensions": {"a": -Infinity}}', 400, "bad_json", "Infinity"),
        (b'{"extensions": {"a": 1e999}}', 400, "bad_json", "too large a number"),
        (b'{"extensions": {"a": ' + b"1" * 5_000 + b"}}", 400, "bad_json", "limit"),
        (b"[" * 100_000, 422, "invalid", "flatten"),
        (b"[" * 40 + b"]" * 40, 422, "invalid", "flatten"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, 422, "invalid", "flatten"),
        (b"[" + b"[]," * 120_000 + b"[]]", 413, "too_large", "100000"),
        (b"{" + b'"a":1,' * 50_000 + b'"a":1}', 413, "too_large", "40000 names"),
        (b'"text"', 422, "invalid", "see errors"),
    ],
)
def test_what_is_not_sound_json_is_refused(send: Send, raw: bytes, status: int, code: str, said: str) -> None:
    """Broken, foreign or bottomless bodies answer 4xx with the reason, never 500."""
    answer = send("POST", "/v1/articles", content=raw, headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert said in answer.text


def test_json_as_deep_as_allowed_is_read() -> None:
    """The limit is where it says it is."""
    assert read_json(b"[" * MAX_DEPTH + b"1" + b"]" * MAX_DEPTH) is not None
    with pytest.raises(Refused):
        read_json(b"[" * (MAX_DEPTH + 1) + b"1" + b"]" * (MAX_DEPTH + 1))


def test_ascii_escapes_and_a_byte_order_mark_are_fine(send: Send, draft: dict[str, Any]) -> None:
    """Emoji as surrogate pairs, Arabic as escapes, a BOM: all are the same text."""
    draft["headline"] = "خبر 🎉"
    raw = b"\xef\xbb\xbf" + json.dumps(draft).encode()

    answer = send("POST", "/v1/articles", content=raw, headers=JSON)

    assert answer.json()["doc"]["headline"] == "خبر 🎉"


def test_an_announced_flood_is_refused_before_it_is_read(send: Send) -> None:
    """Content-Length above the limit is enough to say 413."""
    answer = send("POST", "/v1/articles", content=b" " * (MIB + 1), headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert "1048576" in answer.json()["detail"]
    assert answer.headers["connection"] == "close"


def test_an_unannounced_flood_is_refused_on_the_stream(send: Send) -> None:
    """A chunked body is counted as it arrives."""
    answer = send("POST", "/v1/articles", content=_pieces(2 * MIB), headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_lying_content_length_does_not_help(send: Send) -> None:
    """The stream is counted whatever the header says."""
    answer = send("POST", "/v1/articles", content=_pieces(2 * MIB), headers={**JSON, "content-length": "10"})

    assert answer.status_code == 413


def test_an_upload_is_counted_too(send: Send) -> None:
    """Photos have their own, larger limit, on the stream as well."""
    boundary = {"content-type": "multipart/form-data; boundary=x"}

    announced = send("POST", "/v1/assets", content=b" " * MIB, headers=boundary)
    streamed = send("POST", "/v1/assets", content=_photo(MIB), headers=boundary)

    assert (announced.status_code, streamed.status_code) == (413, 413)


async def _photo(size: int) -> AsyncIterator[bytes]:
    yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="x.jpg"\r\n\r\n'
    async for piece in _pieces(size):
        yield piece


def test_a_body_that_trickles_is_given_up(send: Send) -> None:
    """A connection cannot be held by sending next to nothing: 408."""

    async def trickle() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    answer = send("POST", "/v1/articles", content=trickle(), headers=JSON, pace=Pace(grace=0.05))

    assert (answer.status_code, answer.json()["code"]) == (408, "too_slow")


def test_the_pace_grows_with_what_arrives() -> None:
    """A slow line that keeps sending is let be: one more second for each floor of bytes."""
    assert Pace(grace=30, floor=1_000).deadline(100.0, 5_000) == 135.0


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_another_media_type_is_told_what_to_send(send: Send, media_type: str) -> None:
    """415 names application/json."""
    answer = send("POST", "/v1/articles", content=b"{}", headers={"content-type": media_type})

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert "application/json" in answer.json()["detail"]


def test_json_by_another_name_is_json(send: Send, draft: dict[str, Any]) -> None:
    """Parameters and +json types are taken."""
    for media_type in ("application/json; charset=utf-8", "application/vnd.cms+json"):
        raw = json.dumps(draft).encode()
        assert (
            send("POST", "/v1/articles", content=raw, headers={"content-type": media_type}).status_code == 201
        )


@pytest.mark.parametrize(
    "url", ["/v1/articles?q=a%00b", "/v1/articles/%00/publish", "/v1/articles?q=%1b", "/%7f"]
)
def test_a_control_character_in_the_address_is_refused(send: Send, url: str) -> None:
    """NUL in a path or query never reaches the database."""
    assert send("GET", url).status_code == 422


def test_arabic_in_the_address_is_fine(send: Send) -> None:
    """A search for an Arabic word passes, spaces and all."""
    assert send("GET", "/v1/articles", params={"q": "خبر عاجل"}).json()["q"] == "خبر عاجل"


def test_every_answer_has_a_request_id(send: Send) -> None:
    """The caller's own where it is harmless, else a new one."""
    given = send("GET", "/v1/articles", headers={"Request-Id": "cms-4711-abc"}).headers["request-id"]
    refused = send("GET", "/v1/articles", headers={"Request-Id": "<script>"}).headers["request-id"]

    assert given == "cms-4711-abc"
    assert len(refused) == 32


def test_a_client_that_hangs_up_gets_no_answer() -> None:
    """A body that ends before its end is dropped without a word and without an error."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    async def never(*_: Any) -> None:
        raise AssertionError

    scope = {"type": "http", "method": "POST", "path": "/x", "headers": [], "query_string": b""}
    asyncio.run(Limits(never, max_body_bytes=10, max_asset_bytes=10)(scope, receive, send))

    assert sent == []


def test_a_write_without_a_body_passes(send: Send) -> None:
    """No body is for the route to judge: it names what is missing."""
    answer = send("POST", "/v1/articles")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "missing"
