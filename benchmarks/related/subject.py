"""nashr as these benchmarks see it: the only module that knows how it signs, stores, queries and draws."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from multiprocessing import get_context
from typing import Any, Final

import numpy as np
from nashr.bootstrap import Runtime
from nashr.domain import recency
from nashr.domain.article import Content
from nashr.domain.seealso import CARDS
from nashr.domain.site import parse_site
from nashr.settings import Settings
from nashr.steps import Priority
from nashr.store import articles, corpora, links, queue, signatures, sites
from nashr.store.database import connect, row, rows, run, statement, transaction
from nashr.store.queue import Step
from nashr_related import core, drawing, signing
from nashr_related.analysis import primary, surfaces, term_hash, terms
from nashr_related.counting import REWEIGHED
from nashr_related.handlers import AT_ONCE, Related
from psycopg.types.json import Json
from sqlalchemy import Connection, Engine

from benchmarks.related.corpora import Text
from benchmarks.related.matrix import Array, Counts

SIGNATURE_TERMS: Final = core.SIGNATURE_TERMS
HEADLINE_SHARE: Final = core.TITLE_WEIGHT
LASTING: Final = recency.LASTING
POSTED: Final = signatures.POSTED
READ_NEWEST: Final = signatures.NEWEST
READ_HEAVIEST: Final = signatures.HEAVIEST
CANDIDATES: Final = signatures.CANDIDATES
SIGNED_AGAIN: Final = REWEIGHED
SHOWN_CARDS: Final = CARDS
FAN_OUT: Final = core.GAINING
TAKEN_IN: Final = AT_ONCE
PROCESSES: Final = 2
TABLES: Final = ("posting", "signature", "wording", "term", "link")
"""What related links add to a database."""

_PARAGRAPHS: Final = 31
"""As many give a page all its ten places for see-also links."""
_BEFORE_ALL: Final = datetime(1970, 1, 1, tzinfo=UTC)
_REVISION: Final = 1
_SECTION: Final = "news"
_COUNTED_AT_ONCE: Final = 200


@dataclass(frozen=True)
class Draft:
    """An article as it is admitted: live at once, its first revision."""

    id: str
    headline: str
    body: str
    language: str
    published_at: datetime
    section: str = _SECTION


@dataclass(frozen=True)
class Link:
    """One link that a page shows, see-also first; ``score`` is as of now, 0 where it is a fallback."""

    article: str
    score: float
    reason: str


Signed = tuple[Counter[int], Mapping[int, str], str]
"""Of articles that were signed: in how many each term stands, words that show terms, the language."""


class Newsroom:
    """A site in a database whose articles are live. Nobody works there: its steps are taken by hand."""

    def __init__(self, url: str, engine: Engine, site: str = "bench") -> None:
        self.url, self.engine, self.id = url, engine, site
        config = {
            "id": site, "name": site, "locale": "ar", "base_url": f"http://{site}.example/",
            "time_zone": "UTC", "sections": [{"slug": "news", "label": "news", "all": True}],
        }  # fmt: skip
        with transaction(engine) as conn:
            run(
                conn,
                """INSERT INTO site (id, config, secret) VALUES (:id, :config, :id)
                ON CONFLICT DO NOTHING""",
                id=site, config=Json(parse_site(config).to_json()),
            )  # fmt: skip
            self.site = sites.get(conn, site).site
        self._related = Related(Runtime(Settings(), engine))

    def admit(self, drafts: Sequence[Draft]) -> Mapping[str, int]:
        """Stores articles as live, in this order; their numbers by id."""
        numbers = {}
        with transaction(self.engine) as conn:
            first = _next_number(conn)
            copy_articles(conn, self.id, ((first + at, draft) for at, draft in enumerate(drafts)))
            with copying(conn, "revision (article, number, site, doc, actor)") as copy:
                for at, draft in enumerate(drafts):
                    numbers[draft.id] = first + at
                    copy.write_row((self._named(draft.id), _REVISION, self.id, Json(_doc(draft)), "bench"))
        return numbers

    def sign(self, numbers: Mapping[str, int]) -> None:
        """Signs and counts articles in this order, as many at once as a run of backlinks takes in."""
        named = list(numbers.items())
        with self._hasty(), ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
            for at in range(0, len(named), AT_ONCE):
                self._sign_round(pool, named[at : at + AT_ONCE], counting=True)
                size = min(at + AT_ONCE, len(named))
                if size <= SIGNED_AGAIN and size.bit_length() > at.bit_length():
                    self._sign_round(pool, named[:size], counting=False)

    @contextmanager
    def _hasty(self) -> Iterator[None]:
        """Connections opened meanwhile do not wait for the disk."""
        with statement(self.engine) as conn:
            run(conn, "ALTER ROLE CURRENT_USER SET synchronous_commit = off")
        try:
            yield
        finally:
            with statement(self.engine) as conn:
                run(conn, "ALTER ROLE CURRENT_USER RESET synchronous_commit")

    def _sign_round(
        self, pool: ProcessPoolExecutor, named: Sequence[tuple[str, int]], *, counting: bool
    ) -> None:
        parts = [named[at::PROCESSES] for at in range(PROCESSES)]
        found = list(pool.map(_sign_some, *zip(*((self.url, self.id, part) for part in parts), strict=True)))
        if not counting:
            return
        language = next(language for *_, language in found if language)
        with transaction(self.engine) as conn:
            total = sum((counted for counted, *_ in found), Counter[int]())
            words = {term: word for _, some, _ in found for term, word in some.items()}
            corpus = corpora.corpus(conn, self.id, language)
            corpora.count(conn, corpus, articles=len(named), terms=total, words=words)
            run(
                conn, "UPDATE signature SET counted = :revision WHERE article = ANY(:numbers)",
                revision=_REVISION, numbers=[number for _, number in named],
            )  # fmt: skip

    def sign_some(self, named: Sequence[tuple[str, int]]) -> Signed:
        """Signs articles with the frequencies of this moment."""
        total: Counter[int] = Counter()
        words: dict[int, str] = {}
        language = ""
        for article, number in named:
            signed, doc = self.signature(article, number)
            language = primary(doc.language)
            self.store(signed)
            total.update(signing.terms(doc).keys())
            words.update(surfaces(signing.text(doc), language=doc.language))
        return total, words, language

    def signature(self, article: str, number: int) -> tuple[signatures.Signature, Content]:
        """The signature of a stored text, made now, not stored."""
        with statement(self.engine) as conn:
            doc = articles.read_content(conn, self.site, self._named(article), _REVISION)
            return signing.sign(conn, self.site, number, doc), doc

    def store(self, signed: signatures.Signature) -> None:
        with transaction(self.engine) as conn:
            signatures.sign(conn, signed)

    def near(self, signed: signatures.Signature) -> Sequence[signatures.Near]:
        """The candidates, as the store finds them."""
        with statement(self.engine) as conn:
            return signatures.near(conn, self.id, signed)

    def ranked(self, number: int) -> Sequence[int]:
        """The candidates by likeness alone: no floor, no recency, nothing left out."""
        return self._ranked(number, floor=False, limit=CANDIDATES)

    def related(self, number: int, *, fading: bool) -> Sequence[int]:
        """The candidates above the floor, by likeness; ``fading``: and recency, as a draw is given them."""
        if not fading:
            return self._ranked(number, floor=True, limit=CANDIDATES)
        with statement(self.engine) as conn:
            near = drawing.near(conn, self.site, signatures.signature(conn, number))
        return [one.article for one in near.ranked]

    def similar(self, number: int, *, limit: int) -> Sequence[str]:
        """Every article that is related to one at all, as far as a query of so many candidates finds it."""
        found = self._ranked(number, floor=True, limit=limit)
        with statement(self.engine) as conn:
            named = rows(
                conn, "SELECT id FROM article WHERE number = ANY(:numbers)", numbers=list(found)
            )  # fmt: skip
        return [self._bare(item["id"]) for item in named]

    def _ranked(self, number: int, *, floor: bool, limit: int) -> Sequence[int]:
        with statement(self.engine) as conn:
            own = signatures.signature(conn, number)
            assert own is not None
            _, size = corpora.surroundings(conn, own.corpus)
            near = signatures.near(conn, self.id, own, limit=limit)
        weights = dict(zip(own.terms, own.weights, strict=True))
        least = core.floor(size) if floor else 0.0
        scored = core.rank(
            (drawing.candidate(one, own, weights) for one in near), now=_BEFORE_ALL, floor=least
        )
        return [one.article for one in scored]

    def drawn(self, article: str) -> Sequence[Link]:
        """The links that the article's page would show if it were drawn now."""
        return self._shown(self._drawn(article))

    def draw_all(self, named: Sequence[str]) -> None:
        """Draws and stores the links of many articles, each as of now."""
        parts = [named[at::PROCESSES] for at in range(PROCESSES)]
        with self._hasty(), ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
            list(pool.map(_draw_some, *zip(*((self.url, self.id, part) for part in parts), strict=True)))

    def draw(self, article: str) -> None:
        """Draws and stores the links of an article."""
        drawn = self._drawn(article)
        with transaction(self.engine) as conn:
            number = _number(conn, self._named(article))
            links.replace(conn, number, drawn)

    def shown(self, article: str) -> Sequence[Link]:
        """The stored links that the article's page shows."""
        with statement(self.engine) as conn:
            return self._shown(links.of(conn, _number(conn, self._named(article))))

    def take_step(self, article: str, number: int) -> None:
        """The whole step of an article that was just stored: signed, drawn, its links kept."""
        step = Step(
            id=0, site=self.id, kind="related", key="", priority=Priority.normal, attempts=1, fence=1,
            input={"article": self._named(article), "revision": _REVISION, "number": number},
            waited=0.0, result=None,
        )  # fmt: skip
        commit = self._related.related(step)
        with transaction(self.engine) as conn:
            commit(conn)

    def fan_out(self, *arrived: str) -> None:
        """What follows when articles go live: they are counted, and older articles are given their links."""
        assert len(arrived) <= AT_ONCE
        with transaction(self.engine) as conn:
            run(
                conn, "UPDATE article SET unlinked_since = clock_timestamp() WHERE id = ANY(:ids)",
                ids=[self._named(article) for article in arrived],
            )  # fmt: skip
            number = queue.rearm(conn, "backlinks", self.id, site=self.id, data={}, priority=Priority.bulk)
        step = queue.claim(self.engine, number, owner="bench", lease=600)
        assert step is not None
        commit = self._related.backlinks(replace(step, result=None))
        with transaction(self.engine) as conn:
            queue.finish(conn, step, result=commit(conn).result)

    def showing(self, article: str) -> frozenset[str]:
        """The articles whose stored and shown links lead to one."""
        with statement(self.engine) as conn:
            found = rows(
                conn,
                """SELECT a.id FROM link l JOIN article a ON a.number = l.src
                WHERE l.dst = :number AND l.place < :most""",
                number=_number(conn, self._named(article)), most=links.CARDS_FROM + CARDS,
            )  # fmt: skip
        return frozenset(self._bare(item["id"]) for item in found)

    def _drawn(self, article: str) -> Any:
        with statement(self.engine) as conn:
            found = articles.find(conn, self._named(article))
            assert found is not None
            doc = articles.read_content(conn, self.site, found.id, _REVISION)
            near = drawing.near(conn, self.site, signatures.signature(conn, found.number))
            return drawing.draw(conn, self.site, found, doc, near)

    def _shown(self, stored: Iterable[links.StoredLink]) -> Sequence[Link]:
        shown = [one for one in stored if one.slot == "see_also" or one.position < CARDS]
        shown.sort(key=lambda one: (one.slot != "see_also", one.position))
        with statement(self.engine) as conn:
            found = rows(
                conn, "SELECT number, id, published_at FROM article WHERE number = ANY(:numbers)",
                numbers=[one.dst for one in shown],
            )  # fmt: skip
        there, now = {item["number"]: item for item in found}, datetime.now(UTC)

        def link(one: links.StoredLink) -> Link:
            age = (now - there[one.dst]["published_at"]) / recency.DAY
            fading = recency.recency(age, half_life_days=self.site.half_life(_SECTION))
            return Link(self._bare(there[one.dst]["id"]), one.similarity * fading, one.reason)

        return [link(one) for one in shown]

    def _named(self, article: str) -> str:
        return f"{self.id}-{article}"

    def _bare(self, article: str) -> str:
        return article.removeprefix(f"{self.id}-")


def copy_articles(conn: Connection, site: str, drafts: Iterable[tuple[int, Draft]]) -> None:
    """Rows of live articles with these numbers; their texts are not stored."""
    columns = """id, number, site, short_id, slug, section, kind, language, headline, latest_revision,
        live_revision, status, created_by, published_at, path"""
    with copying(conn, f"article ({columns})") as copy:
        for number, draft in drafts:
            names = f"{site}-{draft.id}", number, site, str(number), str(number)
            shown = draft.section, "news", draft.language, draft.headline
            state = _REVISION, _REVISION, "live", "bench", draft.published_at, f"{number}.html"
            copy.write_row((*names, *shown, *state))


@contextmanager
def copying(conn: Connection, target: str, *, binary: bool = False) -> Iterator[Any]:
    """Rows for a table, by COPY."""
    driver: Any = conn.connection.driver_connection
    how = "(FORMAT binary)" if binary else ""
    with driver.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN {how}") as copy:
        yield copy


def _doc(draft: Draft) -> Mapping[str, Any]:
    """The text in as many paragraphs as give its page room for every link."""
    words = draft.body.split()
    each = -(-len(words) // _PARAGRAPHS) or 1
    parts = [" ".join(words[at : at + each]) for at in range(0, len(words), each)]
    parts += [""] * (_PARAGRAPHS - len(parts))
    return {
        "section": draft.section,
        "headline": draft.headline,
        "language": draft.language,
        "body": [{"type": "paragraph", "html": html.escape(part)} for part in parts],
    }


def vacuum(conn: Connection) -> None:
    """What the server does by itself, sooner or later."""
    run(conn, f"VACUUM {', '.join(TABLES)}")


def bytes_of(conn: Connection) -> Mapping[str, int]:
    """Bytes of each table that related links need, and of each of their indexes."""
    found = rows(
        conn,
        """SELECT relname, pg_table_size(oid) AS bytes FROM pg_class WHERE relname = ANY(:tables)
        UNION ALL SELECT i.relname, pg_relation_size(i.oid)
        FROM pg_index x JOIN pg_class i ON i.oid = indexrelid JOIN pg_class t ON t.oid = indrelid
        WHERE t.relname = ANY(:tables)""",
        tables=list(TABLES),
    )  # fmt: skip
    return {item["relname"]: int(item["bytes"]) for item in found}


def _next_number(conn: Connection) -> int:
    found = row(conn, "SELECT COALESCE(max(number), 0) + 1 AS next FROM article")
    assert found is not None
    return int(found["next"])


def _number(conn: Connection, article: str) -> int:
    found = articles.find(conn, article)
    assert found is not None
    return found.number


@cache
def _elsewhere(url: str, site: str) -> Newsroom:
    """The newsroom as a process that helps it knows it."""
    return Newsroom(url, connect(url, pool=1, application="nashr-bench"), site)


def _sign_some(url: str, site: str, named: Sequence[tuple[str, int]]) -> Signed:
    return _elsewhere(url, site).sign_some(named)


def counted(texts: Sequence[Text]) -> Counts:
    """Every article's terms by nashr's analysis, in two processes."""
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        each = [pair for some in pool.map(_counted, _parts(texts)) for pair in some]
    articles = [sorted({*headline, *body}) for headline, body in each]
    found = np.array([term for article in articles for term in article], dtype=np.int64)
    names, numbered = np.unique(found, return_inverse=True)
    return Counts(
        starts=np.concatenate(([0], np.cumsum([len(article) for article in articles]))),
        terms=numbered,
        headline=_times(articles, [headline for headline, _ in each]),
        body=_times(articles, [body for _, body in each]),
        width=len(names),
    )


def factors(frequencies: Array, *, documents: int) -> Array:
    """Inverse document frequencies, by nashr's formula."""
    return np.log(1 + (documents + 1) / (frequencies + 1))


def _parts(texts: Sequence[Text]) -> list[Sequence[Text]]:
    return [texts[at : at + _COUNTED_AT_ONCE] for at in range(0, len(texts), _COUNTED_AT_ONCE)]


def _counted(texts: Sequence[Text]) -> list[tuple[dict[int, int], dict[int, int]]]:
    return [(_hashes(text.headline, text.language), _hashes(text.body, text.language)) for text in texts]


def _hashes(text: str, language: str) -> dict[int, int]:
    return dict(Counter(term_hash(term) for term in terms(text, language=language)))


def _times(articles: Sequence[Sequence[int]], counts: Sequence[Mapping[int, int]]) -> Array:
    return np.array(
        [count.get(term, 0) for terms_, count in zip(articles, counts, strict=True) for term in terms_], float
    )


def _draw_some(url: str, site: str, named: Sequence[str]) -> None:
    for article in named:
        _elsewhere(url, site).draw(article)
