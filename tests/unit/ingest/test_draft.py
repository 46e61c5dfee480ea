"""What a draft may hold, and how each wrong one is refused: by pointer, with a code and a cure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args

import httpx
import pytest
from nashr.domain.article import KINDS, content
from nashr.domain.site import parse_site
from nashr_ingest.clean import clean_draft
from nashr_ingest.schemas import Draft
from nashr_ingest.schemas.article import DRAFT_EXAMPLE, Kind
from nashr_ingest.schemas.sites import SITE_EXAMPLE

Send = Callable[..., httpx.Response]

IMAGE = {"type": "image", "asset": "a1"}

CHANGES: list[tuple[dict[str, Any], str, str, str]] = [
    ({"headlin": "x"}, "/headlin", "unknown_field", "remove it"),
    ({"a/b~c": 1}, "/a~1b~0c", "unknown_field", "remove it"),
    ({"revision": 7}, "/revision", "unknown_field", "remove it"),
    ({"headline": None}, "/headline", "missing", "add it"),
    ({"headline": ""}, "/headline", "empty", "must not be empty"),
    ({"headline": " \n "}, "/headline", "empty", "must not be empty"),
    ({"headline": "\u200f\u200c"}, "/headline", "empty", "letter or digit"),
    ({"headline": "\u202e\u202d"}, "/headline", "empty", "letter or digit"),
    ({"headline": "خ" * 102_400}, "/headline", "too_long", "at most 500 characters, this has 102400"),
    ({"headline": 5}, "/headline", "bad_type", "a text in quotes, not a number"),
    ({"headline": ["x"]}, "/headline", "bad_type", "not a list"),
    ({"section": None}, "/section", "missing", "add it"),
    ({"section": "../etc"}, "/section", "unknown_section", "slug of one of"),
    ({"standfirst": "x" * 2_001}, "/standfirst", "too_long", "2000"),
    ({"body": None}, "/body", "empty", "at least 1"),
    ({"body": []}, "/body", "empty", "at least 1"),
    ({"body": "text"}, "/body", "bad_type", "a list, not a text"),
    ({"body": [{"type": "paragraph", "html": " &nbsp; "}]}, "/body", "empty", "write the text"),
    ({"body": [IMAGE] * 2_001}, "/body", "too_long", "at most 2000"),
    ({"body": [IMAGE, {"html": "x"}]}, "/body/1/type", "missing", "which type"),
    ({"body": [IMAGE, {"type": "video"}]}, "/body/1/type", "invalid", "paragraph"),
    ({"body": [IMAGE, "text"]}, "/body/1", "bad_type", "an object"),
    ({"body": [{"type": "paragraph"}]}, "/body/0/html", "missing", "add it"),
    ({"body": [{"type": "paragraph", "paragraph": 1, "html": ""}]}, "/body/0/paragraph", "unknown_field", ""),
    ({"body": [{"type": "paragraph", "html": "x" * 20_001}]}, "/body/0/html", "too_long", "split the block"),
    ({"body": [{"type": "paragraph", "html": "خ" * 10_001}]}, "/body/0/html", "too_long", "20002"),
    ({"body": [{"type": "heading", "level": 7, "text": "x"}]}, "/body/0/level", "invalid", "6"),
    ({"body": [{"type": "heading", "level": "2", "text": "x"}]}, "/body/0/level", "bad_type", "whole number"),
    ({"body": [{"type": "list", "items": []}]}, "/body/0/items", "empty", "at least 1"),
    ({"body": [{"type": "list", "items": ["a", 2]}]}, "/body/0/items/1", "bad_type", "a text"),
    ({"body": [{"type": "image"}]}, "/body/0/asset", "missing", "add it"),
    ({"body": [{"type": "image", "asset": "../x"}]}, "/body/0/asset", "unknown_asset", "POST /v1/assets"),
    ({"body": [{"type": "embed", "url": "http://x.example"}]}, "/body/0/url", "bad_url", "https"),
    ({"body": [{"type": "embed", "url": "//x.example"}]}, "/body/0/url", "bad_url", "https"),
    ({"body": [{"type": "embed", "url": "javascript:alert(1)"}]}, "/body/0/url", "bad_url", "https"),
    (
        {
            "body": [
                {"type": "paragraph", "id": "p1", "html": "a"},
                {"type": "quote", "id": "p1", "html": "b"},
            ]
        },
        "/body/1/id",
        "invalid",
        "choose another id",
    ),
    ({"slug": "../../etc/passwd"}, "/slug", "bad_slug", "etc"),
    ({"slug": "Hello World"}, "/slug", "bad_slug", "hello-world"),
    ({"slug": "ok-slug\n"}, "/slug", "bad_slug", "ok-slug"),
    ({"slug": "x" * 121}, "/slug", "bad_slug", "120 bytes"),
    ({"slug": "authors"}, "/slug", "reserved", "choose another"),
    ({"slug": "media"}, "/slug", "reserved", "choose another"),
    ({"kind": "blog"}, "/kind", "invalid", "news"),
    ({"language": "arabic!"}, "/language", "bad_language", "BCP 47"),
    ({"byline": [{"role": "reporter"}]}, "/byline/0/name", "missing", "add it"),
    ({"byline": [{"name": "x", "role": "boss"}]}, "/byline/0/role", "invalid", "photographer"),
    ({"keywords": ["x"] * 51}, "/keywords", "too_long", "50"),
    ({"subjects": ["politics"]}, "/subjects/0", "invalid", "must look like"),
    ({"aliases": ["https://old.example/x"]}, "/aliases/0", "bad_url", "the path only"),
    ({"aliases": ["/../x"]}, "/aliases/0", "bad_url", "segments"),
    ({"aliases": ["/a%2e%2e/%2e%2e/x"]}, "/aliases/0", "bad_url", "segments"),
    ({"aliases": ["//evil.example/x"]}, "/aliases/0", "bad_url", "segments"),
    ({"aliases": ["/?p=4711"]}, "/aliases/0", "bad_url", "?"),
    ({"aliases": ["/robots.txt"]}, "/aliases/0", "reserved", "leave it out"),
    ({"aliases": ["/media/x.jpg"]}, "/aliases/0", "reserved", "leave it out"),
    ({"aliases": ["/%ff"]}, "/aliases/0", "bad_url", "UTF-8"),
    ({"extensions": {"x": "y" * 16_400}}, "/extensions", "too_long", "keep it in the CMS"),
    ({"extensions": [1]}, "/extensions", "bad_type", "an object"),
    ({"published_at": "2026-03-01"}, "/published_at", "bad_time", "RFC 3339"),
    ({"published_at": "2026-03-01T10:00:00"}, "/published_at", "bad_time", "zone"),
    ({"published_at": "2026-02-30T10:00:00Z"}, "/published_at", "bad_time", "correct the date"),
    ({"published_at": "0001-01-01T00:00:00+14:00"}, "/published_at", "bad_time", "correct the date"),
    ({"embargo_until": 1_772_000_000}, "/embargo_until", "bad_time", "RFC 3339"),
    ({"embargo_until": "٢٠٢٦-٠٣-٠١T10:00:00Z"}, "/embargo_until", "bad_time", "RFC 3339"),
    ({"source": {"name": "x", "url": "ftp://x"}}, "/source/url", "bad_url", "http"),
    ({"source": {"name": "x", "canonical": True}}, "/source", "missing", "give url"),
    ({"translation": {"from": "en", "method": "magic"}}, "/translation/method", "invalid", "human"),
    ({"ai": {"text": "maybe"}}, "/ai/text", "invalid", "assisted"),
    ({"distribution": {"front": "yes"}}, "/distribution/front", "bad_type", "true or false"),
    ({"related": {"pin": ["a b"]}}, "/related/pin/0", "unknown_article", "id"),
    ({"titles": {"seo": 5}}, "/titles/seo", "bad_type", "a text"),
    ({"site": "../x"}, "/site", "invalid", "must look like"),
]


@pytest.mark.parametrize(("change", "pointer", "code", "cure"), CHANGES)
def test_a_wrong_draft_is_refused_by_pointer_with_a_cure(
    send: Send, draft: dict[str, Any], change: dict[str, Any], pointer: str, code: str, cure: str
) -> None:
    """Each wrong field answers 422 problem+json with its pointer, a code of the list and what to do."""
    answer = send("POST", "/v1/articles", json={**draft, **change})

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["code"] == "invalid"
    found = [error for error in problem["errors"] if (error["pointer"], error["code"]) == (pointer, code)]
    assert found, problem["errors"]
    assert cure in found[0]["detail"]


@pytest.mark.parametrize(
    "text", ["a\x00b", "a\x07b", "a\x1bb", "a\x7fb", "a\x85b", "\ud800", "x\udfff", "\ufffe"]
)
@pytest.mark.parametrize("place", ["headline", "note", "extensions", "html", "item", "alt", "keyword", "key"])
def test_a_character_that_cannot_be_stored_is_refused_where_it_stands(
    send: Send, draft: dict[str, Any], text: str, place: str
) -> None:
    """NUL, control characters and half surrogates answer 422 with the pointer, never 500."""
    pointer = _spoil(draft, place, text)

    answer = send(
        "POST", "/v1/articles", content=json.dumps(draft), headers={"content-type": "application/json"}
    )

    assert answer.status_code == 422
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(pointer, "bad_character")]
    assert "remove it" in answer.json()["errors"][0]["detail"]


def _spoil(draft: dict[str, Any], place: str, text: str) -> str:
    body: list[dict[str, Any]] = draft["body"]
    blocks: dict[str, tuple[int, str, Any, str]] = {
        "html": (0, "html", text, "/body/0/html"),
        "item": (2, "items", ["x", text], "/body/2/items/1"),
        "alt": (1, "alt", text, "/body/1/alt"),
    }
    fields: dict[str, tuple[str, Any, str]] = {
        "keyword": ("keywords", ["x", text], "/keywords/1"),
        "extensions": ("extensions", {"deep": [{"a/b": text}]}, "/extensions/deep/0/a~1b"),
        "key": ("extensions", {text: 1}, "/extensions"),
    }
    if place in blocks:
        index, name, value, pointer = blocks[place]
        body[index][name] = value
    else:
        name, value, pointer = fields.get(place, (place, text, f"/{place}"))
        draft[name] = value
    return pointer


def test_a_draft_may_be_half_done(send: Send) -> None:
    """Headline, section and one block are enough to save; alt text is asked for at publish."""
    draft = {"headline": "x", "section": "politics", "body": [{"type": "image", "asset": "a1"}]}

    assert send("POST", "/v1/articles", json=draft).status_code == 201


def test_null_means_absent(send: Send, draft: dict[str, Any]) -> None:
    """A CMS that sends null or an empty optional text gets the default, not an error."""
    empty = dict.fromkeys(("keywords", "hero", "titles", "ai", "slug", "kicker_until", "extensions"))
    draft |= {**empty, "standfirst": "", "titles": {"seo": None, "short": ""}, "language": ""}

    doc = send("POST", "/v1/articles", json=draft).json()["doc"]

    assert (doc["keywords"], doc["standfirst"], doc["titles"]["short"], doc["language"]) == (
        [],
        None,
        None,
        None,
    )


def test_the_contract_s_own_example_is_accepted(send: Send) -> None:
    """The draft of the contract's page 2 saves, and comes back complete and in its own words."""
    sent: dict[str, Any] = {
        "site": "khabar", "external_id": "cms-4711", "kind": "news", "slug": "optional", "language": "ar",
        "section": "politics", "kicker": "عاجل", "kicker_until": None, "headline": "...", "standfirst": "...",
        "dateline": "...", "titles": {"seo": None, "social": None, "short": None}, "description": None,
        "byline": [{"name": "...", "author": "author-slug", "role": "reporter"}],
        "keywords": ["..."], "subjects": ["medtop:11000000"],
        "hero": {"asset": "id", "alt": "...", "caption": "...", "credit": "..."},
        "social_image": {"asset": "id", "alt": "..."},
        "body": [
            {"type": "paragraph", "id": "p1", "language": None, "html": "inline"},
            {"type": "heading", "level": 2, "text": "نص"},
            {"type": "image", "asset": "id", "alt": "...", "caption": "...", "credit": "..."},
            {"type": "quote", "html": "...", "cite": "..."},
            {"type": "list", "ordered": False, "items": ["html", "html"]},
            {"type": "embed", "url": "https://example.org/", "title": "..."},
        ],
        "source": {"name": "...", "url": "https://example.org/x", "canonical": False},
        "translation": {"from": "en", "method": "machine_reviewed", "credit": "..."},
        "ai": {"text": "none", "note": None},
        "translation_of": "id", "related": {"pin": ["id"], "ban": ["id"]},
        "distribution": {"front": True, "feeds": True, "sitemap": True, "related": True, "index": True},
        "published_at": None, "embargo_until": None, "aliases": ["/2019/03/old.html"],
        "extensions": {"x": [None, {"y": ""}]}, "note": "why this revision",
    }  # fmt: skip

    doc = send("POST", "/v1/articles", json=sent).json()["doc"]

    plain = sent.keys() - {"body", "hero", "social_image"}
    assert {name: doc[name] for name in plain} == {name: sent[name] for name in plain}
    assert doc["hero"] == {**sent["hero"], "decorative": False}
    assert [block["type"] for block in doc["body"]] == [block["type"] for block in sent["body"]]


def test_a_time_with_any_zone_is_kept_in_utc(send: Send, draft: dict[str, Any]) -> None:
    """Times are RFC 3339 in UTC, to the microsecond."""
    draft |= {"published_at": "2019-03-01T01:30:00.25+03:00", "embargo_until": "2026-03-01t10:00:00z"}

    doc = send("POST", "/v1/articles", json=draft).json()["doc"]

    assert doc["published_at"] == "2019-02-28T22:30:00.250000Z"
    assert doc["embargo_until"] == "2026-03-01T10:00:00Z"


def test_an_alias_has_one_form(send: Send, draft: dict[str, Any]) -> None:
    """Percent-encoding is undone and doubles are dropped: ``%d8`` and ``%D8`` are one URL."""
    draft["aliases"] = ["/2019/%d8%a7.html", "/2019/%D8%A7.html", "/archive/x/"]

    assert send("POST", "/v1/articles", json=draft).json()["doc"]["aliases"] == [
        "/2019/ا.html",
        "/archive/x/",
    ]


def test_a_flood_of_faults_is_answered_shortly(send: Send, draft: dict[str, Any]) -> None:
    """Two thousand wrong blocks get fifty errors and their number."""
    draft["body"] = [{"type": "paragraph"}] * 2_000

    problem = send("POST", "/v1/articles", json=draft).json()

    assert len(problem["errors"]) == 50
    assert "2000 errors" in problem["detail"]


def test_a_stored_document_reads_into_the_domain() -> None:
    """What clean_draft stores is what nashr.domain.article.content reads."""
    doc = clean_draft(Draft.model_validate({**DRAFT_EXAMPLE, "published_at": "2026-03-01T10:00:00Z"})).doc

    article = content(json.loads(json.dumps(doc)), parse_site(SITE_EXAMPLE))

    assert article.headline == DRAFT_EXAMPLE["headline"]
    assert article.language == "ar-LB"
    assert article.published_at is not None
    assert article.paragraphs == 1


def test_the_wire_knows_the_domain_s_kinds() -> None:
    """The list of kinds stands twice, for types' sake: both are the same."""
    assert get_args(Kind) == KINDS
