"""Every route of the API against every token that should not do: generated from the OpenAPI document.

A route that the document has and RECIPES has not fails: somebody has to say how it is tied to a site.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import httpx
import psycopg
import pytest
from nashr.bootstrap import Runtime
from nashr.settings import Settings
from nashr.store import database, tokens
from nashr_ingest.app import create_app

if TYPE_CHECKING:
    from tests.conftest import Stack

ROLES = ("writer", "editor", "admin")
VERBS = frozenset({"get", "put", "post", "patch", "delete"})
STILL = "article revision site token preview front pin author correction idempotency webhook"
"""Tables that nobody but callers of the API changes."""
GROWING = "publication asset"
"""Tables whose rows workers change too; only callers of the API add some."""


@dataclass(frozen=True)
class Recipe:
    """How to send a route a request about ``khabar`` that would be accepted but for its token.

    ``elsewhere``: what another site's token hears. "absent": 404. "own": 200, and nothing of khabar.
    "everyone": the route is about no site.
    """

    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    files: Mapping[str, Any] | None = None
    if_match: bool = False
    elsewhere: Literal["absent", "own", "everyone"] = "absent"


OF_SITE = Recipe()
ON_SITE = Recipe(query={"site": "khabar"})
DRAFT = {
    "section": "politics",
    "headline": "لا أحد",
    "body": [{"type": "paragraph", "html": "x"}],
    "site": "khabar",
}
HOOK = {
    "url": "https://cms.example/nashr",
    "events": ["publication.failed"],
    "secret": "sixteen bytes and more",
}
RECIPES: Mapping[str, Recipe] = {
    "livez": Recipe(elsewhere="everyone"),
    "readyz": Recipe(elsewhere="everyone"),
    "metrics": Recipe(elsewhere="everyone"),
    "createArticle": Recipe(body=DRAFT),
    "updateArticle": Recipe(body=DRAFT, if_match=True),
    "putArticleByExternalId": Recipe(query={"site": "khabar"}, body=DRAFT),
    "listArticles": ON_SITE,
    "getArticle": OF_SITE,
    "getRelated": OF_SITE,
    "listRevisions": OF_SITE,
    "getRevision": OF_SITE,
    "publishArticle": Recipe(body={}),
    "rollbackArticle": Recipe(body={"revision": 1}, if_match=True),
    "unpublishArticle": Recipe(body={"kind": "unpublish", "reason": "x"}),
    "correctArticle": Recipe(body={"kind": "correction", "text": "x"}),
    "getCard": OF_SITE,
    "createPreview": Recipe(body={}),
    "listPreviews": OF_SITE,
    "revokePreview": OF_SITE,
    "uploadAsset": Recipe(query={"site": "khabar"}, files={"file": ("x.jpg", b"\xff\xd8\xff", "image/jpeg")}),
    "getAsset": OF_SITE,
    "patchAsset": Recipe(body={"caption": "x"}, if_match=True),
    "withdrawAsset": Recipe(body={"reason": "x"}),
    "getPublication": OF_SITE,
    "cancelPublication": OF_SITE,
    "streamEvents": ON_SITE,
    "streamPublicationEvents": OF_SITE,
    "getSite": OF_SITE,
    "putSite": Recipe(body={}, if_match=True),
    "getFront": OF_SITE,
    "putFront": Recipe(body={"pins": [], "banner": None}, if_match=True),
    "getAuthor": OF_SITE,
    "putAuthor": Recipe(body={"name": "x"}, if_match=True),
    "createToken": Recipe(body={"name": "x", "role": "writer", "site": "khabar"}),
    "listTokens": Recipe(elsewhere="own"),
    "rotateToken": Recipe(body={}),
    "revokeToken": OF_SITE,
    "listDeadWork": ON_SITE,
    "replayDeadWork": OF_SITE,
    "skipDeadWork": Recipe(body={}),
    "listAudit": ON_SITE,
    "createWebhook": Recipe(body={**HOOK, "url": "https://cms.example/other", "site": "khabar"}),
    "listWebhooks": ON_SITE,
    "getWebhook": OF_SITE,
    "patchWebhook": Recipe(body={"state": "paused"}),
    "deleteWebhook": OF_SITE,
    "listWebhookDeliveries": OF_SITE,
    "getWebhookDelivery": OF_SITE,
    "testWebhook": OF_SITE,
    "replayWebhook": Recipe(body={"since": "2100-01-01T00:00:00Z"}),
}

ANYONE = frozenset({"livez", "readyz"})
EDITOR = frozenset(
    {
        "publishArticle", "rollbackArticle", "unpublishArticle", "correctArticle", "cancelPublication",
        "withdrawAsset", "putFront", "putAuthor",
    }
)  # fmt: skip
ADMIN = frozenset(
    {
        "putSite", "createToken", "listTokens", "rotateToken", "revokeToken", "listDeadWork",
        "replayDeadWork", "skipDeadWork", "listAudit", "metrics", "createWebhook", "listWebhooks",
        "getWebhook", "patchWebhook", "deleteWebhook", "listWebhookDeliveries", "getWebhookDelivery",
        "testWebhook", "replayWebhook",
    }
)  # fmt: skip
"""What the contract says of roles; everything else is a writer's."""


def contracted(operation: str) -> str:
    for role, those in (("anyone", ANYONE), ("editor", EDITOR), ("admin", ADMIN)):
        if operation in those:
            return role
    return "writer"


@dataclass(frozen=True)
class Operation:
    """One operation of the OpenAPI document."""

    id: str
    method: str
    path: str
    role: str


def operations(stack: Stack) -> list[Operation]:
    document = stack.client("nobody").get("/openapi.json").json()
    return [
        Operation(one["operationId"], verb.upper(), path, one["x-nashr-role"])
        for path, item in document["paths"].items()
        for verb, one in item.items()
        if verb in VERBS
    ]


@dataclass(frozen=True)
class Bench:
    """The stack, something of khabar for each path parameter, and tokens in every state."""

    stack: Stack
    things: Mapping[str, str]
    good: Mapping[tuple[str, str], str]
    bad: Mapping[str, str | None]
    url: str

    def send(self, one: Operation, authorization: str | None) -> httpx.Response:
        recipe = RECIPES[one.id]
        headers = {b"If-Match": b'"1"'} if recipe.if_match else {}
        if authorization is not None:
            headers[b"Authorization"] = authorization.encode("latin-1")
        body = None if recipe.body is None else json.dumps(recipe.body)
        if body is not None:
            headers[b"Content-Type"] = b"application/json"
        return self.stack.client("nobody").request(
            one.method, one.path.format(**self.things), params=dict(recipe.query), content=body,
            files=recipe.files, data=dict(recipe.query) if recipe.files else None, headers=headers,
        )  # fmt: skip

    def state(self) -> dict[str, Any]:
        """What the database holds that only callers of the API change."""
        found: dict[str, Any] = {}
        with psycopg.connect(self.url) as connection:
            for table in STILL.split():
                query = f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} AS t"
                found[table] = connection.execute(query.encode()).fetchone()
            for table in GROWING.split():
                found[table] = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
            query = "SELECT count(*) FROM audit WHERE outcome = 'accepted'"
            found["audit"] = connection.execute(query).fetchone()
            found["dead"] = connection.execute(
                "SELECT state, attempts, fence FROM step WHERE id = %s", [self.things["step"]]
            ).fetchone()
        return found


def _things(stack: Stack, url: str) -> dict[str, str]:
    article, author = stack.create(), stack.word()
    later = (datetime.now(UTC) + timedelta(days=300)).isoformat()
    preview = stack.editor.post(f"/v1/articles/{article['id']}/previews", json={}).json()
    path = f"/v1/sites/khabar/authors/{author}"
    assert stack.editor.put(path, json={"name": "ليلى"}).status_code == 201
    new = {"name": "khabar's", "role": "writer", "site": "khabar"}
    with psycopg.connect(url) as connection:
        step = connection.execute(
            """INSERT INTO step (site, kind, key, state, error) VALUES ('khabar', 'lighter', %s, 'dead', 'x')
            RETURNING id""",
            [stack.word()],
        ).fetchone()
    assert step is not None
    hook = stack.admin.post("/v1/webhooks", json={**HOOK, "site": "khabar"}).json()["id"]
    return {
        "webhook": hook, "delivery": stack.admin.post(f"/v1/webhooks/{hook}/test").json()["id"],
        "article": article["id"], "number": "1", "format": "og", "external_id": stack.word(),
        "preview": preview["url"].split("/")[-1], "asset": stack.upload()["id"], "site": "khabar",
        "front": "politics", "author": author, "step": str(step[0]),
        "publication": stack.publish(article["id"], publish_at=later)["id"],
        "token": stack.admin.post("/v1/tokens", json=new).json()["id"],
    }  # fmt: skip


@pytest.fixture(scope="module")
def bench(stack: Stack) -> Iterator[Bench]:
    url = json.loads((stack.data / "stack.json").read_text())["database_url"]
    things = _things(stack, url)
    listed = stack.editor.get(f"/v1/articles/{things['article']}/previews").json()["items"]
    things["preview"] = listed[0]["id"]
    engine, past = database.connect(url, pool=1), datetime.now(UTC) - timedelta(seconds=1)
    with database.transaction(engine) as conn:
        good = {
            (role, site): tokens.create(
                conn, name=f"{role} of {site}", role=role, site=site, expires_at=None, actor="test"
            )
            for role in ROLES
            for site in ("khabar", "other")
        }
        words = {"name": "ended", "role": "admin", "site": "khabar", "actor": "test"}
        expired = tokens.create(conn, **words, expires_at=past)
        revoked = tokens.create(conn, **words, expires_at=None)
        tokens.revoke(conn, revoked.split("_")[1], actor="test")
    engine.dispose()
    known = good["admin", "khabar"]
    bad: dict[str, str | None] = {
        "none": None,
        "empty": "Bearer",
        "another scheme": f"Basic {known}",
        "no scheme": known,
        "no token of ours": "Bearer abc",
        "a half": f"Bearer {known.rpartition('_')[0]}_",
        "wrong secret": f"Bearer {known[:-4]}AAAA",
        "unknown": f"Bearer nk_00000000_{known.split('_', 2)[2]}",
        "strange": "Bearer nk_' OR 1=1 --_\xff",
        "expired": f"Bearer {expired}",
        "revoked": f"Bearer {revoked}",
    }
    yield Bench(stack, things, good, bad, url)
    stack.editor.post(f"/v1/publications/{things['publication']}/cancel")
    stack.admin.delete(f"/v1/webhooks/{things['webhook']}")
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM step WHERE id = %s", [things["step"]])


def test_every_route_is_in_the_document_and_classified(stack: Stack) -> None:
    """The routes of the application are those of the document, each with a role and a recipe."""
    app = create_app(Runtime(Settings(), database.connect("postgresql://nobody@127.0.0.1:1/nothing")))
    ours = {
        (verb.upper(), path)
        for path, item in app.openapi()["paths"].items()
        for verb in item
        if verb in VERBS
    }
    found = operations(stack)
    assert {(one.method, one.path) for one in found} == ours
    assert {one.id: one.role for one in found} == {one.id: contracted(one.id) for one in found}
    assert {one.id for one in found} == set(RECIPES), "say in RECIPES how a new route is tied to a site"


def test_who_proves_nothing_gets_nothing(bench: Bench) -> None:
    """No, malformed, wrong, expired and revoked tokens hear one and the same 401; nothing has changed."""
    before, sent, said = bench.state(), 0, set()
    for one in operations(bench.stack):
        for name, authorization in bench.bad.items():
            answer, sent = bench.send(one, authorization), sent + 1
            if one.role == "anyone":
                assert answer.status_code == 200, f"{one.id} with {name}"
                continue
            assert answer.status_code == 401, f"{one.id} with {name}: {answer.text}"
            assert answer.headers["www-authenticate"] == "Bearer"
            said.add(json.dumps({**answer.json(), "request_id": ""}))
    assert len(said) == 1
    assert bench.state() == before
    print(f"{len(RECIPES)} routes x {len(bench.bad)} ways to have no token: {sent} requests")


def test_lower_roles_are_refused(bench: Bench) -> None:
    """403 for every role below the one that the document says, on the caller's own site; nothing changes."""
    before, sent = bench.state(), 0
    for one in operations(bench.stack):
        lower = ROLES[: ROLES.index(one.role)] if one.role in ROLES else ()
        for role in lower:
            answer, sent = bench.send(one, f"Bearer {bench.good[role, 'khabar']}"), sent + 1
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), f"{one.id} as {role}"
            assert one.role in answer.json()["detail"]
    assert sent
    assert bench.state() == before
    print(f"lower roles: {sent} requests")


def test_another_sites_things_look_absent(bench: Bench) -> None:
    """The other site's tokens, up to its admin's, hear 404 of whatever is khabar's; nothing changes."""
    before, sent = bench.state(), 0
    for one in operations(bench.stack):
        for role in ROLES[ROLES.index(one.role) :] if one.role in ROLES else ():
            answer, sent = bench.send(one, f"Bearer {bench.good[role, 'other']}"), sent + 1
            _check_elsewhere(one, answer)
    assert bench.state() == before
    print(f"another site's tokens: {sent} requests")


def _check_elsewhere(one: Operation, answer: httpx.Response) -> None:
    how = RECIPES[one.id].elsewhere
    if how == "absent":
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), f"{one.id}: {answer.text}"
        return
    assert answer.status_code == 200, f"{one.id}: {answer.text}"
    if how == "own":
        assert {item["site"] for item in answer.json()["items"]} == {"other"}, one.id


def test_the_right_token_is_let_in(bench: Bench) -> None:
    """What the tests above refuse is refused for its token: reading works with the role that is asked for."""
    for one in operations(bench.stack):
        if one.method == "GET" and one.role in ROLES and "stream" not in one.id and one.id != "getCard":
            answer = bench.send(one, f"Bearer {bench.good[one.role, 'khabar']}")
            assert answer.status_code == 200, f"{one.id}: {answer.text}"


def test_a_stream_ends_when_its_token_is_revoked(stack: Stack) -> None:
    """Whoever is revoked reads on for less than five seconds, also on a connection that was open before."""
    new = stack.admin.post("/v1/tokens", json={"name": "reader", "role": "writer", "site": "khabar"}).json()
    with httpx.Client(base_url=stack.api, timeout=30, trust_env=False) as client:
        headers = {"Authorization": f"Bearer {new['token']}"}
        with client.stream("GET", "/v1/events", headers=headers) as answer:
            lines = answer.iter_lines()
            assert next(lines) == "retry: 1000"
            assert stack.admin.delete(f"/v1/tokens/{new['id']}").status_code == 204
            revoked = datetime.now(UTC)
            assert not any(line.startswith("data:") for line in lines)
        assert datetime.now(UTC) - revoked < timedelta(seconds=5)
        assert client.get("/v1/articles", headers=headers).status_code == 401


def test_rotation_leaves_two_tokens_until_the_grace_is_over(stack: Stack) -> None:
    """The successor has the same name, role and site; the old one goes on, ends when told, stays ended."""
    old = stack.admin.post("/v1/tokens", json={"name": "cms", "role": "editor", "site": "khabar"}).json()
    where = f"/v1/tokens/{old['id']}/rotate"

    new = stack.admin.post(where, json={"grace_seconds": 3600}).json()
    assert [new[name] for name in ("name", "role", "site", "expires")] == ["cms", "editor", "khabar", None]
    assert [works(stack, token["token"]) for token in (old, new)] == [True, True]

    newest = stack.admin.post(f"/v1/tokens/{new['id']}/rotate", json={"grace_seconds": 0}).json()
    assert [works(stack, token["token"]) for token in (old, new, newest)] == [True, False, True]
    again = stack.admin.post(f"/v1/tokens/{new['id']}/rotate")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


def test_a_successor_lives_as_long_as_the_old_token_was_to(stack: Stack) -> None:
    """Rotating a token for thirty days gives another thirty; a grace never makes the old one live longer."""
    end = datetime.now(UTC) + timedelta(days=30)
    wanted = {"name": "month", "role": "writer", "site": "khabar", "expires": end.isoformat()}
    old = stack.admin.post("/v1/tokens", json=wanted).json()
    new = json.loads(stack.admin.post(f"/v1/tokens/{old['id']}/rotate").text)
    assert abs(datetime.fromisoformat(new["expires"]) - end) < timedelta(minutes=1)
    listed = {item["id"]: item for item in stack.admin.get("/v1/tokens").json()["items"]}
    assert datetime.fromisoformat(listed[old["id"]]["expires"]) < end - timedelta(days=28)


def test_the_command_rotates_too(stack: Stack) -> None:
    """``nashr token rotate`` prints the successor; without a grace the old one is refused at once."""
    old = stack.admin.post("/v1/tokens", json={"name": "c", "role": "writer", "site": "khabar"}).json()
    new = stack.command("token", "rotate", old["id"], "--grace-hours", "0").strip()
    assert [works(stack, old["token"]), works(stack, new)] == [False, True]


def works(stack: Stack, token: str) -> bool:
    headers = {"Authorization": f"Bearer {token}"}
    return stack.client("nobody").get("/v1/articles", headers=headers).status_code == 200
