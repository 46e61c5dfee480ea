"""Every error as RFC 9457 problem+json: the one place that knows HTTP statuses.

An unknown exception becomes a 500 with a request id and no word about what happened inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from nashr.domain.errors import Fault, Refused
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.routing import Match

from nashr_ingest.pointers import MOST_FAULTS, fault_of

MEDIA_TYPE: Final = "application/problem+json"
METHODS: Final = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")

STATUS: Final[Mapping[str, int]] = {
    "bad_json": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "too_slow": 408,
    "idempotency_in_progress": 409,
    "conflict": 409,
    "slug_taken": 409,
    "external_id_taken": 409,
    "embargoed": 409,
    "withdrawn": 409,
    "removed": 409,
    "not_live": 409,
    "not_cancellable": 409,
    "precondition_failed": 412,
    "too_large": 413,
    "too_many_pixels": 413,
    "unsupported_media_type": 415,
    "invalid": 422,
    "broken_image": 422,
    "idempotency_mismatch": 422,
    "precondition_required": 428,
    "overloaded": 429,
    "internal": 500,
    "unavailable": 503,
}
"""Any other code, one of a single field, answers 422."""

_RETRY_AFTER: Final[Mapping[str, int]] = {"idempotency_in_progress": 1, "overloaded": 2, "unavailable": 5}
_OF_STATUS: Final[Mapping[int, str]] = {
    400: "invalid",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    415: "unsupported_media_type",
    429: "overloaded",
    503: "unavailable",
}


class ProblemFault(BaseModel):
    """One thing wrong with the input."""

    pointer: str = Field(description="RFC 6901, into the body as sent", examples=["/body/3/alt"])
    code: str = Field(examples=["missing_alt"])
    detail: str = Field(
        description="What to do", examples=['describe the picture, or say "decorative": true']
    )


class Problem(BaseModel):
    """RFC 9457. ``code`` is stable; ``detail`` is for people and may change."""

    model_config = ConfigDict(extra="allow")

    type: str = "about:blank"
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    code: str = Field(examples=["invalid"])
    detail: str = Field(examples=["the draft is not valid: see errors"])
    errors: list[ProblemFault] = Field(default_factory=list, description="Only for bad input")
    request_id: str | None = Field(default=None, description="Give it to whoever runs the server")


class RefusedWith(Refused):
    """A refusal that carries headers or members of its own, such as a suggested slug."""

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        faults: tuple[Fault, ...] = (),
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code, detail, faults=faults)
        self.retry_after = retry_after
        self.headers = dict(headers or {})
        self.members = dict(members or {})


def status_of(code: str) -> int:
    """The HTTP status of a wire code."""
    return STATUS.get(code, 422)


def render(refused: Refused, *, request_id: str | None = None) -> Response:
    """The problem+json response of a refusal."""
    status = status_of(refused.code)
    content: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": refused.code,
        "detail": refused.detail,
    }
    if refused.faults:
        content["errors"] = [
            {"pointer": fault.pointer, "code": fault.code, "detail": fault.detail}
            for fault in refused.faults[:MOST_FAULTS]
        ]
    if request_id:
        content["request_id"] = request_id
    content |= getattr(refused, "members", {})
    return JSONResponse(content, status, headers=_headers(refused), media_type=MEDIA_TYPE)


def _headers(refused: Refused) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    seconds = getattr(refused, "retry_after", None) or _RETRY_AFTER.get(refused.code)
    if seconds:
        headers["Retry-After"] = str(seconds)
    if refused.code == "unauthenticated":
        headers["WWW-Authenticate"] = "Bearer"
    return headers | getattr(refused, "headers", {})


def request_id_of(request: Request) -> str | None:
    """The id that limits.Limits gave this request."""
    state: Mapping[str, Any] = request.scope.get("state") or {}
    return state.get("request_id")


def install(app: FastAPI, *, tell: Callable[[Request, Refused], None] | None = None) -> None:
    """Makes every error of ``app`` a problem+json answer; ``tell`` hears of each refusal at once."""

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        if tell is not None:
            tell(request, error)
        return render(error, request_id=request_id_of(request))

    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unhandled)


def responses(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The ``responses=`` of a route that may refuse with these codes, for the OpenAPI document."""
    found: dict[int | str, dict[str, Any]] = {}
    for status, names in _by_status(codes).items():
        found[status] = {
            "description": f"{HTTPStatus(status).phrase}: {', '.join(names)}",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
    return found


def _by_status(codes: Iterable[str]) -> dict[int, list[str]]:
    grouped: dict[int, list[str]] = {}
    for code in codes:
        grouped.setdefault(status_of(code), []).append(code)
    return dict(sorted(grouped.items()))


async def _not_valid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    errors = error.errors()
    if errors and errors[0]["type"] == "json_invalid":
        refused = Refused("bad_json", "the body is not JSON: correct its syntax")
    else:
        faults = tuple(_fault(item, error.body) for item in errors[:MOST_FAULTS])
        refused = Refused("invalid", _summary(len(errors)), faults=faults)
    return render(refused, request_id=request_id_of(request))


def _summary(count: int) -> str:
    if count > MOST_FAULTS:
        return f"the request is not valid: {count} errors, the first {MOST_FAULTS} are listed"
    return "the request is not valid: see errors"


def _fault(error: Mapping[str, Any], body: Any) -> Fault:
    """FastAPI says first in which part of the request something is wrong; pointers are of the body."""
    where, *loc = error["loc"]
    fault = fault_of(error, loc, body=body if where == "body" else None)
    if where == "body":
        return fault
    return Fault(fault.pointer, fault.code, f"{where} parameter {'/'.join(map(str, loc))}: {fault.detail}")


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = _OF_STATUS.get(error.status_code, "invalid" if error.status_code < 500 else "internal")
    headers = {"Allow": _allowed(request)} if error.status_code == 405 else error.headers
    refused = RefusedWith(code, _advice(request, error), headers=headers)
    return render(refused, request_id=request_id_of(request))


def _allowed(request: Request) -> str:
    """The methods of every route at this address; the router names those of the first one only."""
    scopes = {method: {**request.scope, "method": method} for method in METHODS}
    found = [
        method
        for method, scope in scopes.items()
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)
    ]
    return ", ".join(found)


def _advice(request: Request, error: HTTPException) -> str:
    if error.status_code == 404:
        return f"nothing is at {request.url.path[:200]}: see /openapi.json for what is"
    if error.status_code == 405:
        return f"{request.method} does not work here: see the Allow header"
    return error.detail


async def _gone(request: Request, error: Exception) -> Response:  # noqa: ARG001
    """The client hung up: nobody reads this answer, and it is no error of ours."""
    return Response(status_code=400)


async def _unhandled(request: Request, error: Exception) -> Response:
    request_id = request_id_of(request)
    # The server logs the exception after this handler: the note ties its trace to the answer.
    error.add_note(f"request id {request_id}")
    refused = RefusedWith(
        "internal",
        "something broke on our side: repeat the request with the same Idempotency-Key",
        headers={"Request-Id": request_id} if request_id else {},
    )
    return render(refused, request_id=request_id)
