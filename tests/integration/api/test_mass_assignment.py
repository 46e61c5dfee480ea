"""What belongs to nashr cannot be set by whoever writes: every route refuses it, and names it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Stack

OURS = (
    "id", "rev", "revision_number", "state", "status", "live_revision", "created_by", "created_at",
    "updated_at",
    "modified_at", "short_url", "pending", "corrections", "social_cards", "warnings", "actor", "token",
    "path",
    "number", "short_id", "removal", "dated_at", "secret_hash", "version", "etag", "__proto__", "constructor",
)  # fmt: skip
"""Fields that answers or tables have, and two that only attackers know."""


def writes(document: Mapping[str, Any]) -> Iterator[tuple[str, str, frozenset[str]]]:
    """(method, path, own fields) of each operation that takes a JSON object."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            schema = (
                operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            )
            if schema is not None:
                yield method.upper(), path, fields(schema, document)


def fields(schema: Mapping[str, Any], document: Mapping[str, Any]) -> frozenset[str]:
    if "$ref" in schema:
        return fields(document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]], document)
    own = frozenset(schema.get("properties", {}))
    return own.union(*(fields(one, document) for one in (*schema.get("anyOf", ()), *schema.get("allOf", ()))))


def test_no_route_takes_what_is_not_the_caller_s(stack: Stack) -> None:
    """Each operation of the OpenAPI document answers 422 for each such field, with the field's pointer."""
    document = stack.client("nobody").get("/openapi.json").json()
    tried = 0
    for method, template, own in writes(document):
        path = template.replace("{site}", "khabar").replace("{front}", "home")
        for name in (
            name for name in OURS if name not in own and not (name == "id" and template == "/v1/sites/{site}")
        ):
            answer = stack.admin.request(method, path, json={name: "x"})
            assert answer.status_code == 422, (
                f"{method} {template} {name}: {answer.status_code} {answer.text[:200]}"
            )
            found = {(one["pointer"], one["code"]) for one in answer.json()["errors"]}
            assert (f"/{name}", "unknown_field") in found, f"{method} {template} {name}: {found}"
            tried += 1
    assert tried > 200


@pytest.mark.parametrize(
    "name", ["byline", "hero", "source", "titles", "ai", "translation", "related", "distribution"]
)
def test_parts_of_a_draft_take_nothing_more_either(stack: Stack, name: str) -> None:
    """Below the first level, too."""
    part: Any = {"id": "x", "created_by": "x"}
    answer = stack.editor.post(
        "/v1/articles", json=stack.draft(**{name: [part] if name == "byline" else part})
    )
    at = f"/{name}/0" if name == "byline" else f"/{name}"
    found = {one["pointer"] for one in answer.json()["errors"] if one["code"] == "unknown_field"}
    assert (answer.status_code, found) == (422, {f"{at}/id", f"{at}/created_by"})


def test_a_draft_cannot_change_its_site(stack: Stack) -> None:
    """Not even for a token of all sites: the answer names the field."""
    made = stack.create()
    draft = {**stack.draft(), "site": "other"}
    answer = stack.admin.put(f"/v1/articles/{made['id']}", json=draft, headers={"If-Match": '"1"'})
    assert answer.status_code == 409
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/site"]
    assert stack.article(made["id"])["site"] == "khabar"


def test_a_site_s_own_admin_cannot_move_it(stack: Stack) -> None:
    """Onto another site's addresses or objects: the place of a site is decided above it."""
    wanted = {"name": "own admin", "role": "admin", "site": "other"}
    token = stack.admin.post("/v1/tokens", json=wanted).json()
    headers = {"Authorization": f"Bearer {token['token']}"}
    nobody, there = stack.client("nobody"), stack.admin.get("/v1/sites/other")
    headers |= {"If-Match": there.headers["etag"]}
    for name, value in (
        ("prefix", "khabar/"),
        ("base_url", f"{stack.site}/"),
        ("bucket", "x"),
        ("static", "/etc"),
    ):
        answer = nobody.put("/v1/sites/other", json={**there.json(), name: value}, headers=headers)
        assert answer.status_code == 403, answer.text
        assert [one["pointer"] for one in answer.json()["errors"]] == [f"/{name}"]
    assert nobody.put("/v1/sites/other", json=there.json(), headers=headers).status_code == 200
    assert stack.admin.delete(f"/v1/tokens/{token['id']}").status_code == 204


def test_two_sites_never_share_their_objects(stack: Stack) -> None:
    """Nobody can give a site the prefix of another."""
    there = stack.admin.get("/v1/sites/other")
    wanted = {**there.json(), "prefix": stack.admin.get("/v1/sites/khabar").json()["prefix"]}
    answer = stack.admin.put("/v1/sites/other", json=wanted, headers={"If-Match": there.headers["etag"]})
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/prefix"]
