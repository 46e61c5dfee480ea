"""Corpora: the live articles of one site in one language, and in how many of them each term stands.

A rebuild makes a new corpus beside the old one, which articles move to one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from nashr.steps import Priority
from nashr.store import queue
from nashr.store.database import row, rows, run, scalar


def corpus(conn: Connection, site: str, language: str) -> int:
    """The corpus that a site's articles in a language are signed into, made when there is none yet."""
    if (known := _newest(conn, site, language)) is not None:
        return known
    run(
        conn,
        """INSERT INTO corpus (site, language, generation) VALUES (:site, :language, 1)
        ON CONFLICT DO NOTHING""",
        site=site, language=language,
    )  # fmt: skip
    made = _newest(conn, site, language)
    assert made is not None
    return made


def _newest(conn: Connection, site: str, language: str) -> int | None:
    found = row(
        conn,
        """SELECT id FROM corpus WHERE site = :site AND language = :language
        ORDER BY generation DESC LIMIT 1""",
        site=site, language=language,
    )  # fmt: skip
    return found["id"] if found else None


def renew(conn: Connection, site: str) -> None:
    """A new corpus beside the newest of each language: articles are signed into it from here on."""
    run(
        conn,
        """INSERT INTO corpus (site, language, generation)
        SELECT site, language, max(generation) + 1 FROM corpus WHERE site = :site GROUP BY site, language
        ON CONFLICT DO NOTHING""",
        site=site,
    )


@dataclass(frozen=True)
class Rebuild:
    """How far a rebuild is: articles signed anew, of how many."""

    done: int
    total: int
    over: bool


def rebuild(conn: Connection, site: str) -> None:
    """Has every live article signed anew, into new corpora whose counts begin anew."""
    renew(conn, site)
    queue.rearm(conn, "reindex", site, site=site, data={}, priority=Priority.bulk)
    queue.notify(conn)


def rebuild_state(conn: Connection, site: str) -> Rebuild:
    """The pass over the newest corpora; before it begins nothing is done."""
    found = row(conn, "SELECT result FROM step WHERE kind = 'reindex' AND key = :site", site=site)
    state = (found and found["result"]) or {}
    if state.get("corpus") != rebuilt(conn, site):
        return Rebuild(0, 0, over=False)
    return Rebuild(state["done"], state["total"], over=state["over"])


def languages(conn: Connection, site: str) -> Mapping[int, str]:
    """The languages of a site's corpora by their ids, the oldest first."""
    found = rows(
        conn, "SELECT id, language FROM corpus WHERE site = :site ORDER BY generation, id", site=site
    )
    return {item["id"]: item["language"] for item in found}


def rebuilt(conn: Connection, site: str) -> int:
    """The newest corpus of a site that a rebuild has made; 0 where none has."""
    return int(
        scalar(
            conn, "SELECT COALESCE(max(id), 0) FROM corpus WHERE site = :site AND generation > 1", site=site
        )
    )


def drop_earlier(conn: Connection, site: str, *, at_most: int) -> bool:
    """Removes a portion of what newer corpora have replaced; whether nothing is left of it.

    Signatures that stay behind are those of articles that are not live: they are signed again before.
    """
    every = languages(conn, site)
    newest = {language: number for number, language in every.items()}
    gone = [number for number, language in every.items() if newest[language] != number]
    for table in ("posting", "term"):
        found = run(
            conn,
            f"""DELETE FROM {table} WHERE ctid = ANY(ARRAY(
                SELECT ctid FROM {table} WHERE corpus = ANY(:gone) LIMIT :limit))""",
            gone=gone, limit=at_most,
        )  # fmt: skip
        if found:
            return False
    run(conn, "DELETE FROM corpus WHERE id = ANY(:gone)", gone=gone)
    return True


def count(
    conn: Connection, corpus: int, *, articles: int, terms: Mapping[int, int], words: Mapping[int, str]
) -> None:
    """Adds to a corpus' document frequencies, by term; ``words`` shows a term to people: the shortest stands.

    Rows in term order, so that two writers cannot lock each other out. A term that no article has is gone:
    words of what was removed stay nowhere.
    """
    changed = sorted(term for term, difference in terms.items() if difference)
    run(
        conn,
        """INSERT INTO term (corpus, term, articles, word)
        SELECT :corpus, term, articles, word FROM unnest(CAST(:terms AS integer[]),
            CAST(:articles AS integer[]), CAST(:words AS text[])) AS t(term, articles, word) ORDER BY term
        ON CONFLICT (corpus, term) DO UPDATE SET articles = term.articles + excluded.articles,
            word = CASE WHEN term.word = '' OR length(excluded.word) BETWEEN 1 AND length(term.word) - 1
                THEN excluded.word ELSE term.word END""",
        corpus=corpus, terms=changed, articles=[terms[term] for term in changed],
        words=[words.get(term, "") for term in changed],
    )  # fmt: skip
    run(
        conn, "DELETE FROM term WHERE corpus = :corpus AND term = ANY(:terms) AND articles <= 0",
        corpus=corpus, terms=[term for term in changed if terms[term] < 0],
    )  # fmt: skip
    run(conn, "UPDATE corpus SET articles = articles + :articles WHERE id = :corpus",
        corpus=corpus, articles=articles)  # fmt: skip


def frequencies(
    conn: Connection, site: str, language: str, terms: Iterable[int]
) -> tuple[Mapping[int, int], int]:
    """In how many live articles each term stands, and how many there are.

    While articles move from one corpus to the next, both are asked: the shares stay what they were.
    """
    counted = rows(
        conn,
        """SELECT term, sum(articles)::integer AS articles FROM term
        WHERE corpus IN (SELECT id FROM corpus WHERE site = :site AND language = :language)
            AND term = ANY(:terms) GROUP BY term""",
        site=site, language=language, terms=list(terms),
    )  # fmt: skip
    return {item["term"]: item["articles"] for item in counted}, size(conn, site, language)


def size(conn: Connection, site: str, language: str) -> int:
    """How many live articles are counted in a site's corpora of a language."""
    found = scalar(
        conn, "SELECT sum(articles) FROM corpus WHERE site = :site AND language = :language",
        site=site, language=language,
    )  # fmt: skip
    return int(found or 0)


def surroundings(conn: Connection, corpus: int) -> tuple[datetime, int]:
    """The database's clock, and how many live articles a corpus and the other generations of it count."""
    found = rows(
        conn,
        """SELECT clock_timestamp() AS now, COALESCE(sum(other.articles), 0)::integer AS articles
        FROM corpus own JOIN corpus other USING (site, language) WHERE own.id = :corpus""",
        corpus=corpus,
    )[0]
    return found["now"], found["articles"]


def words(conn: Connection, corpus: int, terms: Iterable[int]) -> Mapping[int, str]:
    """The words that show terms to people."""
    found = rows(
        conn, "SELECT term, word FROM term WHERE corpus = :corpus AND term = ANY(:terms) AND word <> ''",
        corpus=corpus, terms=list(terms),
    )  # fmt: skip
    return {item["term"]: item["word"] for item in found}


def newest_live(conn: Connection, site: str, *, before: int | None, limit: int) -> Sequence[tuple[int, str]]:
    """(number, id) of the newest live articles, below number ``before``, but for pages."""
    found = rows(
        conn,
        """SELECT number, id FROM article
        WHERE site = :site AND live_revision IS NOT NULL AND kind <> 'page'
            AND (CAST(:before AS bigint) IS NULL OR number < :before)
        ORDER BY number DESC LIMIT :limit""",
        site=site, before=before, limit=limit,
    )  # fmt: skip
    return [(item["number"], item["id"]) for item in found]


def count_live(conn: Connection, site: str) -> int:
    """How many articles ``newest_live`` would go through."""
    return int(
        scalar(
            conn,
            """SELECT count(*) FROM article
            WHERE site = :site AND live_revision IS NOT NULL AND kind <> 'page'""",
            site=site,
        )
    )
