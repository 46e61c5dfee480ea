"""What others would do: the best words of an article as an OR query, to an engine and to PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import tantivy
from nashr.store.database import rows, run, scalar, statement
from sqlalchemy import Engine

from benchmarks.related.database import Cost, Meter

WORDS: Final = 25
CANDIDATES: Final = 200
WARMING: Final = 5
"""Of the samples, as many are asked before anything is measured."""
_HEAP: Final = 256 * 2**20


@dataclass(frozen=True)
class Document:
    """An article as peers see it: stems separated by spaces; the best of them first in ``best``."""

    number: int
    words: str
    best: Sequence[str]


@dataclass(frozen=True)
class Measured:
    """A peer's costs, one for each document asked about and added, and its bytes for each article."""

    name: str
    queries: Sequence[Cost]
    inserts: Sequence[Cost]
    bytes: float


def measure_tantivy(documents: Iterable[Document], samples: Sequence[Document], *, folder: Path) -> Measured:
    """BM25 over the stems of headline and text; an addition is committed and seen."""
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("number", stored=True)
    builder.add_text_field("words", tokenizer_name="whitespace", index_option="freq")
    schema = builder.build()
    index = tantivy.Index(schema, path=str(folder))
    writer = index.writer(_HEAP)
    count = 0
    for document in documents:
        writer.add_document(tantivy.Document(number=document.number, words=document.words))
        count += 1
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    used = sum(file.stat().st_size for file in folder.iterdir())

    def ask(document: Document) -> list[int]:
        terms = [tantivy.Query.term_query(schema, "words", word) for word in document.best[:WORDS]]
        query = tantivy.Query.boolean_query([(tantivy.Occur.Should, term) for term in terms])
        searcher = index.searcher()
        hits = searcher.search(query, CANDIDATES).hits
        return [searcher.doc(address)["number"][0] for _, address in hits]

    writer = index.writer(_HEAP)

    def add(document: Document) -> None:
        writer.add_document(tantivy.Document(number=document.number, words=document.words))
        writer.commit()
        index.reload()

    for document in samples[:WARMING]:
        ask(document)
    queries = [_here(ask, one) for one in samples[WARMING:]]
    inserts = [_here(add, one) for one in samples[WARMING:]]
    return Measured("tantivy", queries, inserts, used / count)


def measure_full_text(
    documents: Iterable[Document], samples: Sequence[Document], *, engine: Engine
) -> Measured:
    """A tsvector of the stems, a GIN index, ts_rank by length."""
    stored = _full_text_stored(engine, documents)

    def ask(document: Document) -> list[Any]:
        with statement(engine) as conn:
            return rows(
                conn,
                """SELECT article FROM peer, to_tsquery('simple', :query) AS query WHERE words @@ query
                ORDER BY ts_rank(words, query, 1) DESC LIMIT :limit""",
                query=" | ".join(document.best[:WORDS]), limit=CANDIDATES,
            )  # fmt: skip

    def add(document: Document) -> None:
        with statement(engine) as conn:
            run(
                conn, "INSERT INTO peer VALUES (:number, to_tsvector('simple', :words))",
                number=document.number, words=document.words,
            )  # fmt: skip

    meter = Meter(engine)
    for document in samples[:WARMING]:
        ask(document)
    queries = [meter.measure(ask, one)[1] for one in samples[WARMING:]]
    inserts = [meter.measure(add, one)[1] for one in samples[WARMING:]]
    with statement(engine) as conn:
        run(conn, "DROP TABLE peer")
    return Measured("PostgreSQL full text", queries, inserts, stored)


def _full_text_stored(engine: Engine, documents: Iterable[Document]) -> float:
    """Fills the table and builds its index; bytes for each document."""
    count = 0
    with statement(engine) as conn:
        run(conn, "CREATE TABLE peer (article bigint PRIMARY KEY, words tsvector NOT NULL)")
        for some in _parts(documents, 1000):
            run(
                conn,
                """INSERT INTO peer SELECT number, to_tsvector('simple', words)
                FROM unnest(CAST(:numbers AS bigint[]), CAST(:words AS text[])) AS t(number, words)""",
                numbers=[one.number for one in some], words=[one.words for one in some],
            )  # fmt: skip
            count += len(some)
        run(conn, "CREATE INDEX peer_words ON peer USING gin (words)")
        run(conn, "VACUUM ANALYZE peer")
        return int(scalar(conn, "SELECT pg_total_relation_size('peer') AS bytes")) / count


def _here(act: Callable[[Document], Any], document: Document) -> Cost:
    client, wall = time.process_time(), time.perf_counter()
    act(document)
    now = time.perf_counter()
    return Cost(now - wall, time.process_time() - client, 0.0)


def _parts(documents: Iterable[Document], size: int) -> Iterator[Sequence[Document]]:
    part: list[Document] = []
    for document in documents:
        part.append(document)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
