"""Every error is a problem+json with a code, a cure and a request id, and tells nothing it should not."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from nashr.domain.errors import CODES
from nashr_ingest import openapi, problems
from nashr_ingest.problems import STATUS
from nashr_ingest.schemas.sites import SITE_EXAMPLE

Send = Callable[..., httpx.Response]


def test_statuses_belong_to_codes_of_the_list() -> None:
    """The table of statuses names no code that cannot be raised."""
    assert STATUS.keys() <= CODES


@pytest.mark.parametrize(("code", "status"), STATUS.items())
def test_a_refusal_answers_with_the_status_of_its_code(send: Send, code: str, status: int) -> None:
    """Status, title, code and detail agree, in the media type of RFC 9457."""
    answer = send("GET", f"/refused/{code}")

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["status"], problem["code"], problem["detail"]) == (status, code, "a reason with its cure")
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert problem["request_id"] == answer.headers["request-id"]


@pytest.mark.parametrize("code", ["overloaded", "unavailable", "idempotency_in_progress"])
def test_come_back_later_says_when(send: Send, code: str) -> None:
    """Whatever passes by itself carries Retry-After."""
    assert int(send("GET", f"/refused/{code}").headers["retry-after"]) > 0


def test_without_a_token_the_scheme_is_named(send: Send) -> None:
    """401 says how to authenticate."""
    assert send("GET", "/refused/unauthenticated").headers["www-authenticate"] == "Bearer"


def test_a_refusal_may_bring_members_and_headers(send: Send) -> None:
    """A taken slug carries its suggestion where a program finds it."""
    answer = send("GET", "/taken")

    assert answer.json()["suggestion"] == "x-2"
    assert answer.headers["retry-after"] == "7"


def test_an_unknown_exception_tells_its_id_and_nothing_else(send: Send) -> None:
    """500 with a request id in header and body; no message, no stack, no secret."""
    answer = send("GET", "/broken")

    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert answer.json()["request_id"] == answer.headers["request-id"]
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nowhere", 404, "not_found"), ("DELETE", "/v1/articles", 405, "method_not_allowed")],
)
def test_a_wrong_address_is_a_problem_too(send: Send, method: str, path: str, status: int, code: str) -> None:
    """404 and 405 of the router look like every other error."""
    answer = send(method, path)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_wrong_method_names_the_right_ones(send: Send) -> None:
    """405 keeps its Allow header."""
    assert (
        "POST" in send("DELETE", "/v1/articles").headers["allow"]
        or "GET" in send("DELETE", "/v1/articles").headers["allow"]
    )


def test_a_wrong_query_parameter_is_named(send: Send) -> None:
    """Parameters have the same errors as bodies."""
    errors = send("GET", "/v1/articles?limit=many").json()["errors"]

    assert errors == [
        {
            "pointer": "/limit",
            "code": "bad_type",
            "detail": "query parameter limit: limit must be a whole number, not a text",
        }
    ]


@pytest.mark.parametrize(
    ("data", "pointer", "code"),
    [
        ({"id": "khabar"}, "/name", "missing"),
        ({"id": "khabar", "colour": 1}, "/colour", "unknown_field"),
        ({**SITE_EXAMPLE, "feeds": ["full"]}, "/feeds", "bad_type"),
        ({**SITE_EXAMPLE, "logo": 3}, "/logo", "bad_type"),
        ({**SITE_EXAMPLE, "base_url": "http://["}, "/base_url", "bad_url"),
        ({**SITE_EXAMPLE, "article_path": "/{slug}/{/"}, "/article_path", "invalid"),
        (
            {**SITE_EXAMPLE, "sections": [{"slug": "x", "label": "X", "all": "no"}]},
            "/sections/0/all",
            "bad_type",
        ),
        (["khabar"], "", "bad_type"),
    ],
)
def test_a_wrong_site_is_refused_by_pointer(send: Send, data: object, pointer: str, code: str) -> None:
    """The TOML's own rules answer in the wire's shape."""
    answer = send("PUT", "/v1/sites/khabar", json=data)

    assert answer.status_code == 422
    assert (pointer, code) in [(error["pointer"], error["code"]) for error in answer.json()["errors"]]


def test_the_openapi_document_describes_problems() -> None:
    """A route that lists its codes documents their statuses with the Problem schema."""
    app = FastAPI()

    @app.get("/x", responses=problems.responses("slug_taken", "conflict", "invalid"))
    async def x() -> None: ...

    document = openapi.document(app)

    answers = document["paths"]["/x"]["get"]["responses"]
    assert answers["409"]["description"] == "Conflict: slug_taken, conflict"
    assert "application/problem+json" in answers["422"]["content"]
    assert "errors" in document["components"]["schemas"]["Problem"]["properties"]
