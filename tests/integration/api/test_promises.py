"""What a careful client relies on: idempotency, preconditions, lists, history, the OpenAPI document."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

    from tests.conftest import Stack


def create(stack: Stack, draft: dict[str, Any], key: str) -> httpx.Response:
    return stack.editor.post("/v1/articles", json=draft, headers={"Idempotency-Key": key})


def with_word(stack: Stack, word: str) -> list[str]:
    """The ids of the articles whose headline holds a word."""
    return [item["id"] for item in stack.editor.get("/v1/articles", params={"q": word}).json()["items"]]


def test_one_key_is_one_article(stack: Stack) -> None:
    """The same key and body give the first answer again, byte for byte, and one article."""
    word = stack.word()
    draft = stack.draft(headline=f"مرة واحدة {word}")
    first, second = create(stack, draft, word), create(stack, draft, word)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json() == first.json()
    assert [second.headers[name] == first.headers[name] for name in ("etag", "location")] == [True, True]
    assert (first.headers.get("idempotent-replay"), second.headers["idempotent-replay"]) == (None, "true")
    assert with_word(stack, word) == [first.json()["id"]]


def test_one_key_is_one_request(stack: Stack) -> None:
    """The same key with another body is refused; another token may use it for itself."""
    word = stack.word()
    assert create(stack, stack.draft(), word).status_code == 201
    answer = create(stack, stack.draft(), word)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")
    other = stack.writer.post("/v1/articles", json=stack.draft(), headers={"Idempotency-Key": word})
    assert other.status_code == 201


def test_simultaneous_requests_with_one_key_make_one_revision(stack: Stack) -> None:
    """Ten clients that send one update with one key at once make one revision."""
    made = stack.create()
    headers = {"If-Match": '"1"', "Idempotency-Key": stack.word()}
    draft = stack.draft()

    def send(_: int) -> httpx.Response:
        return stack.editor.put(f"/v1/articles/{made['id']}", json=draft, headers=headers)

    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(send, range(10)))
    good = [answer for answer in answers if answer.status_code == 200]
    busy = [answer for answer in answers if answer.status_code == 409]
    assert len(good) + len(busy) == 10
    assert good
    assert all(answer.json() == good[0].json() for answer in good)
    assert all(answer.json()["code"] == "idempotency_in_progress" for answer in busy)
    assert all(int(answer.headers["retry-after"]) > 0 for answer in busy)
    assert stack.article(made["id"])["revision"] == 2
    assert send(0).json() == good[0].json()


def test_simultaneous_publications_with_one_key_are_one(stack: Stack) -> None:
    """A publish request that is repeated with its key, at once or later, is one publication."""
    made = stack.create()
    headers = {"Idempotency-Key": stack.word()}

    def send(_: int) -> httpx.Response:
        return stack.editor.post(f"/v1/articles/{made['id']}/publish", json={}, headers=headers)

    with ThreadPoolExecutor(5) as pool:
        answers = [answer for answer in pool.map(send, range(5)) if answer.status_code == 202]
    ids = {answer.json()["id"] for answer in [*answers, send(0)]}
    assert len(ids) == 1
    assert stack.wait_final(ids.pop())["state"] == "live"


def test_a_refusal_is_not_kept(stack: Stack) -> None:
    """A key whose first request was refused is free: only committed answers are stored."""
    word = stack.word()
    assert create(stack, stack.draft(section="weather"), word).status_code == 422
    assert create(stack, stack.draft(), word).status_code == 201


def test_the_same_photo_with_its_key_gives_the_first_answer(stack: Stack) -> None:
    """An upload repeated with its key is answered as the first time, 201 included."""
    data, headers = stack.photo(), {"Idempotency-Key": stack.word()}

    def send(name: str) -> httpx.Response:
        return stack.editor.post("/v1/assets", files={"file": (name, data, "image/jpeg")}, headers=headers)

    first, second = send("a.jpg"), send("a.jpg")
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.json()["id"] == first.json()["id"]
    assert second.headers["idempotent-replay"] == "true"


def test_updates_need_the_version_they_are_based_on(stack: Stack) -> None:
    """428 without If-Match, 412 with a stale one, 200 with the ETag that GET gave; lost updates cannot be."""
    made = stack.create()
    where = f"/v1/articles/{made['id']}"
    answer = stack.editor.put(where, json=stack.draft())
    assert (answer.status_code, answer.json()["code"]) == (428, "precondition_required")
    tag = stack.editor.get(where).headers["etag"]
    assert stack.editor.put(where, json=stack.draft(), headers={"If-Match": tag}).status_code == 200
    answer = stack.editor.put(where, json=stack.draft(), headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert stack.article(made["id"])["revision"] == 2


def test_simultaneous_updates_are_one_update(stack: Stack) -> None:
    """Of eight different updates based on one version, one is taken and the others hear 412."""
    made = stack.create()

    def send(_: int) -> int:
        answer = stack.editor.put(
            f"/v1/articles/{made['id']}", json=stack.draft(), headers={"If-Match": '"1"'}
        )
        return answer.status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(send, range(8))) == [200] + [412] * 7


def test_a_photos_description_needs_its_version(stack: Stack) -> None:
    """PATCH of an asset takes the ETag too, changes what is given and leaves the rest."""
    photo = stack.upload(caption="الأصل", credit="سامي")
    where = f"/v1/assets/{photo['id']}"
    assert stack.editor.patch(where, json={"caption": "x"}).status_code == 428
    tag = stack.editor.get(where).headers["etag"]
    answer = stack.editor.patch(where, json={"caption": "الجديد"}, headers={"If-Match": tag})
    if answer.status_code == 412:  # its renditions came in between
        tag = stack.editor.get(where).headers["etag"]
        answer = stack.editor.patch(where, json={"caption": "الجديد"}, headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["caption"], answer.json()["credit"]) == (200, "الجديد", "سامي")


def paged(stack: Stack, path: str, **query: Any) -> list[dict[str, Any]]:
    """Everything in a list, page by page."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    for _ in range(100):
        params = {**query, **({"cursor": cursor} if cursor else {})}
        page = stack.editor.get(path, params=params).json()
        assert len(page["items"]) <= query["limit"]
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found
    raise AssertionError(f"{path} never ends")


def test_a_list_is_paged_without_gap_or_repeat(stack: Stack) -> None:
    """Paging with cursors shows each article exactly once, newest change first."""
    word = stack.word()
    made = [stack.create(headline=f"صفحات {word} {n}")["id"] for n in range(7)]
    found = [item["id"] for item in paged(stack, "/v1/articles", q=word, limit=3)]
    assert found == made[::-1]
    bad = stack.editor.get("/v1/articles", params={"cursor": "zz"})
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid")


def test_a_list_is_narrowed(stack: Stack) -> None:
    """Status, section, author, external id, time and words each narrow the list."""
    word = stack.word()
    byline = [{"name": "ليلى", "author": f"layla-{word}"}]
    made = stack.create(headline=f"ضيق {word}", section="sport", external_id=word, byline=byline)
    other = stack.create(headline=f"واسع {word}")
    for query in (
        {"section": "sport"}, {"author": f"layla-{word}"}, {"external_id": word}, {"q": f"ضيق {word}"},
    ):  # fmt: skip
        assert [item["id"] for item in paged(stack, "/v1/articles", **{"q": word, **query}, limit=5)] == [
            made["id"]
        ]
    drafts = paged(stack, "/v1/articles", q=word, status="draft", limit=5)
    assert {item["id"] for item in drafts} == {made["id"], other["id"]}
    assert paged(stack, "/v1/articles", q=word, status="live", limit=5) == []
    since = paged(stack, "/v1/articles", q=word, updated_since=other["updated_at"], limit=5)
    assert [item["id"] for item in since] == [other["id"]]


def test_every_revision_stays(stack: Stack) -> None:
    """History lists each revision once, newest first, with who, when and why; each can be read whole."""
    made = stack.create(note="الأولى")
    for number in range(2, 6):
        stack.change(made, headline=f"نسخة {number} {made['id'][-6:]}", note=f"رقم {number}")
    found = paged(stack, f"/v1/articles/{made['id']}/revisions", limit=2)
    assert [item["revision"] for item in found] == [5, 4, 3, 2, 1]
    assert [item["note"] for item in found[-2:]] == ["رقم 2", "الأولى"]
    assert {item["created_by"] for item in found} == {"editor"}
    first = stack.editor.get(f"/v1/articles/{made['id']}/revisions/1").json()
    assert first["content"]["headline"] == made["headline"]
    assert first["content"]["body"] == made["body"]


def test_the_person_behind_a_shared_token_is_kept(stack: Stack) -> None:
    """``Nashr-Actor`` stands on the revision, Arabic names too."""
    headers = {"Nashr-Actor": "منى يوسف".encode().decode("latin-1").encode("latin-1")}
    answer = stack.editor.post("/v1/articles", json=stack.draft(), headers=headers)  # type: ignore[arg-type]
    found = stack.editor.get(f"/v1/articles/{answer.json()['id']}/revisions").json()["items"]
    assert found[0]["actor"] == "منى يوسف"


def test_what_is_sent_comes_back(stack: Stack) -> None:
    """Every field of the contract's draft is stored and returned, also those of later releases."""
    sent = stack.draft(
        external_id=stack.word(), kind="analysis", language="ar-SY", kicker="عاجل", dateline="دمشق",
        kicker_until="2030-01-01T00:00:00Z", description="وصف",
        titles={"seo": "س", "social": "ج", "short": "ق"}, keywords=["أول", "ثان"],
        subjects=["medtop:11000000"],
        source={"name": "وكالة", "url": "https://example.org/x", "canonical": False},
        translation={"from": "en", "method": "machine_reviewed", "credit": "فريق"},
        ai={"text": "assisted", "note": "تلخيص"}, distribution={"front": False},
        extensions={"cms": {"عمق": [1, 2.5, None, True]}}, note="سبب",
        byline=[{"name": "ليلى", "author": "layla", "role": "reporter"}],
    )  # fmt: skip
    answer = stack.editor.post("/v1/articles", json=sent)
    assert answer.status_code == 201, answer.text
    got = stack.article(answer.json()["id"])
    for name, value in sent.items():
        if name == "body":
            assert [block["html"] for block in got["body"]] == [block["html"] for block in value]
        elif name == "distribution":
            assert (got[name]["front"], got[name]["feeds"]) == (False, True)
        else:
            assert got[name] == value, name
    assert answer.headers["location"] == f"/v1/articles/{got['id']}"
    assert got["short_url"].startswith(f"{stack.site}/a/")
    assert (got["status"], got["url"], got["corrections"], got["social_cards"]) == ("draft", None, [], [])


def test_health_needs_no_token(stack: Stack) -> None:
    """/livez and /readyz answer a load balancer."""
    for path in ("/livez", "/readyz"):
        assert stack.client("nobody").get(path).status_code == 200


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    verbs = {"get", "put", "post", "patch", "delete"}
    return [
        (f"{verb.upper()} {path}", one)
        for path, item in document["paths"].items()
        for verb, one in item.items()
        if verb in verbs
    ]


def test_the_openapi_document_is_whole(stack: Stack) -> None:
    """OpenAPI 3.1: each route has its own operation id and words, and every reference leads somewhere."""
    document = stack.client("nobody").get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    assert document["info"]["title"]
    found = operations(document)
    ids = [one["operationId"] for _, one in found]
    assert len(set(ids)) == len(ids)
    assert all(one.get("summary") and one.get("description") for _, one in found)
    assert all(one["responses"] for _, one in found)
    for reference in references(document):
        node: Any = document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]


def references(data: Any) -> list[str]:
    if isinstance(data, dict):
        own = [data["$ref"]] if isinstance(data.get("$ref"), str) else []
        return own + [one for value in data.values() for one in references(value)]
    return [one for value in data for one in references(value)] if isinstance(data, list) else []


def test_the_openapi_document_shows_errors_and_examples(stack: Stack) -> None:
    """Writes document their refusals as problem+json; what is sent has examples."""
    document = stack.client("nobody").get("/openapi.json").json()
    for name, one in operations(document):
        if name.startswith("POST /v1"):
            refusals = [code for code in one["responses"] if code.startswith("4")]
            assert {"401", "403"} <= set(refusals), name
            assert "application/problem+json" in one["responses"]["401"]["content"], name
    for schema in ("Draft", "Publish", "Unpublish", "CorrectionIn"):
        assert document["components"]["schemas"][schema]["examples"], schema


def test_the_examples_are_good(stack: Stack) -> None:
    """The document's example of a draft is accepted as it stands."""
    document = stack.client("nobody").get("/openapi.json").json()
    for example in document["components"]["schemas"]["Draft"]["examples"]:
        sent = {**example, "external_id": stack.word()}
        assert stack.editor.post("/v1/articles", json=sent).status_code == 201


def test_the_openapi_document_says_how_to_authenticate(stack: Stack) -> None:
    """The document declares bearer tokens, so that a generated client sends one."""
    document = stack.client("nobody").get("/openapi.json").json()
    schemes = document["components"].get("securitySchemes", {})
    assert any((one["type"], one.get("scheme")) == ("http", "bearer") for one in schemes.values())
