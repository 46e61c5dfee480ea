"""The other models of the wire, and what OpenAPI says of all of them."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from nashr.domain.errors import Refused
from nashr.domain.urls import is_link, is_web_url
from nashr_ingest import schemas
from nashr_ingest.pointers import faults_of
from nashr_ingest.schemas import (
    AssetPatch,
    Author,
    CorrectionIn,
    Draft,
    Front,
    Page,
    PreviewIn,
    Publish,
    Rollback,
    TokenIn,
    Unpublish,
    WebhookIn,
    Withdrawal,
    read_site,
)
from nashr_ingest.schemas.sites import SITE_EXAMPLE
from pydantic import BaseModel, ValidationError

LONG = "a long random text"
WRONG: list[tuple[type[BaseModel], dict[str, Any], str, str]] = [
    (Publish, {"revision": 0}, "/revision", "invalid"),
    (Publish, {"revision": 2**31}, "/revision", "invalid"),
    (Publish, {"revision": True}, "/revision", "bad_type"),
    (Publish, {"priority": "urgent"}, "/priority", "invalid"),
    (Publish, {"publish_at": "soon"}, "/publish_at", "bad_time"),
    (Publish, {"notify": "no"}, "/notify", "bad_type"),
    (CorrectionIn, {"kind": "correction"}, "/text", "missing"),
    (CorrectionIn, {"kind": "typo", "text": "x"}, "/kind", "invalid"),
    (CorrectionIn, {"kind": "update", "text": "  "}, "/text", "empty"),
    (Unpublish, {"kind": "kill"}, "/reason", "missing"),
    (Unpublish, {"kind": "kill", "reason": "x", "erase": True}, "", "invalid"),
    (Rollback, {}, "/revision", "missing"),
    (PreviewIn, {"expires_in": 5}, "/expires_in", "invalid"),
    (Withdrawal, {"reason": ""}, "/reason", "empty"),
    (AssetPatch, {"focal_point": {"x": 0.5}}, "/focal_point/y", "missing"),
    (AssetPatch, {"focal_point": {"x": -1, "y": 0}}, "/focal_point/x", "invalid"),
    (AssetPatch, {"sha256": "x"}, "/sha256", "unknown_field"),
    (Front, {"pins": [{"article": "a1", "slot": 0}]}, "/pins/0/slot", "invalid"),
    (Front, {"banner": {"text": "x", "url": "javascript:x"}}, "/banner/url", "bad_url"),
    (Author, {"name": "x", "links": ["//x"]}, "/links/0/url", "bad_url"),
    (TokenIn, {"name": "x", "role": "root"}, "/role", "invalid"),
    (WebhookIn, {"url": "https://x.example", "events": ["all"], "secret": LONG}, "/events/0", "invalid"),
    (WebhookIn, {"url": "https://x.example", "events": [], "secret": LONG}, "/events", "empty"),
]


@pytest.mark.parametrize(("model", "data", "pointer", "code"), WRONG)
def test_a_wrong_order_is_refused_by_pointer(
    model: type[BaseModel], data: dict[str, Any], pointer: str, code: str
) -> None:
    """Every model of the wire names its wrong field and a code of the list."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(data)

    faults = faults_of(caught.value.errors(include_url=False), body=data)
    assert [(fault.pointer, fault.code) for fault in faults] == [(pointer, code)]
    assert faults[0].detail


def test_an_empty_order_publishes_the_latest_revision() -> None:
    """All of a publish order is optional."""
    order = Publish.model_validate({})

    assert (order.revision, order.priority, order.change, order.notify) == (None, "normal", "update", True)


def test_an_author_s_links_may_be_bare() -> None:
    """A URL alone is a link; both forms come back as one."""
    author = Author.model_validate(
        {"name": "x", "links": ["https://a.example/", {"url": "https://b.example/"}]}
    )

    assert [link.url for link in author.links] == ["https://a.example/", "https://b.example/"]


def test_a_site_may_have_nulls() -> None:
    """What GET returned can be PUT again."""
    site = read_site({**SITE_EXAMPLE, "logo": None, "bucket": None})

    assert read_site(site.to_json()) == site
    with pytest.raises(Refused):
        read_site({"id": "x"})


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://example.org", True),
        ("http://user@example.org", False),
        ("https://[::1", False),
        ("https://x:99999/", False),
        ("https://x:/", True),
        ("https:///x", False),
        ("https://ex ample.org", False),
        ("ftp://x", False),
        ("https://عربي.example/خبر", True),
    ],
)
def test_a_web_url_has_a_host_and_no_tricks(url: str, good: bool) -> None:
    """Only what a browser would read the same way is an address."""
    assert is_web_url(url) is good


@pytest.mark.parametrize(
    ("href", "good"),
    [
        ("/x", True),
        ("//x", False),
        ("/\\x", False),
        ("x", False),
        ("#x", False),
        ("mailto:a@b.c", True),
        ("mailto:", False),
    ],
)
def test_a_link_stays_here_or_says_where_it_goes(href: str, good: bool) -> None:
    """Site paths, http(s) and mailto; nothing that only looks like one of them."""
    assert is_link(href) is good


def test_openapi_is_3_1_with_arabic_examples() -> None:
    """The document builds with every model, and the draft's example is Arabic and valid."""
    app = FastAPI()

    @app.post("/v1/articles", response_model=schemas.Article)
    async def save(draft: Draft) -> None: ...

    @app.get("/v1/articles", response_model=Page[schemas.Article])
    async def listed() -> None: ...

    @app.put("/v1/sites/x", response_model=schemas.SiteOut)
    async def site(data: schemas.SiteIn) -> None: ...

    @app.post("/v1/publications", response_model=schemas.Publication)
    async def publish(order: Publish) -> None: ...

    document = app.openapi()

    assert document["openapi"].startswith("3.1")
    [example] = document["components"]["schemas"]["Draft"]["examples"]
    assert "البرلمان" in example["headline"]
    assert Draft.model_validate(example).section == "politics"
    assert document["components"]["schemas"]["Draft"]["additionalProperties"] is False


def test_every_published_example_is_valid() -> None:
    """Whoever copies an example from the document gets no error."""
    for name in schemas.__all__:
        model = getattr(schemas, name)
        extra = getattr(model, "model_config", {}).get("json_schema_extra")
        if isinstance(extra, dict) and name != "SiteOut":
            for example in extra["examples"]:
                model.model_validate(example)


def test_all_answers_have_a_schema() -> None:
    """Each model that documents an answer renders into JSON Schema."""
    for name in schemas.__all__:
        model = getattr(schemas, name)
        if isinstance(model, type) and issubclass(model, BaseModel) and model is not Page:
            assert model.model_json_schema(mode="serialization")["type"] == "object"
