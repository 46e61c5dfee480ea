"""What follows a publication at a distance: links of older stories, signatures of a grown archive."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from unittest.mock import ANY

import pytest
from nashr.domain.errors import Fenced
from nashr.domain.site import parse_site
from nashr.pages import Fact, PageKind, PageSpec
from nashr.runtime.worker import Commit, Finish, Worker
from nashr.settings import Settings
from nashr.steps import Priority
from nashr.store import articles, assets, corpora, golive, links, pagerows, queue, signatures, sites
from nashr.store.database import rows, run, statement, transaction
from nashr.store.links import StoredLink
from nashr_related import core, drawing, handlers, signing
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
        run(conn, "TRUNCATE article, corpus, posting, term CASCADE")
        sites.apply(conn, SITE, actor="test")
    return Related(cast("Runtime", SimpleNamespace(engine=engine)))


def live(
    engine: Engine, number: int, text: str = "Wheat and barley", language: str = "en", **fields: object
) -> Article:
    """A signed article that readers can see."""
    doc = {
        "headline": f"Harvest number {number}", "section": "news", "language": language, "kind": "article",
        **fields, "body": [{"type": "paragraph", "html": f"{text}, report from village{number}"}],
    }  # fmt: skip
    with transaction(engine) as conn:
        made = articles.create(conn, SITE, doc, actor="test")
        run(
            conn,
            """UPDATE article SET live_revision = 1, status = 'live', path = :path,
                published_at = clock_timestamp() - interval '1 hour' WHERE id = :id""",
            id=made.id, path=f"/news/{number}/",
        )  # fmt: skip
        signature = signing.sign(conn, SITE, made.number, articles.read_content(conn, SITE, made.id, 1))
        signatures.sign(conn, signature)
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


def reworded(
    engine: Engine, article: Article, revision: int, text: str, *, at_once: bool = True, **fields: object
) -> None:
    """A further revision of a live article, live at once or not; no step has signed it."""
    with transaction(engine) as conn:
        run(
            conn,
            """INSERT INTO revision (article, site, number, doc, actor)
            SELECT article, site, :number, doc || CAST(:changed AS jsonb), actor
            FROM revision WHERE article = :id AND number = 1""",
            id=article.id, number=revision,
            changed=json.dumps({"body": [{"type": "paragraph", "html": text}], **fields}),
        )  # fmt: skip
        run(
            conn,
            """UPDATE article SET latest_revision = :number,
                live_revision = CASE WHEN :now THEN :number ELSE live_revision END,
                unlinked_since = CASE WHEN :now THEN clock_timestamp() END WHERE id = :id""",
            id=article.id, number=revision, now=at_once,
        )  # fmt: skip


def caught_up(engine: Engine, inside: Inside, related: Related) -> None:
    """Backlinks, without its rests, until nothing is due."""
    with transaction(engine) as conn:
        golive._want_backlinks(conn, SITE, removal=False)
    for _ in range(50):
        inside.run("UPDATE step SET result = NULL WHERE kind = 'backlinks'")
        step = claimed(engine, inside, "backlinks")
        if finished(engine, step, related.backlinks(step)).again_at is None:
            return
    raise AssertionError("backlinks came to no end")


def counted(engine: Engine) -> tuple[dict[str, int], int]:
    """The document frequencies of the site, by word, and how many articles they are of."""
    with statement(engine) as conn:
        found = rows(conn, "SELECT word, sum(articles)::int AS articles FROM term GROUP BY word")
        size = corpora.size(conn, SITE.id, "en")
    return {item["word"]: item["articles"] for item in found if item["articles"]}, size


def test_frequencies_are_those_of_live_articles(engine: Engine, inside: Inside, related: Related) -> None:
    """Counted once when they go live, changed with the text, taken back when they leave, and never twice."""
    made = [live(engine, number) for number in range(4)]
    unlinked(engine)
    caught_up(engine, inside, related)
    found, size = counted(engine)
    assert (found["Wheat"], found["barley"], size) == (4, 4, 4)

    reworded(engine, made[0], 2, "Olives, report")
    unlinked(engine, removed=made[1].id)
    unlinked(engine)  # and all of them once more, as after a rename
    caught_up(engine, inside, related)
    found, size = counted(engine)
    assert (found["Wheat"], found["Olives"], size) == (2, 1, 3)
    assert "village1" not in found  # where the one that left was told


def test_an_earlier_text_that_came_back_is_signed_again(
    engine: Engine, inside: Inside, related: Related
) -> None:
    """Its step is done for good: whoever links it afterwards sees that the signature is of another text."""
    article = live(engine, 1)
    with statement(engine) as conn:
        first = signatures.signature(conn, article.number)
    reworded(engine, article, 2, "Olives and figs")
    unlinked(engine)
    caught_up(engine, inside, related)
    with statement(engine) as conn:
        other = signatures.signature(conn, article.number)
    reworded(engine, article, 3, "Wheat and barley, report from village1")
    unlinked(engine)
    caught_up(engine, inside, related)
    with statement(engine) as conn:
        again = signatures.signature(conn, article.number)
    assert first is not None
    assert other is not None
    assert again is not None
    assert other.text_hash != first.text_hash == again.text_hash
    assert inside.scalar("SELECT count(*) FROM posting WHERE article = :n", n=article.number) == len(
        again.terms
    )


def test_a_rebuild_moves_everything_while_stories_go_live(
    engine: Engine, inside: Inside, related: Related, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Into a new corpus, newest first; what is published meanwhile goes there too; the old one is dropped."""
    monkeypatch.setattr(handlers, "REINDEX_SECONDS", 0.0)  # an article a run
    for number in range(6):
        live(engine, number)
    unlinked(engine)
    caught_up(engine, inside, related)
    inside.run("UPDATE term SET articles = articles + 1000")  # an archive whose counts went wrong
    with transaction(engine) as conn:
        corpora.rebuild(conn, SITE.id)
    step = claimed(engine, inside, "reindex")
    assert finished(engine, step, related.reindex(step)).result == ANY
    late = live(engine, 7)
    unlinked(engine)
    caught_up(engine, inside, related)
    seen = []
    for _ in range(20):
        step = claimed(engine, inside, "reindex")
        end = finished(engine, step, related.reindex(step))
        assert end.result is not None
        with statement(engine) as conn:
            seen.append(corpora.rebuild_state(conn, SITE.id))
        if seen[-1].over:
            break
    assert seen[-1] == corpora.Rebuild(6, 6, over=True)
    assert [state.done for state in seen] == sorted(state.done for state in seen)
    assert inside.scalar("SELECT count(*) FROM corpus") == 1
    assert inside.scalar("SELECT count(DISTINCT corpus) FROM posting") == 1
    found, size = counted(engine)
    assert (found["Wheat"], size) == (7, 7)
    with statement(engine) as conn:
        own = signatures.signature(conn, late.number)
        assert own is not None
        assert len(signatures.near(conn, SITE.id, own)) == 6


def test_a_young_archive_is_signed_again_when_it_doubles(
    engine: Engine, inside: Inside, related: Related
) -> None:
    """Two articles that came before any word was known to be rare weigh their words by what is known now."""
    made = [live(engine, number) for number in range(4)]
    unlinked(engine)
    caught_up(engine, inside, related)
    with statement(engine) as conn:
        before = signatures.signature(conn, made[0].number)
    step = claimed(engine, inside, "reindex")
    end = finished(engine, step, related.reindex(step))
    assert end.result is not None
    assert end.result["done"] == 4
    with statement(engine) as conn:
        after = signatures.signature(conn, made[0].number)
    assert before is not None
    assert after is not None
    assert before.terms != after.terms or before.weights != after.weights


def test_links_that_stay_are_not_written_again(engine: Engine, inside: Inside, related: Related) -> None:
    """A row stays where it is while the next gives way: a dead row for each would be most of the table."""
    own, kept, gone, came = (live(engine, number).number for number in range(1, 5))
    stays = StoredLink(kept, "see_also", 0, 0.3, "pinned")
    row = "SELECT ctid::text || xmin FROM link WHERE dst = :dst"
    with transaction(engine) as conn:
        assert links.replace(conn, own, [stays, StoredLink(gone, "related_news", 0, 0.2, "similar")])
    before = inside.scalar(row, dst=kept)
    now = [stays, StoredLink(came, "related_news", 0, 0.1, "latest")]
    with transaction(engine) as conn:
        assert links.replace(conn, own, now)
        assert not links.replace(conn, own, now)
    assert inside.scalar(row, dst=kept) == before
    with statement(engine) as conn:
        assert [replace(one, similarity=round(one.similarity, 6)) for one in links.of(conn, own)] == now


def test_two_that_went_live_at_the_same_moment_find_each_other(
    engine: Engine, inside: Inside, related: Related
) -> None:
    """Whatever the order in which their steps ran: each ends up with a link to the other."""
    made = [live(engine, number) for number in range(2)]
    unlinked(engine)
    caught_up(engine, inside, related)
    with statement(engine) as conn:
        linked = {article.number: [link.dst for link in links.of(conn, article.number)] for article in made}
    assert linked == {made[0].number: [made[1].number], made[1].number: [made[0].number]}


def test_a_place_that_a_removal_left_is_filled(engine: Engine, inside: Inside, related: Related) -> None:
    """Whoever linked to what is gone links to the next best instead, though nothing new went live."""
    made = [live(engine, number) for number in range(14)]
    unlinked(engine)
    caught_up(engine, inside, related)

    def linked() -> set[int]:
        with statement(engine) as conn:
            return {link.dst for link in links.of(conn, made[0].number)}

    before = linked()
    gone = next(article for article in made if article.number in before)
    unlinked(engine, removed=gone.id)
    caught_up(engine, inside, related)
    assert gone.number not in linked()
    assert len(linked()) == len(before)


def test_what_is_scheduled_is_nobodys_to_see(engine: Engine, inside: Inside, related: Related) -> None:
    """The step of a later revision, which runs before its hour, changes neither signature nor links."""
    article, other = live(engine, 1), live(engine, 2)
    pinned = live(engine, 3, text="Olives")
    unlinked(engine)
    caught_up(engine, inside, related)
    reworded(engine, article, 2, "Secret merger", at_once=False, related={"pin": [pinned.id]})
    with transaction(engine) as conn:
        before = signatures.signature(conn, article.number), links.of(conn, article.number)
        data = {"article": article.id, "number": article.number, "revision": 2}
        queue.add(conn, "related", "later", site=SITE.id, data=data)
    step = claimed(engine, inside, "related")
    finished(engine, step, related.related(step))
    with statement(engine) as conn:
        assert (signatures.signature(conn, article.number), links.of(conn, article.number)) == before
    reworded(engine, article, 4, "Secret merger", related={"pin": [pinned.id]})
    caught_up(engine, inside, related)
    with statement(engine) as conn:
        assert links.of(conn, article.number)[0].dst == pinned.number
    assert other.number != article.number


def test_who_is_not_to_be_linked_is_linked_no_more(engine: Engine, inside: Inside, related: Related) -> None:
    """With ``distribution.related: false`` an article leaves the pages of others, but for a pin's."""
    made = [live(engine, number) for number in range(6)]
    pinning = live(engine, 7, related={"pin": [made[0].id]})
    unlinked(engine)
    caught_up(engine, inside, related)
    inside.run("UPDATE article SET linkable = false WHERE id = :id", id=made[0].id)
    with statement(engine) as conn:
        shown = [links.standing(conn, article.number) for article in made[1:]]
        assert not [link for found in shown for link in found if link.dst == made[0].number]
        assert links.standing(conn, pinning.number)[0].dst == made[0].number


def test_a_change_of_language_takes_the_counts_along(
    engine: Engine, inside: Inside, related: Related
) -> None:
    """The corpus that an article leaves counts it no more."""
    made = [live(engine, number) for number in range(3)]
    unlinked(engine)
    caught_up(engine, inside, related)
    reworded(engine, made[0], 2, "Wheat and barley, report from village0", language="fr")
    caught_up(engine, inside, related)
    with statement(engine) as conn:
        assert (corpora.size(conn, SITE.id, "en"), corpora.size(conn, SITE.id, "fr")) == (2, 1)


def linked_from(engine: Engine, articles: list[Article]) -> list[list[int]]:
    with statement(engine) as conn:
        return [[link.dst for link in links.of(conn, article.number)] for article in articles]


def test_a_change_of_language_leaves_no_link_behind(engine: Engine, inside: Inside, related: Related) -> None:
    """Whoever linked to an article links to it no more once it is in another language."""
    made = [live(engine, number) for number in range(30)]
    unlinked(engine)
    caught_up(engine, inside, related)
    most = Counter(number for found in linked_from(engine, made) for number in found).most_common(1)[0]
    gone = next(article for article in made if article.number == most[0])
    assert most[1] > core.GAINING
    reworded(engine, gone, 2, "Wheat and barley", language="fr")
    inside.run("UPDATE article SET language = 'fr' WHERE id = :id", id=gone.id)
    caught_up(engine, inside, related)
    assert not [found for found in linked_from(engine, made) if gone.number in found]


def test_a_text_that_became_a_copy_is_linked_by_the_other_no_more(
    engine: Engine, inside: Inside, related: Related
) -> None:
    """A correction may make two articles one story: then neither stands on the other's page."""
    made = [live(engine, number) for number in range(14)]
    unlinked(engine)
    caught_up(engine, inside, related)
    source = made[-1]
    target = next(one for one in made if one.number in linked_from(engine, [source])[0])
    reworded(engine, target, 2, "Wheat and barley, report from village13", headline="Harvest number 13")
    caught_up(engine, inside, related)
    assert target.number not in linked_from(engine, [source])[0]
    assert source.number not in linked_from(engine, [target])[0]


def test_new_stories_go_before_those_that_a_rebuild_draws_anew(engine: Engine, related: Related) -> None:
    """Two hundred old ones would hold them up for minutes."""
    del related
    for number in range(3):
        live(engine, number)
    with transaction(engine) as conn:
        handlers._relink_newest(conn, SITE)
    new = live(engine, 4)
    with transaction(engine) as conn:
        run(conn, "UPDATE article SET unlinked_since = clock_timestamp() WHERE id = :id", id=new.id)
        due = [item["id"] for item in handlers._unlinked(conn, SITE)]
    assert len(due) == 4
    assert due[0] == new.id


def test_a_likeness_that_changed_is_stored(engine: Engine, related: Related) -> None:
    """Newcomers are weighed by it, and editors are shown it, though the page stays as it is."""
    del related
    one, other = live(engine, 1), live(engine, 2)
    drawn = [links.StoredLink(other.number, "see_also", 0, 0.8, "similar")]
    with transaction(engine) as conn:
        assert links.replace(conn, one.number, drawn)
        assert not links.replace(conn, one.number, [replace(drawn[0], similarity=0.25)])
        assert links.of(conn, one.number)[0].similarity == 0.25


def test_a_page_on_its_way_out_is_told_of_a_removal(engine: Engine, related: Related) -> None:
    """It may have been made while the story that its editor pinned was still to be seen."""
    del related
    gone = live(engine, 1)
    doc = {"headline": "Figs", "section": "news", "language": "en", "kind": "article", "body": []}
    with transaction(engine) as conn:
        made = articles.create(conn, SITE, doc, actor="test")
        path = f"/news/{made.number}/"
        spec = PageSpec(path, PageKind.article, made.id)
        page = pagerows.lock(conn, SITE.id, [spec])[path]
        run(
            conn,
            """INSERT INTO publication (id, article, site, revision, kind, state, page, actor, priority,
                change, notify)
            VALUES ('pub_x', :article, :site, 1, 'publish', 'running', :page, 'test', 1, 'update', true)""",
            article=made.id, site=SITE.id, page=page.id,
        )  # fmt: skip
        links.replace(conn, made.number, [links.StoredLink(gone.number, "related_news", 0, 0.0, "pinned")])
        found = golive._neighbours(conn, SITE, gone, page, frozenset({Fact.status}))
    assert spec in found


def test_a_draft_moves_no_live_article_into_another_language(
    engine: Engine, inside: Inside, related: Related
) -> None:
    """A revision that nobody sees yet does not make its article the latest of the language it is in."""
    first = live(engine, 1, text="Olives", headline="Figs")
    other = live(engine, 2, text="Saffron", headline="Dates", language="fr")
    inside.run("UPDATE article SET language = 'en' WHERE id = :id", id=other.id)  # as articles.update does
    unlinked(engine)
    caught_up(engine, inside, related)
    assert linked_from(engine, [first]) == [[]]


def test_words_of_what_was_removed_stay_nowhere(engine: Engine, inside: Inside, related: Related) -> None:
    """A term that no article has any more is gone, with the word that showed it."""
    live(engine, 1)
    gone = live(engine, 2, text="Zbigniewski")
    unlinked(engine)
    caught_up(engine, inside, related)
    assert inside.scalar("SELECT count(*) FROM term WHERE word = 'Zbigniewski'") == 1
    unlinked(engine, removed=gone.id)
    caught_up(engine, inside, related)
    assert inside.scalar("SELECT count(*) FROM term WHERE word = 'Zbigniewski'") == 0


def test_a_removal_during_a_rebuild_stays_removed(
    engine: Engine, related: Related, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What leaves while it is being signed again is neither found nor counted afterwards."""
    article = live(engine, 1)
    with transaction(engine) as conn:
        signatures.forget(conn, article.number)
    plain = signing.sign

    def slowly(*given: Any) -> signatures.Signature:
        unlinked(engine, removed=article.id)
        return plain(*given)

    monkeypatch.setattr(signing, "sign", slowly)
    related._sign_again(SITE, article.id)
    with statement(engine) as conn:
        assert signatures.signature(conn, article.number) is None
        assert corpora.size(conn, SITE.id, "en") == 0


def test_one_article_that_fails_holds_up_no_other(
    engine: Engine, inside: Inside, related: Related, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is taken last from then on; those that came with it have their links."""
    made = [live(engine, number) for number in range(3)]
    unlinked(engine)
    plain = drawing.draw

    def poisoned(*given: Any) -> Any:
        if given[2].id == made[0].id:
            raise ZeroDivisionError
        return plain(*given)

    monkeypatch.setattr(drawing, "draw", poisoned)
    step = claimed(engine, inside, "backlinks")
    finished(engine, step, related.backlinks(step))
    waiting = "SELECT unlinked_since IS NOT NULL FROM article WHERE id = :id"
    assert [inside.scalar(waiting, id=article.id) for article in made] == [True, False, False]
    with statement(engine) as conn:
        assert {link.dst for link in links.of(conn, made[1].number)} == {made[0].number, made[2].number}


def test_during_a_rebuild_nobody_loses_a_link(engine: Engine, inside: Inside, related: Related) -> None:
    """Those that have moved to the new corpus and those that have not find each other."""
    made = [live(engine, number) for number in range(8)]
    unlinked(engine)
    caught_up(engine, inside, related)
    with transaction(engine) as conn:
        corpora.rebuild(conn, SITE.id)
    for article in made[4:]:
        related._sign_again(SITE, article.id)
    with statement(engine) as conn:
        for article in (made[0], made[7]):
            own = signatures.signature(conn, article.number)
            assert own is not None
            assert len(signatures.near(conn, SITE.id, own)) == 7


def test_the_fallback_stays_within_the_language(engine: Engine, inside: Inside, related: Related) -> None:
    """The newest of a site in two languages are those of the article's own."""
    for number in range(4):
        live(engine, number, language="fr-LB")
    first = live(engine, 9, text="Olives", headline="Figs")
    second = live(engine, 10, text="Saffron", headline="Dates", language="en-GB")
    unlinked(engine)
    caught_up(engine, inside, related)
    with statement(engine) as conn:
        assert [link.dst for link in links.of(conn, first.number)] == [second.number]


def test_languages_and_sites_stay_apart(engine: Engine, inside: Inside, related: Related) -> None:
    """The same words in an article of another language are no relation."""
    here, there = live(engine, 1), live(engine, 1, language="fr")
    unlinked(engine)
    caught_up(engine, inside, related)
    with statement(engine) as conn:
        own = signatures.signature(conn, here.number)
        assert own is not None
        assert [item.article for item in signatures.near(conn, SITE.id, own)] == []
        assert corpora.size(conn, SITE.id, "fr") == 1
    assert there.number != here.number


def test_an_old_story_about_the_word_is_found_behind_many_new_ones(
    engine: Engine, inside: Inside, monkeypatch: pytest.MonkeyPatch, related: Related
) -> None:
    """Of each word the newest postings are read and the heaviest: what is most about it, however old."""
    del related
    monkeypatch.setattr(signatures, "NEWEST", 3)
    monkeypatch.setattr(signatures, "HEAVIEST", 3)
    old = live(engine, 1, text="Saffron saffron saffron saffron")
    filler = " ".join(f"padding{n} other{n}" for n in range(40))
    for number in range(2, 9):
        live(engine, number, text=f"{filler} saffron")
    new = live(engine, 99, text="Saffron is dear")
    with statement(engine) as conn:
        own = signatures.signature(conn, new.number)
        assert own is not None
        found = [item.article for item in signatures.near(conn, SITE.id, own)]
    assert old.number in found


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
