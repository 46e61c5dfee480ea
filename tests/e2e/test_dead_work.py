"""Work that failed for good: people on call see it, try it again or close it, by API and by command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.conftest import Stack
    from tests.e2e.conftest import Behind

    Bury = Callable[..., None]


def related_step(behind: Behind, article: Mapping[str, Any]) -> int:
    """The article's step of the related service, once it is done."""
    return int(
        behind.one(
            "SELECT id FROM step WHERE kind = 'related' AND input->>'article' = %s AND state = 'done'",
            article["id"],
        )
    )


@pytest.fixture
def bury(behind: Behind) -> Iterator[Bury]:
    """Makes a step dead, with an error; what is still dead after the test is closed."""
    steps: list[int] = []

    def act(step: int, error: str = "x") -> None:
        steps.append(step)
        behind.run(
            "UPDATE step SET state = 'dead', attempts = 8, error = %s, finished_at = now() WHERE id = %s",
            error, step,
        )  # fmt: skip

    yield act
    behind.run("UPDATE step SET state = 'void' WHERE id = ANY(%s) AND state = 'dead'", steps)


def state(behind: Behind, step: int) -> str:
    return str(behind.one("SELECT state FROM step WHERE id = %s", step))


def live(behind: Behind, article: Mapping[str, Any]) -> int:
    """The live version of an article's page."""
    sql = "SELECT live FROM page JOIN article ON article.page = page.id WHERE article.id = %s"
    return int(behind.one(sql, article["id"]))


def scheduled(stack: Stack, behind: Behind) -> tuple[dict[str, Any], int]:
    """A publication of another day, and the step that will release it."""
    found = stack.publish(stack.create()["id"], publish_at="2099-01-01T00:00:00Z")
    step = behind.one("SELECT id FROM step WHERE kind = 'release' AND key = %s", found["id"])
    return found, int(step)


def test_dead_work_is_listed_with_all_that_it_takes_to_decide(
    stack: Stack, behind: Behind, bury: Bury
) -> None:
    """Kind, subject, attempts, the last error, since when, and which publication cannot go on."""
    publication, step = scheduled(stack, behind)
    error = f"no such thing {stack.word()}"
    bury(step, error)
    answer = stack.admin.get("/v1/admin/dead", params={"kind": "release", "limit": 200})
    assert answer.status_code == 200, answer.text
    found = next(item for item in answer.json()["items"] if item["id"] == str(step))
    assert found["blocks"] == [
        {"publication": publication["id"], "article": publication["article"], "state": "scheduled"}
    ]
    expected = {"kind": "release", "site": "khabar", "queue": "delivery.normal", "attempts": 8}
    assert {name: found[name] for name in expected} == expected
    assert (found["subject"], found["error"], found["state"]) == (publication["article"], error, "dead")
    assert found["since"]
    told = stack.command("dead", "list", "--kind", "release")
    assert all(word in told for word in (str(step), error, publication["id"], "8 attempts"))
    lines = stack.command("dead", "list", "--json", "--site", "khabar").splitlines()
    assert step in {json.loads(line)["id"] for line in lines}


def test_a_list_of_dead_work_has_pages(stack: Stack, behind: Behind, bury: Bury) -> None:
    """Each page of the list goes on where the one before ended."""
    steps = [scheduled(stack, behind)[1] for _ in range(3)]
    for step in steps:
        bury(step)
    seen: list[int] = []
    cursor: str | None = None
    while cursor is not None or not seen:
        asked: dict[str, str | int] = {
            "kind": "release",
            "limit": 1,
            **({"cursor": cursor} if cursor else {}),
        }
        answer = stack.admin.get("/v1/admin/dead", params=asked).json()
        seen += [int(item["id"]) for item in answer["items"]]
        cursor = answer["next_cursor"]
    assert len(seen) == len(set(seen))
    assert set(steps) <= set(seen)


def test_what_is_replayed_runs_as_if_for_the_first_time(stack: Stack, behind: Behind, bury: Bury) -> None:
    """A replayed step is done soon, its attempts counted anew; then it is dead work no more."""
    step = related_step(behind, stack.publish_and_wait())
    bury(step, "the cause is mended")
    answer = stack.admin.post(f"/v1/admin/dead/{step}/replay", headers={"Nashr-Actor": "on call"})
    assert (answer.status_code, answer.json()["state"]) == (200, "replayed"), answer.text
    stack.until(lambda: state(behind, step) == "done", what="the step to be done")
    assert behind.one("SELECT attempts FROM step WHERE id = %s", step) == 1
    again = stack.admin.post(f"/v1/admin/dead/{step}/replay")
    assert (again.status_code, again.json()["code"]) == (404, "not_found")
    actor = behind.one(
        "SELECT actor FROM audit WHERE action = 'dead.replay' AND detail->>'step' = %s", str(step)
    )
    assert actor == "on call"


def test_the_command_replays_by_number(stack: Stack, behind: Behind, bury: Bury) -> None:
    """``nashr dead replay N`` says what it replayed, and it is done."""
    made = stack.publish_and_wait()
    step = related_step(behind, made)
    bury(step)
    told = stack.command("dead", "replay", str(step))
    assert told.split() == ["replayed", str(step), "related", made["id"]]
    stack.until(lambda: state(behind, step) == "done", what="the step to be done")


def test_what_is_skipped_is_over(stack: Stack, behind: Behind, bury: Bury) -> None:
    """A skipped release is dead no more, and its publication has failed with the reason."""
    publication, step = scheduled(stack, behind)
    bury(step, "it cannot be")
    answer = stack.admin.post(
        f"/v1/admin/dead/{step}/skip", json={"reason": "sent again"}, headers={"Nashr-Actor": "on call"}
    )
    assert (answer.status_code, answer.json()["state"]) == (200, "skipped"), answer.text
    assert state(behind, step) == "void"
    found = stack.publication(publication["id"])
    assert found["state"] == "failed"
    assert found["error"] == "on call skipped its release step (it cannot be): publish again"
    kept = behind.one(
        "SELECT detail FROM audit WHERE action = 'dead.skip' AND detail->>'step' = %s", str(step)
    )
    assert (kept["reason"], kept["error"]) == ("sent again", "it cannot be")


def test_a_page_goes_out_without_what_is_skipped(stack: Stack, behind: Behind, bury: Bury) -> None:
    """A page that waits for a dead step goes out once that is skipped."""
    made = stack.publish_and_wait()
    step = related_step(behind, made)
    bury(step)
    before = live(behind, made)
    behind.run(
        """INSERT INTO need (step, page, site, until) SELECT %s, page, site, now() + interval '1 hour'
        FROM article WHERE id = %s""",
        step, made["id"],
    )  # fmt: skip
    stack.command("dead", "skip", str(step), "--reason", "links can wait")
    stack.until(lambda: live(behind, made) > before, what="the page to go out")
    assert behind.one("SELECT count(*) FROM need WHERE step = %s", step) == 0


@pytest.mark.parametrize(("who", "status"), [("nobody", 401), ("writer", 403), ("editor", 403)])
def test_dead_work_is_an_admins(stack: Stack, who: str, status: int) -> None:
    """Neither the list nor its two ends are open to anybody else."""
    client = stack.client(who)
    answers = [
        client.get("/v1/admin/dead"),
        client.post("/v1/admin/dead/1/replay"),
        client.post("/v1/admin/dead/1/skip", json={}),
    ]
    assert [answer.status_code for answer in answers] == [status] * 3


def test_an_admin_of_one_site_sees_its_own(stack: Stack, behind: Behind, bury: Bury) -> None:
    """Another site's dead work looks absent, in the list and by number."""
    _, step = scheduled(stack, behind)
    bury(step)
    token = stack.command("token", "create", "--name", "other", "--role", "admin", "--site", "other").strip()
    headers = {"Authorization": f"Bearer {token}"}
    listed = stack.admin.get("/v1/admin/dead", headers=headers).json()["items"]
    assert {item["site"] for item in listed} <= {"other"}
    answer = stack.admin.post(f"/v1/admin/dead/{step}/replay", headers=headers)
    assert answer.status_code == 404
    assert state(behind, step) == "dead"
