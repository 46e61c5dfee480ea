"""A photo's upload: streamed, counted, hashed, its form fields checked like any other input."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from nashr_ingest.uploads import SPOOL_BYTES, read_upload
from PIL import Image
from starlette.requests import Request

Send = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def photo() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((200, 100), 50).convert("RGB").save(out, "JPEG")
    return out.getvalue()


def _post(send: Send, photo: bytes, *, name: str = "صورة.jpg", **fields: Any) -> httpx.Response:
    return send("POST", "/v1/assets", files={"file": (name, photo, "image/jpeg")}, data=fields)


def test_a_photo_arrives_with_its_fields(send: Send, photo: bytes) -> None:
    """File, digest, size, name and every field of the contract."""
    rights = {"creator": "سامر", "expires_at": "2027-01-01T00:00:00+03:00", "syndication": False}
    fields = {"site": "khabar", "focal_x": "0.25", "focal_y": "1", "caption": "ما يُرى", "credit": "وكالة"}

    answer = _post(send, photo, rights=json.dumps(rights), **fields)

    assert answer.status_code == 201
    said = answer.json()
    assert said["sha256"] == hashlib.sha256(photo).hexdigest()
    assert (said["size"], said["filename"], said["declared_type"]) == (len(photo), "صورة.jpg", "image/jpeg")
    assert (said["site"], said["focal_point"]) == ("khabar", [0.25, 1.0])
    assert (said["caption"], said["credit"]) == ("ما يُرى", "وكالة")
    assert said["rights"]["expires_at"] == "2026-12-31T21:00:00Z"
    assert said["rights"]["syndication"] is False
    assert (said["width"], said["height"]) == (200, 100)


def test_a_photo_alone_is_enough(send: Send, photo: bytes) -> None:
    """All fields are optional, empty ones are absent."""
    said = _post(send, photo, caption="", rights="", focal_x="", focal_y="").json()

    assert (said["site"], said["focal_point"], said["caption"], said["rights"]) == (None, None, None, None)


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"colour": "red"}, "/colour", "unknown_field"),
        ({"focal_x": "2", "focal_y": "0"}, "/focal_x", "invalid"),
        ({"focal_x": "nan", "focal_y": "0"}, "/focal_x", "invalid"),
        ({"focal_x": "left", "focal_y": "0"}, "/focal_x", "bad_type"),
        ({"focal_x": "0.5"}, "/focal_y", "missing"),
        ({"site": "../x"}, "/site", "invalid"),
        ({"rights": "{"}, "/rights", "bad_json"),
        ({"rights": "[1]"}, "/rights", "bad_type"),
        ({"rights": '{"owner": "x"}'}, "/rights/owner", "unknown_field"),
        ({"rights": '{"expires_at": "tomorrow"}'}, "/rights/expires_at", "bad_time"),
        ({"caption": "x" * 2_001}, "/caption", "too_long"),
        ({"caption": "x" * 70_000}, "/caption", "too_long"),
        ({"caption": "a\x00b"}, "/caption", "bad_character"),
        ({"caption": ["a", "b"]}, "/caption", "invalid"),
    ],
)
def test_a_wrong_field_is_refused_by_name(
    send: Send, photo: bytes, fields: dict[str, Any], pointer: str, code: str
) -> None:
    """422 with the field as pointer, and its cure."""
    answer = _post(send, photo, **fields)

    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, code)]


def test_a_cleaned_caption_is_told(send: Send, photo: bytes) -> None:
    """Form fields get the same hygiene as JSON."""
    answer = _post(send, photo, caption="a\u202eb").json()

    assert answer["caption"] == "ab"
    assert [(w["pointer"], w["code"]) for w in answer["warnings"]] == [("/caption", "removed_bidi")]


def test_the_file_must_be_there_once_and_hold_something(send: Send, photo: bytes) -> None:
    """Missing, doubled or empty: each says so."""
    missing = send("POST", "/v1/assets", files={"photo": ("x.jpg", photo)})
    doubled = send("POST", "/v1/assets", files=[("file", ("x.jpg", photo)), ("file", ("y.jpg", photo))])
    empty = _post(send, b"")

    assert [answer.status_code for answer in (missing, doubled, empty)] == [422, 422, 422]
    assert ("/file", "missing") in [(e["pointer"], e["code"]) for e in missing.json()["errors"]]
    assert doubled.json()["errors"][0]["detail"].startswith("one file per request")
    assert empty.json()["errors"][0]["code"] == "empty"


@pytest.mark.parametrize("media_type", ["application/json", "image/jpeg", "", "multipart/mixed; boundary=x"])
def test_another_content_type_is_told_what_to_send(send: Send, photo: bytes, media_type: str) -> None:
    """415 names multipart/form-data and the part's name."""
    answer = send("POST", "/v1/assets", content=photo, headers={"content-type": media_type})

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert "part named file" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no boundary here",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf a pho',
        b"--x\r\nContent-Disposition: form-data\r\n\r\ndata\r\n--x--\r\n",
        b"--x\r\nbad header\r\n\r\ndata\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="c"\r\n\r\n1\r\n' * 30 + b"--x--\r\n",
    ],
)
def test_a_broken_form_is_refused(send: Send, body: bytes) -> None:
    """Malformed or cut-off bodies answer 422, never 500."""
    headers = {"content-type": "multipart/form-data; boundary=x"}

    answer = send("POST", "/v1/assets", content=body, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_a_form_without_a_boundary_is_refused(send: Send) -> None:
    """The Content-Type must say where parts end."""
    answer = send("POST", "/v1/assets", content=b"x", headers={"content-type": "multipart/form-data"})

    assert answer.status_code == 422
    assert "boundary" in answer.json()["detail"]


def test_too_large_a_photo_is_refused_on_the_stream(send: Send, photo: bytes) -> None:
    """The file's own bytes are counted to the byte."""
    exactly = _post(send, photo + b"x" * (300_000 - len(photo)))
    one_more = _post(send, photo + b"x" * (300_001 - len(photo)))

    assert exactly.status_code == 201
    assert (one_more.status_code, one_more.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\fakepath\\photo.jpg", "a\u202egpj.exe", "x" * 400])
def test_a_file_name_is_only_a_label(send: Send, photo: bytes, name: str) -> None:
    """No path, no marks, no length survives in it."""
    kept = _post(send, photo, name=name).json()["filename"]

    assert "/" not in kept
    assert "\\" not in kept
    assert "\u202e" not in kept
    assert len(kept) <= 200


def test_a_large_file_goes_to_disk_in_pieces() -> None:
    """Beyond the spool's size nothing stays in memory, and closing removes it."""
    size = SPOOL_BYTES * 3
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    pieces = [head, *[b"p" * 65_536] * (size // 65_536), b"\r\n--x--\r\n"]

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    request = Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)
    upload = asyncio.run(read_upload(request, max_bytes=size))

    assert upload.size == size
    assert upload.file.fileno() > 0
    upload.close()
    assert upload.file.closed


def test_a_disguised_file_is_refused_through_the_route(send: Send) -> None:
    """HTML called photo.jpg answers 415 with both said."""
    answer = _post(send, b"<html><script>alert(1)</script></html>", name="photo.jpg")

    assert answer.status_code == 415
    assert "photo.jpg is an HTML page" in answer.json()["detail"]
