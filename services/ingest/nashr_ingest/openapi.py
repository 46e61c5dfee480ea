"""The OpenAPI document: FastAPI's, and what holds for every operation without each one saying so."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from nashr_ingest.problems import MEDIA_TYPE, Problem, responses

_WRITES: Final = frozenset({"post", "put", "patch", "delete"})
_ALWAYS: Final = ("unauthenticated", "forbidden", "invalid", "overloaded", "unavailable")
_OF_A_BODY: Final = ("bad_json", "too_slow", "too_large", "unsupported_media_type")


def document(app: FastAPI) -> dict[str, Any]:
    """The document of ``app``, made once: every refusal is a Problem, also those of a body or an address."""
    if app.openapi_schema is None:
        app.openapi_schema = _whole(
            get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        )
    return app.openapi_schema


def _whole(found: dict[str, Any]) -> dict[str, Any]:
    of_the_api = (operations for path, operations in found["paths"].items() if path.startswith("/v1/"))
    for operations in of_the_api:
        for method, operation in operations.items():
            codes = (*_ALWAYS, *_OF_A_BODY) if method in _WRITES else _ALWAYS
            operation["responses"] = _with(operation["responses"], codes)
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update({**problem.pop("$defs", {}), "Problem": problem})
    return found


def _with(declared: dict[str, Any], codes: tuple[str, ...]) -> dict[str, Any]:
    """The answers of an operation and these refusals; a refusal is problem+json and nothing else."""
    answers = dict(declared)
    for status, refusal in responses(*codes).items():
        known = answers.get(str(status), {})
        if MEDIA_TYPE not in known.get("content", {}):
            answers[str(status)] = refusal
    for status, answer in answers.items():
        if status >= "400":
            answer.get("content", {}).pop("application/json", None)
    return dict(sorted(answers.items()))
