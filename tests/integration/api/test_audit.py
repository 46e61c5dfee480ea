"""The audit trail: every write and every refusal, who, what, when and from where; only ever added to."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

if TYPE_CHECKING:
    from tests.conftest import Stack

WRITES = frozenset({"put", "post", "patch", "delete"})


@pytest.fixture(scope="module")
def url(stack: Stack) -> str:
    return str(json.loads((stack.data / "stack.json").read_text())["database_url"])


class Auditor:
    """Works as one editor behind a token of its own, and remembers what it was answered."""

    def __init__(self, stack: Stack) -> None:
        made = stack.admin.post("/v1/tokens", json={"name": "shared CMS", "role": "admin"}).json()
        self.id, self.secret = made["id"], made["token"]
        headers = {"Authorization": f"Bearer {self.secret}", "Nashr-Actor": "منى".encode().decode("latin-1")}
        self._client = httpx.Client(
            base_url=stack.api, headers=[(k, v.encode("latin-1")) for k, v in headers.items()],  # type: ignore[arg-type]
            timeout=60, trust_env=False,
        )  # fmt: skip
        self.requests: set[str] = set()

    def __call__(self, method: str, path: str, *, tag: str | None = None, **kwargs: Any) -> dict[str, Any]:
        headers = {"If-Match": tag} if tag else {}
        answer = self._client.request(method, path, headers=headers, **kwargs)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        self.requests.add(answer.headers["request-id"])
        return dict(answer.json()) if answer.content else {}

    def tag(self, path: str) -> str:
        return str(self._client.get(path).headers["etag"])

    def close(self) -> None:
        self._client.close()


@pytest.fixture(scope="module")
def auditor(stack: Stack) -> Iterator[Auditor]:
    made = Auditor(stack)
    yield made
    made.close()


def entries(stack: Stack, **query: Any) -> list[dict[str, Any]]:
    """The whole trail that a query finds, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        params = {**query, "limit": 20, **({"cursor": cursor} if cursor else {})}
        answer = stack.admin.get("/v1/admin/audit", params=params)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return found


def stage_dead(url: str, asset: str) -> int:
    """A photo's ``lighter`` step, dead."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            """UPDATE step SET state = 'dead', error = 'staged' WHERE kind = 'lighter' AND key = %s
            RETURNING id""",
            [asset],
        ).fetchone()
    assert row is not None
    return int(row[0])


def write_everything(stack: Stack, auditor: Auditor, url: str) -> None:
    """Every operation of the API that changes something, each once or more."""
    draft = {**stack.draft(), "site": "khabar"}
    article = auditor("POST", "/v1/articles", json=draft)["id"]
    where = f"/v1/articles/{article}"
    auditor("PUT", where, json=draft, tag=auditor.tag(where))
    auditor("PUT", f"/v1/articles/by-external-id/{stack.word()}?site=khabar", json=stack.draft())
    later = (datetime.now(UTC) + timedelta(days=300)).isoformat()
    scheduled = auditor("POST", f"{where}/publish", json={"publish_at": later})["id"]
    auditor("POST", f"/v1/publications/{scheduled}/cancel")
    stack.wait_final(auditor("POST", f"{where}/publish", json={})["id"], who="admin")
    auditor("POST", f"{where}/corrections", json={"kind": "correction", "text": "x"})
    rolled = auditor("POST", f"{where}/rollback", json={"revision": 1}, tag=auditor.tag(where))["id"]
    stack.wait_final(rolled, who="admin")
    auditor("POST", f"{where}/unpublish", json={"kind": "unpublish", "reason": "why"})
    auditor("POST", f"{where}/previews", json={})
    preview = stack.admin.get(f"{where}/previews").json()["items"][0]["id"]
    auditor("DELETE", f"{where}/previews/{preview}")
    _write_photos(stack, auditor, url)
    site = "/v1/sites/other"
    auditor("PUT", site, json=stack.admin.get(site).json(), tag=auditor.tag(site))
    front = "/v1/sites/khabar/fronts/sport"
    auditor("PUT", front, json={"pins": [], "banner": None}, tag=auditor.tag(front))
    auditor("PUT", f"/v1/sites/khabar/authors/{stack.word()}", json={"name": "ليلى"})
    token = auditor("POST", "/v1/tokens", json={"name": "x", "role": "writer", "site": "other"})["id"]
    auditor("POST", f"/v1/tokens/{token}/rotate", json={})
    auditor("DELETE", f"/v1/tokens/{token}")
    _write_webhooks(auditor)


def _write_webhooks(auditor: Auditor) -> None:
    new = {"url": "https://cms.example/audit", "events": ["publication.failed"], "secret": "of sixteen bytes"}
    hook = f"/v1/webhooks/{auditor('POST', '/v1/webhooks', json={**new, 'site': 'khabar'})['id']}"
    auditor("PATCH", hook, json={"state": "paused"})
    auditor("POST", f"{hook}/test")
    auditor("POST", f"{hook}/replay", json={"since": "2100-01-01T00:00:00Z"})
    auditor("DELETE", hook)


def _write_photos(stack: Stack, auditor: Auditor, url: str) -> None:
    file = {"file": ("x.jpg", stack.photo(), "image/jpeg")}
    asset = auditor("POST", "/v1/assets", files=file, data={"site": "khabar"})["id"]
    where = f"/v1/assets/{asset}"

    def lightened() -> bool:
        with psycopg.connect(url) as connection:
            query = "SELECT 1 FROM step WHERE kind = 'lighter' AND key = %s AND state = 'done'"
            return connection.execute(query, [asset]).fetchone() is not None

    stack.until(lightened, what="the photo's lighter files")
    auditor("POST", f"/v1/admin/dead/{stage_dead(url, asset)}/replay")
    stack.until(lightened, what="the photo's lighter files again")
    auditor("POST", f"/v1/admin/dead/{stage_dead(url, asset)}/skip", json={})
    auditor("PATCH", where, json={"caption": "x"}, tag=auditor.tag(where))
    auditor("POST", f"{where}/withdraw", json={"reason": "why"})


def writing(document: Mapping[str, Any]) -> set[str]:
    return {
        one["operationId"]
        for item in document["paths"].values()
        for verb, one in item.items()
        if verb in WRITES
    }


def test_every_write_leaves_a_row(stack: Stack, auditor: Auditor, url: str) -> None:
    """Every operation of the document that changes something is in the trail, by request, with its origin."""
    write_everything(stack, auditor, url)

    found = entries(stack, token=auditor.id)
    document = stack.client("nobody").get("/openapi.json").json()
    assert {item["operation"] for item in found} == writing(document)
    assert {item["request"] for item in found} == auditor.requests
    for item in found:
        assert (item["actor"], item["token_name"]) == ("منى", "shared CMS")
        assert (item["address"], item["outcome"]) == ("127.0.0.1", "accepted")
        assert item["subject"]
        assert datetime.now(UTC) - datetime.fromisoformat(item["at"]) < timedelta(minutes=10)


def test_a_write_that_fails_leaves_none(stack: Stack, auditor: Auditor) -> None:
    """The row is in the write's own transaction: what is rolled back was not done."""
    before = len(entries(stack, token=auditor.id))
    answer = auditor._client.post("/v1/articles", json={**stack.draft(section="nowhere"), "site": "khabar"})
    assert answer.status_code == 422
    assert len(entries(stack, token=auditor.id)) == before


def test_refusals_are_in_the_trail(stack: Stack) -> None:
    """No token, a wrong role, and another site's thing: each with its operation and who it was, if proven."""
    made = stack.create()
    word, where = stack.word(), f"/v1/articles/{made['id']}/publish"
    headers = {"Authorization": f"Bearer nk_00c0ffee_{word}"}
    stack.client("nobody").post(where, json={}, headers=headers)
    stack.writer.post(where, json={})
    stack.stranger.post(where, json={})

    def told() -> list[dict[str, Any]] | None:
        found = entries(stack, outcome="refused", subject=f"POST {where}")
        return found if len(found) == 3 else None

    found = {item["action"]: item for item in stack.until(told, what="three refusals in the trail")}
    assert set(found) == {"refused.unauthenticated", "refused.forbidden", "refused.not_found"}
    assert {item["operation"] for item in found.values()} == {"publishArticle"}
    unknown = found["refused.unauthenticated"]
    assert (unknown["actor"], unknown["token"], unknown["detail"]) == (
        "nobody", None, {"claimed": "00c0ffee", "count": 1},
    )  # fmt: skip
    assert (found["refused.forbidden"]["actor"], found["refused.forbidden"]["site"]) == ("writer", "khabar")
    assert found["refused.not_found"]["site"] == "other"
    assert word not in json.dumps(found)


def test_equal_refusals_are_one_row_with_a_count(stack: Stack) -> None:
    """A flood of the same costs a row a second."""
    where = f"/v1/articles/{stack.word()}"
    began = time.monotonic()
    for _ in range(60):
        assert stack.client("nobody").get(where).status_code == 401

    def told() -> list[dict[str, Any]] | None:
        found = entries(stack, outcome="refused", subject=f"GET {where}")
        return found if sum(item["detail"]["count"] for item in found) == 60 else None

    rows = stack.until(told, what="sixty refusals in the trail")
    assert len(rows) <= time.monotonic() - began + 2


def test_the_trail_is_narrowed_and_kept_to_a_site(stack: Stack) -> None:
    """By subject, action, actor and time; an admin of one site sees what was done to it, and no more."""
    made = stack.create()
    assert [item["action"] for item in entries(stack, subject=made["id"])] == ["article.create"]
    assert entries(stack, subject=made["id"], actor="nobody else") == []
    assert entries(stack, subject=made["id"], action="article.publish") == []
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert entries(stack, subject=made["id"], since=soon) == []
    assert len(entries(stack, subject=made["id"], until=soon)) == 1

    new = stack.admin.post("/v1/tokens", json={"name": "a", "role": "admin", "site": "other"}).json()
    headers = {"Authorization": f"Bearer {new['token']}"}
    seen = stack.client("nobody").get("/v1/admin/audit", params={"limit": 200}, headers=headers).json()
    assert {item["site"] for item in seen["items"]} == {"other"}
    bad = stack.admin.get("/v1/admin/audit", params={"cursor": b'["x"]'.hex()})
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid")


def test_the_command_shows_it(stack: Stack) -> None:
    """``nashr audit`` shows the same, for people and for programs."""
    made = stack.create()
    line = stack.command("audit", "--subject", made["id"])
    assert "article.create" in line
    assert "by editor" in line
    found = json.loads(stack.command("audit", "--subject", made["id"], "--json"))
    assert (found["operation"], found["address"]) == ("createArticle", "127.0.0.1")


@pytest.mark.parametrize("statement", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
def test_not_even_the_owner_changes_it_in_passing(url: str, statement: str) -> None:
    """The table refuses it. The owner could take the trigger away: that is no accident any more."""
    with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_no_secret_is_in_it(stack: Stack, auditor: Auditor, url: str) -> None:
    """Neither tokens nor sites' secrets stand in any row."""
    secrets = [token.split("_", 2)[2] for token in (auditor.secret, *stack.tokens.values())]
    with psycopg.connect(url) as connection:
        secrets += [row[0] for row in connection.execute("SELECT secret FROM site").fetchall()]
        for secret in secrets:
            found = connection.execute(
                "SELECT count(*) FROM audit WHERE strpos(audit::text, %s) > 0", [secret]
            )  # fmt: skip
            assert found.fetchone() == (0,)
