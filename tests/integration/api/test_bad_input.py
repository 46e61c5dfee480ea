"""What the API refuses, over HTTP: with the right status and code, a pointer to the fault, and a cure."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from PIL import Image

if TYPE_CHECKING:
    from tests.conftest import Stack


def problem(
    answer: httpx.Response, status: int, code: str, *, at: str | None = None, fault: str | None = None
) -> Any:
    """Checks the shape of a refusal; returns it."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text[:500]}"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert (found["status"], found["code"]) == (status, code), found
    assert found["title"]
    assert len(found["detail"]) > 10
    assert found["request_id"] == answer.headers["request-id"]
    faults = found.get("errors", [])
    assert all(set(item) == {"pointer", "code", "detail"} and item["detail"] for item in faults)
    if at is not None:
        assert at in {item["pointer"] for item in faults}, faults
    if fault is not None:
        assert fault in {item["code"] for item in faults if at in {None, item["pointer"]}}, faults
    return found


READS = (
    "/v1/articles",
    "/v1/events",
    "/v1/sites/khabar",
    "/v1/tokens",
    "/v1/articles/x",
    "/v1/publications/x",
)


@pytest.mark.parametrize("path", READS)
def test_nobody_without_a_token(stack: Stack, path: str) -> None:
    """Without a token, or with a wrong one, every read is refused alike and says how to authenticate."""
    for headers in ({}, {"Authorization": "Bearer nk_00000000_x"}, {"Authorization": "Basic eDp5"}):
        answer = stack.client("nobody").get(path, headers=headers)
        problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_no_write_without_a_token(stack: Stack) -> None:
    """Drafts, photos and publications need a token too."""
    made = stack.create()
    nobody = stack.client("nobody")
    problem(nobody.post("/v1/articles", json=stack.draft()), 401, "unauthenticated")
    problem(nobody.post("/v1/assets", files={"file": ("a.jpg", stack.photo())}), 401, "unauthenticated")
    problem(nobody.post(f"/v1/articles/{made['id']}/publish", json={}), 401, "unauthenticated")


def test_a_role_does_no_more_than_it_may(stack: Stack) -> None:
    """A writer drafts but publishes, corrects and removes nothing; an editor makes no sites or tokens."""
    made = stack.create(who="writer")
    where = f"/v1/articles/{made['id']}"
    for answer in (
        stack.writer.post(f"{where}/publish", json={}),
        stack.writer.post(f"{where}/corrections", json={"kind": "update", "text": "نص"}),
        stack.writer.post(f"{where}/unpublish", json={"kind": "kill", "reason": "سبب"}),
        stack.writer.post("/v1/publications/x/cancel"),
        stack.editor.post("/v1/tokens", json={"name": "x", "role": "admin"}),
        stack.editor.get("/v1/tokens"),
        stack.editor.put("/v1/sites/khabar", json={}),
    ):
        problem(answer, 403, "forbidden")
    assert stack.article(made["id"])["pending"] is None


def test_another_sites_things_look_absent(stack: Stack) -> None:
    """To a token of another site, articles, photos and publications do not exist, by no route."""
    photo = stack.upload()
    made = stack.create(hero={"asset": photo["id"], "alt": "صورة"})
    publication = stack.publish(made["id"], publish_at="2099-01-01T00:00:00Z")
    where = f"/v1/articles/{made['id']}"
    match = {"If-Match": '"1"'}
    for answer in (
        stack.stranger.get(where),
        stack.stranger.put(where, json=stack.draft(), headers=match),
        stack.stranger.post(f"{where}/publish", json={}),
        stack.stranger.post(f"{where}/corrections", json={"kind": "update", "text": "x"}),
        stack.stranger.post(f"{where}/unpublish", json={"kind": "kill", "reason": "x"}),
        stack.stranger.get(f"{where}/revisions"),
        stack.stranger.get(f"{where}/revisions/1"),
        stack.stranger.get(f"/v1/publications/{publication['id']}"),
        stack.stranger.get(f"/v1/publications/{publication['id']}/events"),
        stack.stranger.post(f"/v1/publications/{publication['id']}/cancel"),
        stack.stranger.get(f"/v1/assets/{photo['id']}"),
        stack.stranger.patch(f"/v1/assets/{photo['id']}", json={"caption": "x"}, headers=match),
        stack.stranger.get("/v1/articles", params={"site": "khabar"}),
        stack.stranger.get("/v1/events", params={"site": "khabar"}),
        stack.stranger.get("/v1/sites/khabar"),
        stack.stranger.post("/v1/articles", json=stack.draft(site="khabar")),
        stack.stranger.post("/v1/assets", data={"site": "khabar"}, files={"file": ("a.jpg", stack.photo())}),
    ):
        problem(answer, 404, "not_found")
    own = stack.stranger.get("/v1/articles", params={"limit": 200}).json()["items"]
    assert {item["site"] for item in own} <= {"other"}
    assert stack.article(made["id"])["revision"] == 1
    theirs = stack.stranger.post("/v1/articles", json=stack.draft(hero={"asset": photo["id"], "alt": "x"}))
    problem(theirs, 422, "invalid", at="/hero/asset", fault="unknown_asset")
    stack.editor.post(f"/v1/publications/{publication['id']}/cancel")


def test_a_revoked_token_is_refused_at_once(stack: Stack) -> None:
    """The request after a token's revocation is refused, and the list shows when it ended."""
    made = stack.admin.post("/v1/tokens", json={"name": "brief", "role": "writer", "site": "khabar"}).json()
    headers = {"Authorization": f"Bearer {made['token']}"}
    assert stack.client("nobody").get("/v1/articles", headers=headers).status_code == 200
    assert stack.admin.delete(f"/v1/tokens/{made['id']}").status_code == 204
    problem(stack.client("nobody").get("/v1/articles", headers=headers), 401, "unauthenticated")
    listed = {item["id"]: item for item in stack.admin.get("/v1/tokens").json()["items"]}
    assert listed[made["id"]]["revoked_at"]
    assert "token" not in listed[made["id"]]


def test_a_token_ends_in_the_future(stack: Stack) -> None:
    """A token that would be over already is not made."""
    wanted = {"name": "old", "role": "writer", "site": "khabar", "expires": "2001-01-01T00:00:00Z"}
    problem(stack.admin.post("/v1/tokens", json=wanted), 422, "invalid", at="/expires", fault="past_due")


PARAGRAPH = {"type": "paragraph", "html": "نص"}
LONG = "ط" * 100_000  # 200 kB of UTF-8


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"headlin": "خطأ"}, "/headlin", "unknown_field"),
        ({"body": [{**PARAGRAPH, "colour": "red"}]}, "/body/0/colour", "unknown_field"),
        ({"headline": None}, "/headline", "missing"),
        ({"headline": ""}, "/headline", None),
        ({"headline": "  \u200f "}, "/headline", None),
        ({"headline": LONG}, "/headline", "too_long"),
        ({"headline": 7}, "/headline", "bad_type"),
        ({"body": []}, "/body", "empty"),
        ({"body": None}, "/body", None),
        ({"body": [{"type": "paragraph", "html": " "}]}, "/body", "empty"),
        ({"body": [{"type": "video", "url": "https://x.org"}]}, "/body/0/type", None),
        ({"body": [PARAGRAPH, {"type": "heading", "level": 1, "text": "x"}]}, "/body/1/level", None),
        ({"body": [{**PARAGRAPH, "html": LONG}]}, "/body/0/html", "too_long"),
        ({"section": "weather"}, "/section", "unknown_section"),
        ({"section": None}, "/section", "missing"),
        ({"hero": {"asset": "as_nothing"}}, "/hero/asset", "unknown_asset"),
        ({"body": [PARAGRAPH, {"type": "image", "asset": "as_no"}]}, "/body/1/asset", "unknown_asset"),
        ({"translation_of": "ar_nothing"}, "/translation_of", "unknown_article"),
        ({"related": {"pin": ["ar_nothing"]}}, "/related/pin/0", "unknown_article"),
        ({"slug": "../../etc"}, "/slug", "bad_slug"),
        ({"slug": "Upper Case"}, "/slug", "bad_slug"),
        ({"slug": "ط" * 61}, "/slug", "bad_slug"),
        ({"slug": "archive"}, "/slug", "reserved"),
        ({"slug": "feeds"}, "/slug", "reserved"),
        ({"aliases": ["/feeds/rss.xml"]}, "/aliases/0", "reserved"),
        ({"aliases": ["//evil.example/"]}, "/aliases/0", None),
        ({"aliases": ["/politics/"]}, "/aliases/0", "reserved"),
        ({"aliases": ["/politics/index.html"]}, "/aliases/0", "reserved"),
        ({"embargo_until": "tomorrow"}, "/embargo_until", "bad_time"),
        ({"embargo_until": "2026-02-30T00:00:00Z"}, "/embargo_until", "bad_time"),
        ({"published_at": "2026-01-01T00:00:00"}, "/published_at", "bad_time"),
        ({"language": "العربية"}, "/language", "bad_language"),
        ({"kind": "gossip"}, "/kind", None),
        ({"source": {"name": "x", "url": "javascript:alert(1)"}}, "/source/url", "bad_url"),
        ({"body": [{"type": "embed", "url": "http://x.org"}]}, "/body/0/url", "bad_url"),
        ({"extensions": {"blob": "x" * 17_000}}, "/extensions", "too_long"),
        ({"headline": "صفر\x00هنا"}, "/headline", "bad_character"),
        ({"body": [{**PARAGRAPH, "html": "جرس\x07"}]}, "/body/0/html", "bad_character"),
        ({"extensions": {"a": {"b": "\x00"}}}, "/extensions/a/b", "bad_character"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else None,
)  # fmt: skip
def test_a_bad_draft_is_refused_with_its_place(
    stack: Stack, changes: dict[str, Any], pointer: str, code: str | None
) -> None:
    """Each fault of a draft answers 422 with the pointer of the fault, and nothing is stored."""
    draft = {name: value for name, value in stack.draft(**changes).items() if value is not None}
    answer = stack.editor.post("/v1/articles", json=draft)
    problem(answer, 422, "invalid", at=pointer, fault=code)


def test_all_faults_are_told_at_once(stack: Stack) -> None:
    """An editor hears of every fault in one answer."""
    draft = stack.draft(headlin="x", slug="../x", embargo_until="soon", language="??")
    found = problem(stack.editor.post("/v1/articles", json=draft), 422, "invalid")
    assert {"/headlin", "/slug", "/embargo_until", "/language"} <= {
        item["pointer"] for item in found["errors"]
    }


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_json"),
        (b'{"headline": NaN}', 400, "bad_json"),
        (b'"\xff\xfe"', 400, "bad_json"),
        (b"[" * 100 + b"]" * 100, 422, "invalid"),
        (b"[]", 422, "invalid"),
        (b"", 422, "invalid"),
        (rb'{"headline": "\ud800", "section": "politics", "body": []}', 422, "invalid"),
        (b'{"headline": "' + b"x" * 1_100_000 + b'"}', 413, "too_large"),
    ],
    ids=["cut off", "NaN", "not UTF-8", "deep", "a list", "nothing", "half a surrogate pair", "1.1 MB"],
)
def test_a_body_that_is_no_draft(stack: Stack, body: bytes, status: int, code: str) -> None:
    """Whatever is not a JSON object of bearable size is refused before anything looks at its fields."""
    headers = {"Content-Type": "application/json"}
    problem(stack.editor.post("/v1/articles", content=body, headers=headers), status, code)


def test_a_form_is_no_draft(stack: Stack) -> None:
    """A body of another type than JSON answers 415."""
    problem(stack.editor.post("/v1/articles", data={"headline": "x"}), 415, "unsupported_media_type")


def test_bidi_overrides_are_removed_with_a_warning(stack: Stack) -> None:
    """Overrides and loose isolates go, RLM and ZWNJ stay, and the answer says where something went."""
    answer = stack.editor.post(
        "/v1/articles",
        json=stack.draft(
            headline=f"خبر\u202e مقلوب\u202c {stack.word()}",
            standfirst="نیم\u200cفاصله \u200fهنا",
            body=[
                {"type": "paragraph", "html": "عزل \u2067ناقص <script>alert(1)</script><b onclick='x'>نص</b>"}
            ],
        ),
    )
    assert answer.status_code == 201
    made = answer.json()
    warned = {(item["pointer"], item["code"]) for item in made["warnings"]}
    assert warned == {
        ("/headline", "removed_bidi"), ("/body/0/html", "removed_bidi"), ("/body/0/html", "removed_markup"),
    }  # fmt: skip
    assert "\u202e" not in made["headline"]
    assert made["standfirst"] == "نیم\u200cفاصله \u200fهنا"
    assert "<script" not in made["body"][0]["html"]
    assert "onclick" not in made["body"][0]["html"]
    assert "<b>نص</b>" in made["body"][0]["html"]


def test_a_used_slug_comes_with_a_suggestion(stack: Stack) -> None:
    """An explicit slug that its section uses answers 409 with a free one; a derived one is numbered."""
    made = stack.create(slug=f"used-{stack.word()}")
    answer = stack.editor.post("/v1/articles", json=stack.draft(slug=made["slug"]))
    found = problem(answer, 409, "slug_taken", at="/slug")
    assert f"{made['slug']}-2" in found["detail"]
    assert stack.create(slug=f"{made['slug']}-2")["slug"] == f"{made['slug']}-2"
    elsewhere = stack.create(slug=made["slug"], section="sport")
    assert elsewhere["slug"] == made["slug"]
    twin = stack.create(headline=made["headline"])
    assert stack.create(headline=made["headline"])["slug"] == f"{twin['slug']}-2"


def test_a_page_cannot_take_a_front(stack: Stack) -> None:
    """A page stands at the root, where the fronts are: their slugs are taken."""
    answer = stack.editor.post("/v1/articles", json=stack.draft(kind="page", slug="sport"))

    problem(answer, 409, "slug_taken", at="/slug")


def test_an_article_cannot_name_itself(stack: Stack) -> None:
    """Neither as its own translation nor as its own related story."""
    made = stack.create()
    for named, at in (
        ({"translation_of": made["id"]}, "/translation_of"),
        ({"related": {"pin": [made["id"]]}}, "/related/pin/0"),
    ):
        answer = stack.editor.put(
            f"/v1/articles/{made['id']}", json=stack.draft(**named), headers={"If-Match": '"1"'}
        )
        problem(answer, 422, "invalid", at=at)


def test_an_external_id_is_unique_on_its_site(stack: Stack) -> None:
    """A second article with the same external id is refused; another site may use it."""
    name = f"cms-{stack.word()}"
    stack.create(external_id=name)
    answer = stack.editor.post("/v1/articles", json=stack.draft(external_id=name))
    problem(answer, 409, "external_id_taken", at="/external_id")
    assert stack.create(who="stranger", external_id=name)["external_id"] == name


def jpeg(stack: Stack) -> bytes:
    return stack.photo(800, 600)


def huge_png() -> bytes:
    """A PNG whose header claims 64,250 x 64,250 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 64_250, 64_250, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def huge_jpeg(whole: bytes) -> bytes:
    """A JPEG whose frame header claims 64,250 x 64,250 pixels."""
    data = bytearray(whole)
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 64_250, 64_250)
    return bytes(data)


def many_frames() -> bytes:
    """A small GIF with more pixels in all its frames than a photo may have."""
    frames = [Image.new("L", (1000, 1000), number % 2) for number in range(70)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], disposal=2)
    return out.getvalue()


def strange_file(what: str, whole: bytes) -> bytes:
    """Something that calls itself photo.jpg."""
    files = {
        "text": "ليس صورة".encode(),
        "html": b"<!doctype html><title>x</title>",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "pdf": b"%PDF-1.7\n%x",
        "zip": b"PK\x03\x04" + bytes(100),
        "cut": whole[: len(whole) // 2],
        "head only": whole[:100],
        "huge png": huge_png(),
        "huge jpeg": huge_jpeg(whole),
        "many frames": many_frames(),
    }
    return files[what]


@pytest.mark.parametrize(
    ("code", "status", "what"),
    [
        *[("unsupported_media_type", 415, what) for what in ("text", "html", "svg", "pdf", "zip")],
        *[("broken_image", 422, what) for what in ("cut", "head only")],
        *[("too_many_pixels", 413, what) for what in ("huge png", "huge jpeg", "many frames")],
    ],
)
def test_a_bad_photo_is_refused(stack: Stack, what: str, status: int, code: str) -> None:
    """What is no photo, a broken one or one too large is refused by its bytes, whatever it calls itself."""
    data = strange_file(what, jpeg(stack))
    answer = stack.editor.post("/v1/assets", files={"file": ("photo.jpg", data, "image/jpeg")})
    assert "photo.jpg" in problem(answer, status, code)["detail"]


def test_an_empty_photo_is_refused(stack: Stack) -> None:
    """A file of no bytes is refused like any other that is no photo."""
    answer = stack.editor.post("/v1/assets", files={"file": ("photo.jpg", b"", "image/jpeg")})
    assert answer.status_code in {415, 422}
    problem(answer, answer.status_code, answer.json()["code"])


def test_a_photo_is_what_its_bytes_say(stack: Stack) -> None:
    """A PNG called photo.jpg is taken, as a PNG."""
    out = io.BytesIO()
    Image.open(io.BytesIO(jpeg(stack))).save(out, "PNG")
    assert stack.upload(out.getvalue())["content_type"] == "image/png"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [({"focal_x": "1.5", "focal_y": "0"}, "/focal_x"), ({"focal_x": "left", "focal_y": "0"}, "/focal_x"),
     ({"colour": "red"}, "/colour"), ({"rights": "{"}, "/rights")],
)  # fmt: skip
def test_bad_fields_of_an_upload(stack: Stack, fields: dict[str, str], pointer: str) -> None:
    """The form's fields are checked like a draft's."""
    answer = stack.editor.post(
        "/v1/assets", data=fields, files={"file": ("a.jpg", jpeg(stack), "image/jpeg")}
    )
    problem(answer, 422, "invalid", at=pointer)


def test_an_upload_without_a_file(stack: Stack) -> None:
    """A form without its file says so."""
    answer = stack.editor.post("/v1/assets", files={"focal_x": (None, "0.5"), "focal_y": (None, "0.5")})
    problem(answer, 422, "invalid", at="/file")


def test_the_same_photo_twice_is_one_asset(stack: Stack) -> None:
    """The same bytes on a site answer 200 with the first asset, its metadata untouched."""
    data = jpeg(stack)
    first = stack.editor.post(
        "/v1/assets", data={"caption": "الأولى"}, files={"file": ("a.jpg", data, "image/jpeg")}
    )
    second = stack.editor.post(
        "/v1/assets", data={"caption": "الثانية"}, files={"file": ("b.jpg", data, "image/jpeg")}
    )
    assert (first.status_code, second.status_code) == (201, 200)
    assert (second.json()["id"], second.json()["caption"]) == (first.json()["id"], "الأولى")
    assert stack.upload(data, who="stranger")["id"] != first.json()["id"]


def test_a_photo_without_alt_is_not_published(stack: Stack) -> None:
    """A draft may lack alt texts; publishing names each place, and decorative ones need none."""
    photo = stack.upload()["id"]
    made = stack.create(
        hero={"asset": photo}, body=[PARAGRAPH, {"type": "image", "asset": photo, "alt": " "}]
    )
    answer = stack.editor.post(f"/v1/articles/{made['id']}/publish", json={})
    found = problem(answer, 422, "invalid", at="/hero/alt", fault="missing_alt")
    assert {item["pointer"] for item in found["errors"]} == {"/hero/alt", "/body/1/alt"}
    assert stack.article(made["id"])["pending"] is None
    made = stack.create(hero={"asset": photo, "decorative": True})
    assert stack.publish(made["id"])["state"] in {"pending", "running"}


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [({"revision": 9}, "/revision"), ({"revision": 0}, "/revision"), ({"priority": "now"}, "/priority"),
     ({"publish_at": "later"}, "/publish_at"), ({"when": 1}, "/when"), ({"change": "big"}, "/change")],
)  # fmt: skip
def test_a_bad_publication_is_refused(stack: Stack, wanted: dict[str, Any], pointer: str) -> None:
    """An unknown revision, priority, time or field is refused by name."""
    made = stack.create()
    problem(stack.editor.post(f"/v1/articles/{made['id']}/publish", json=wanted), 422, "invalid", at=pointer)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/webhooks/wh_nothing"), ("DELETE", "/v1/webhooks/wh_nothing"),
     ("GET", "/nothing"), ("GET", "/v1/articles/"),
     ("GET", "/v1/articles/%00"), ("GET", "/v1/articles/ar_nothing"), ("GET", "/v1/assets/as_nothing"),
     ("GET", "/v1/publications/pb_nothing"), ("GET", "/v1/articles/{id}/revisions/99"),
     ("GET", "/v1/articles/" + "x" * 500)],
    ids=lambda value: value[:30],
)  # fmt: skip
def test_what_is_not_there(stack: Stack, method: str, path: str) -> None:
    """Unknown things and routes, those of later releases too, are 404 problems, never a server's fault."""
    made = stack.create()
    answer = stack.admin.request(method, path.format(id=made["id"]), json={} if method == "POST" else None)
    assert answer.status_code in ({404, 422} if "%00" in path or "xxx" in path else {404})
    problem(answer, answer.status_code, answer.json()["code"])


def test_a_wrong_method_is_a_problem_too(stack: Stack) -> None:
    """405 comes with an Allow header and the same shape."""
    answer = stack.admin.delete("/v1/articles")
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"]
