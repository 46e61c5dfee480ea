"""What follows a publication at a distance: links of older stories, signatures of a grown archive."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from nashr.domain.errors import Fenced
from nashr.domain.site import parse_site
from nashr.runtime.worker import Commit, Finish, Worker
from nashr.settings import Settings
from nashr.steps import Priority
from nashr.store import articles, assets, golive, links, queue, sites
from nashr.store.database import run, statement, transaction
from nashr_related import handlers
from nashr_related.handlers import AT_ONCE, Related

if TYPE_CHECKING:
    from nashr.bootstrap import Runtime
    from nashr.store.articles import Article
    from nashr.store.queue import Step
    from sqlalchemy import Engine

    from tests.integration.store.conftest import Inside

SITE = parse_site(
    {
        "id": "paper", "name": "Paper", "locale": "en", "base_url": "http://paper.test/",
        "sections": [{"slug": "news", "label": "News", "all": True}],
    }
)  # fmt: skip


@pytest.fixture
def related(engine: Engine) -> Related:
    """The handlers over a site without articles."""
    with transaction(engine) as conn:
        run(conn, "TRUNCATE article CASCADE")
        sites.apply(conn, SITE, actor="test")
    return Related(cast("Runtime", SimpleNamespace(engine=engine)))


def live(engine: Engine, number: int) -> Article:
    """A signed article that readers can see."""
    doc = {
        "headline": f"Harvest number {number}", "section": "news", "language": "en", "kind": "article",
        "body": [{"type": "paragraph", "html": f"Wheat and barley, report {number}"}],
    }  # fmt: skip
    with transaction(engine) as conn:
        made = articles.create(conn, SITE, doc, actor="test")
        run(
            conn,
            """UPDATE article SET live_revision = 1, status = 'live', path = :path,
                published_at = clock_timestamp() - interval '1 hour' WHERE id = :id""",
            id=made.id, path=f"/news/{number}/",
        )  # fmt: skip
        signature = handlers._sign(conn, SITE, made.number, articles.read_content(conn, SITE, made.id, 1))
        links.sign(conn, SITE.id, signature)
    return made


def unlinked(engine: Engine, *, removed: str | None = None) -> None:
    """A publication of every article; or the removal of one."""
    with transaction(engine) as conn:
        run(
            conn,
            """UPDATE article SET unlinked_since = clock_timestamp(),
                live_revision = CASE WHEN id = :removed THEN NULL ELSE live_revision END
            WHERE id = :removed OR CAST(:removed AS text) IS NULL""",
            removed=removed,
        )
        golive._want_backlinks(conn, SITE, removal=removed is not None)


def claimed(engine: Engine, inside: Inside, kind: str) -> Step:
    """The step of this kind, made due."""
    inside.run("UPDATE step SET available_at = clock_timestamp() WHERE kind = :kind", kind=kind)
    step = queue.claim_next(engine, [kind], owner="test:1", lease=60)
    assert step is not None
    return step


def finished(engine: Engine, step: Step, commit: Commit) -> Finish:
    with transaction(engine) as conn:
        found = commit(conn)
        queue.finish(
            conn, step, result=found.result, again_at=found.again_at, priority=found.priority
        )  # fmt: skip
    return found


def backlinks(inside: Inside) -> dict[str, object]:
    return inside.step(inside.scalar("SELECT id FROM step WHERE kind = 'backlinks'"))


def test_new_stories_rest_and_removals_do_not(engine: Engine, inside: Inside, related: Related) -> None:
    """Behind a backlog that rests, a removal is dealt with in the next run; then the others rest again."""
    made = [live(engine, number) for number in range(AT_ONCE + 2)]
    unlinked(engine)
    step = claimed(engine, inside, "backlinks")
    assert finished(engine, step, related.backlinks(step)).again_at is not None
    step = claimed(engine, inside, "backlinks")
    finished(engine, step, related.backlinks(step))  # rests: nothing is done
    assert inside.scalar("SELECT count(*) FROM article WHERE unlinked_since IS NOT NULL") == 2

    unlinked(engine)
    unlinked(engine, removed=made[-1].id)
    step = claimed(engine, inside, "backlinks")
    assert step.priority == Priority.breaking
    finished(engine, step, related.backlinks(step))
    gone = "SELECT unlinked_since FROM article WHERE id = :id"
    assert inside.scalar(gone, id=made[-1].id) is None
    found = backlinks(inside)
    assert (found["state"], found["priority"]) == ("ready", Priority.bulk)
    assert cast("float", found["in_seconds"]) > 0.5


def test_a_removal_during_a_run_is_next(engine: Engine, inside: Inside, related: Related) -> None:
    """It meets a step that runs, and is due at once when that ends."""
    made = [live(engine, number) for number in range(2)]
    unlinked(engine)
    step = claimed(engine, inside, "backlinks")
    commit = related.backlinks(step)
    unlinked(engine, removed=made[0].id)
    finished(engine, step, commit)
    found = backlinks(inside)
    assert (found["state"], found["priority"]) == ("ready", Priority.breaking)
    assert cast("float", found["in_seconds"]) <= 0


def test_an_archive_that_doubles_meanwhile_is_signed_again(
    engine: Engine, inside: Inside, related: Related, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass over the archive that the next doubling overtook is followed by another, from the top."""
    for number in range(AT_ONCE + 1):
        live(engine, number)
    with transaction(engine) as conn:
        queue.rearm(conn, "reweigh", "paper/en", site="paper", data={"language": "en"})
    step = claimed(engine, inside, "reweigh")
    assert finished(engine, step, related.reweigh(step)).result is not None
    inside.run(
        "UPDATE term SET articles = articles * 2 WHERE term = :every", every=links.EVERY_ARTICLE
    )  # as many again
    step = claimed(engine, inside, "reweigh")
    again = finished(engine, step, related.reweigh(step))
    assert (again.result, again.again_at is None) == (None, False)
    signed: list[int] = []
    monkeypatch.setattr(links, "sign", lambda *given: signed.append(given[2].article))
    step = claimed(engine, inside, "reweigh")
    related.reweigh(step)
    assert len(signed) == AT_ONCE


def test_a_site_that_was_not_stored_is_not_remembered(engine: Engine, related: Related) -> None:
    """A change that is rolled back leaves nothing behind, though the next one gets its version."""
    del related

    class Lost(Exception):
        """The transaction does not end well."""

    def renamed(name: str) -> None:
        with transaction(engine) as conn:
            sites.apply(conn, parse_site({**SITE.to_json(), "name": name}), actor="test")
            if name == "Lost":
                raise Lost

    with pytest.raises(Lost):
        renamed("Lost")
    renamed("Kept")
    with statement(engine) as conn:
        assert sites.get(conn, "paper").site.name == "Kept"


def test_breaking_work_is_not_passed_over(engine: Engine) -> None:
    """A thread that goes on with what has no hint takes hinted work of a higher class before it."""
    ran: list[str] = []

    def handler(step: Step) -> Commit:
        ran.append(step.key)
        if len(ran) == 1:
            with transaction(engine) as conn:
                queue.add(conn, "cards", "breaking", site="s", data={}, priority=Priority.breaking)
            with transaction(engine) as conn:
                queue.take_due(conn, redispatch=3.0, per_queue=8)
                for key in ("second", "third"):
                    queue.add(conn, "cards", key, site="s", data={})
        return lambda _: Finish()

    with transaction(engine) as conn:
        first, _ = queue.add(conn, "cards", "first", site="s", data={})
    Worker("cards", settings=Settings(), engine=engine, handlers={"cards": handler}).attempt(first)
    assert ran == ["first", "breaking", "second", "third"]


def test_a_photo_erased_while_it_is_decoded_stays_erased(engine: Engine, related: Related) -> None:
    """Whoever decodes it at that moment finds its step void, and its renditions are not recorded."""
    del related
    with transaction(engine) as conn:
        run(conn, "TRUNCATE asset CASCADE")
        asset, _ = assets.create(
            conn, site="paper", sha256="0" * 64, content_type="image/jpeg", width=10, height=10, size=1,
            meta={}, actor="test",
        )  # fmt: skip
    step = queue.claim_next(engine, ["images"], owner="test:1", lease=60)
    assert step is not None
    with transaction(engine) as conn:
        assets.erased(conn, [asset.id])
    with pytest.raises(Fenced), transaction(engine) as conn:
        queue.hold(conn, step)
