"""Texts that would break out of a header, a log line, a path or an object key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.pages.attacks import NOT_URLS

if TYPE_CHECKING:
    from tests.conftest import Stack

PATHS = (
    "../../etc/passwd", "..%2f..%2fetc", "a/../../b", "/etc/passwd", "a\\..\\b", "%2e%2e/x", "....//x",
    ".", "..",
    "\uff0e\uff0e/x", "\u2025/x", "a\u2215b", "a/b", ".well-known", "index.html", "a%00b", "x\u202egnp",
    "a b",
    "p\u0430ypal", "\u0440\u043elitics-n\u0435ws", "caf\u0435", "\u03bfmega", "CON:", "a?b", "a#b", "-a",
    "a--b", "\u212aelvin",
)  # fmt: skip
"""No slugs: they climb, hide, look like another, or are nobody's spelling."""
ENDS = ("\u2028x", "\u2029x", "\x85x", "\x9b31mx", "\u202ex")
"""What a header may hold and a line of a log must not. HTTP itself refuses CR, LF, NUL and ESC."""


@pytest.mark.parametrize("slug", PATHS)
def test_a_slug_is_a_slug(stack: Stack, slug: str) -> None:
    """Of an article, an author, a section or the section that an article names."""
    answer = stack.editor.post("/v1/articles", json=stack.draft(slug=slug))
    assert (answer.status_code, _pointers(answer)) == (422, ["/slug"]), answer.text
    answer = stack.editor.post("/v1/articles", json=stack.draft(section=slug))
    assert (answer.status_code, _pointers(answer)) == (422, ["/section"]), answer.text
    answer = stack.editor.put(f"/v1/sites/khabar/authors/{quote(slug, safe='')}", json={"name": "x"})
    assert answer.status_code in {403, 404, 405, 422}, answer.text
    answer = _site(stack, sections=[{"slug": slug, "label": "x"}])
    assert (answer.status_code, _pointers(answer)) == (422, ["/sections/0/slug"]), answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/../x", "/a/../../x", "/a/./x", "//evil.example/", "/a//b", "/%2e%2e/x", "/a/%2e%2e/x", "/a\\b",
        "/a%5cb",
        "/a%00b", "/a%0d%0aX-Evil:1", "/a?b", "/a%3fb", "/a#b", "/x%ff", "https://evil.example/", "evil",
        "", "/",
        "/a\u202eb", "/_nashr/../x", "/media/x", "/robots.txt", "/preview/x",
    ],
)  # fmt: skip
def test_an_old_address_is_a_path_of_the_site(stack: Stack, path: str) -> None:
    """Whatever climbs, leads elsewhere or breaks a header is refused, and its place named."""
    answer = stack.editor.post("/v1/articles", json=stack.draft(aliases=[path]))
    assert answer.status_code == 422, answer.text
    assert _pointers(answer) == ["/aliases/0"]


@pytest.mark.parametrize("url", NOT_URLS)
def test_a_field_for_an_address_takes_addresses(stack: Stack, url: str) -> None:
    """Source, embed, banner, an author's link, logo, base address: 422 and the pointer for anything else."""
    block, source = {"type": "embed", "url": url}, {"name": "x", "url": url}
    author = {"name": "x", "links": [{"url": url}]}
    front = stack.editor.get("/v1/sites/khabar/fronts/sport")
    for answer, at in (
        (stack.editor.post("/v1/articles", json=stack.draft(source=source)), "/source/url"),
        (stack.editor.post("/v1/articles", json=stack.draft(body=[block])), "/body/0/url"),
        (stack.editor.put("/v1/sites/khabar/authors/x", json=author), "/links/0/url"),
        (stack.editor.put("/v1/sites/khabar/fronts/sport", json={"banner": {"text": "x", "url": url}},
                          headers={"If-Match": front.headers["etag"]}), "/banner/url"),
        (_site(stack, base_url=url), "/base_url"),
    ):  # fmt: skip
        assert (answer.status_code, _pointers(answer)) == (422, [at]), answer.text
    if "//" in url[:20]:
        answer = _site(stack, logo=url)
        assert (answer.status_code, _pointers(answer)) == (422, ["/logo"]), answer.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("logo", "https://logo.example;script-src *"), ("logo", "https://x.example/ ' unsafe"), ("logo",
        "../../x.svg"),
        ("logo", "a\\b.svg"), ("base_url", "https://x.example/a/../b/"), ("base_url",
        "https://x.example/a b/"),
        ("article_path", "/{slug}/../../"), ("article_path", "/a/{slug}/"), ("article_path", "//{slug}/"),
        ("article_path", "/feeds/{slug}/"), ("article_path", "/{slug}/?x/"), ("prefix", "../other/"),
        ("prefix", "a//b/"), ("prefix", "a\\b/"), ("prefix", "./"), ("name", "a\u202eb"), ("name",
        "a\u2028b"),
        ("name", "a\nb"), ("time_zone", "../../etc/passwd"), ("locale", "en\nX-Evil: 1"),
    ],
)  # fmt: skip
def test_a_site_s_own_words_cannot_break_out(stack: Stack, field: str, value: str) -> None:
    """Its name stands in every page, its addresses in headers and object keys."""
    answer = _site(stack, **{field: value})
    assert (answer.status_code, _pointers(answer)) == (422, [f"/{field}"]), answer.text


@pytest.mark.parametrize("end", ENDS)
def test_the_name_of_whoever_acts_stays_one_line(stack: Stack, end: str) -> None:
    """Nashr-Actor is kept in the audit trail: without what ends a line or colours a terminal."""
    raw = f"evil{end}".encode()
    answer = stack.editor.post("/v1/articles", json=stack.draft(), headers=[(b"Nashr-Actor", raw)])
    assert answer.status_code == 201
    actor = answer.json()["created_by"]
    assert actor.isprintable(), ascii(actor)


def test_an_external_id_is_a_name_and_no_path(stack: Stack) -> None:
    """It may look like a path: it is found under exactly that name, and no file or address comes of it."""
    for name in ("../../etc/passwd", "a/../b", "%2e%2e", "<script>", "x" * 200):
        unique = f"{stack.word()}{name}"[:200]
        path = f"/v1/articles/by-external-id/{quote(unique, safe='')}"
        answer = stack.editor.put(path, json=stack.draft())
        assert answer.status_code == 201, answer.text
        assert answer.json()["external_id"] == unique
        assert unique not in (answer.json()["url"] or "")


@pytest.mark.parametrize(
    "where",
    [
        *("/v1/articles", "/v1/articles/{id}/revisions", "/v1/articles/{id}/previews"),
        *("/v1/admin/dead", "/v1/admin/audit"),
    ],
)
@pytest.mark.parametrize(
    "values",
    [
        ["x", "y"],
        ["x"],
        ["\u0000", "\u0000"],
        ["\u0000"],
        ["9" * 18],
        ["9" * 40],
        [{}],
        "zz",
        [None, {"a": 1}],
    ],
)
def test_a_cursor_that_is_not_ours_is_refused(stack: Stack, where: str, values: Any) -> None:
    """Never an error of the server's: what stands in a cursor is anybody's word."""
    made = stack.create()
    cursor = values if isinstance(values, str) else json.dumps(values).encode().hex()
    answer = stack.admin.get(where.replace("{id}", made["id"]), params={"cursor": cursor})
    assert answer.status_code in {200, 422}, answer.text


def _site(stack: Stack, **changes: Any) -> Any:
    """A PUT of a site that must not come to be."""
    sections = [{"slug": "news", "label": "News"}]
    site = {
        "name": "Evil",
        "locale": "en",
        "base_url": "https://evil-site.example/",
        "sections": sections,
        **changes,
    }
    return stack.admin.put("/v1/sites/evil", json=site)


def _pointers(answer: Any) -> list[str]:
    return sorted({one["pointer"] for one in answer.json().get("errors", [])})
