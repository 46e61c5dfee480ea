"""An archive too large to be written one by one: nashr's tables filled from arrays, as its code fills them.

With ``subject`` the only module that knows these tables. Weights come from the frequencies of the articles'
days, as in life; indexes are built at the end, so that they are fuller than those of an archive that grew.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from typing import Any, Final

import numpy as np
from nashr.store import corpora, signatures
from nashr.store.database import connect, rows, run, scalar, statement, transaction
from nashr.store.ids import fingerprint
from nashr_related.analysis import SHINGLES_KEPT, term_hash
from sqlalchemy import Connection

from benchmarks.related import generated, matrix, subject
from benchmarks.related.generated import Batch
from benchmarks.related.matrix import Array, Counts
from benchmarks.related.subject import Draft, Newsroom, copying

LANGUAGE: Final = "ar"
EVERY: Final = timedelta(minutes=2)
"""Between two articles: a large newsroom's million takes four years."""

_WHOLE: Final = 32_767
_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_MEMORY: Final = "1GB"
_PATIENCE: Final = 1800.0
_PLACES: Final = 14
_SECTIONS: Final = 8
_POSTING: Final = np.dtype(
    [
        ("fields", ">i2"),
        ("l1", ">i4"), ("corpus", ">i4"),
        ("l2", ">i4"), ("term", ">i4"),
        ("l3", ">i4"), ("article", ">i4"),
        ("l4", ">i4"), ("weight", ">i2"),
    ]
)  # fmt: skip


class Bulk:
    """Fills one newsroom's tables, chunk after chunk; ``articles`` are stored so far."""

    def __init__(self, room: Newsroom, *, most: int) -> None:
        self._room = room
        self._spelt = [generated.spelling(word) for word in range(int(generated.vocabulary(most)) + 1)]
        hashes = np.array([term_hash(word) for word in self._spelt], dtype=np.int32)
        _, first, same = np.unique(hashes, return_index=True, return_inverse=True)
        self._one = first[same]  # words of one hash are one term: the first of them stands for it
        self._hashes = hashes
        self._frequencies = np.zeros(len(hashes))
        self._shown = bytes.fromhex(fingerprint(LANGUAGE))
        self.articles = 0
        with transaction(room.engine) as conn:
            self._corpus = corpora.corpus(conn, room.id, LANGUAGE)
            self._number = int(scalar(conn, "SELECT COALESCE(max(number), 0) AS last FROM article"))

    @property
    def frequencies(self) -> Array:
        return self._frequencies

    def words(self, batch: Batch, article: int) -> Any:
        """The words of an article, headline first, spelt."""
        found = batch.words[batch.starts[article] : batch.starts[article + 1]]
        return map(self._spelt.__getitem__, found.tolist())

    def fill(self, articles: int) -> None:
        """Adds chunks until there are so many articles, then builds the indexes."""
        with _patient(self._room.url) as conn:
            run(conn, "SET session_replication_role = replica")  # no look-up of every article's number
            run(conn, "SET statement_timeout = 0")
            run(conn, f"SET maintenance_work_mem = '{_MEMORY}'")
            self._number = int(scalar(conn, "SELECT COALESCE(max(number), 0) AS last FROM article"))
            indexes = _dropped(conn)
            chunks = range(self.articles // generated.CHUNK, articles // generated.CHUNK)
            for batch, counts in _prepared(chunks):
                self._add(conn, batch, counts)
            self._write_terms(conn)
            for index in indexes:
                run(conn, index)
            run(conn, f"VACUUM ANALYZE {', '.join(subject.TABLES)}, article")

    def _add(self, conn: Connection, batch: Batch, counts: Counts) -> None:
        counts = self._merged(counts)
        self.articles += batch.articles
        if not self._frequencies.any():  # a small archive is signed again until it knows its words
            self._frequencies += np.bincount(counts.terms, minlength=len(self._frequencies))
            signed = self._signed(counts)
        else:
            signed = self._signed(counts)
            self._frequencies += np.bincount(counts.terms, minlength=len(self._frequencies))
        numbers: Array = self._number + 1 + np.arange(batch.articles)
        self._number += batch.articles
        subject.copy_articles(conn, self._room.id, self._drafts(batch, numbers))
        with copying(conn, "posting (corpus, term, article, weight)", binary=True) as copy:
            copy.write(self._postings(signed.heaviest(signatures.POSTED), numbers))
        self._write_signatures(conn, batch, counts, signed, numbers)

    def _merged(self, counts: Counts) -> Counts:
        return Counts(
            counts.starts, self._one[counts.terms], counts.headline, counts.body, len(self._frequencies)
        )  # fmt: skip

    def _signed(self, counts: Counts) -> matrix.Weighted:
        factors = subject.factors(self._frequencies, documents=self.articles)
        every = matrix.weighted(counts, factors, headline_times=1)
        return every.heaviest(subject.SIGNATURE_TERMS).normalised()

    def _drafts(self, batch: Batch, numbers: Array) -> Iterator[tuple[int, Draft]]:
        begun = datetime.now(UTC) - EVERY * generated.CHUNK * 120
        for at, number in enumerate(numbers.tolist()):
            index = batch.first + at
            yield number, Draft(
                f"generated-{index}", f"{index}", "", LANGUAGE, begun + EVERY * index, section(index)
            )  # fmt: skip

    def _postings(self, signed: matrix.Weighted, numbers: Array) -> bytes:
        made: Array = np.zeros(len(signed.terms), _POSTING)
        made["fields"], made["l1"], made["l2"], made["l3"], made["l4"] = 4, 4, 4, 4, 2
        made["corpus"] = self._corpus
        made["term"] = self._hashes[signed.terms]
        made["article"] = numbers[signed.rows]
        made["weight"] = np.round(signed.weights * _WHOLE)
        return b"".join((_HEADER, made.tobytes(), _TRAILER))

    def _write_signatures(
        self, conn: Connection, batch: Batch, counts: Counts, signed: matrix.Weighted, numbers: Array
    ) -> None:
        terms = self._hashes[signed.terms].astype("<i4")
        weights = signed.weights.astype("<f2")
        title = matrix.headlines(counts)
        titles = self._hashes[title.terms].astype("<i4")
        columns = "article, corpus, counted, places, text_hash, terms, weights, title_terms"
        with copying(conn, f"signature ({columns})", binary=True) as copy:
            copy.write(_HEADER)
            for at, number in enumerate(numbers.tolist()):
                own = slice(signed.starts[at], signed.starts[at + 1])
                headline = slice(title.starts[at], title.starts[at + 1])
                lists = terms[own], weights[own], titles[headline]
                packed = self._shown, *(one.tobytes() for one in lists)
                copy.write(_signature_row(number, self._corpus, *packed))
            copy.write(_TRAILER)
        with copying(conn, "wording (article, shingles)", binary=True) as copy:
            copy.write(_HEADER)
            for at, number in enumerate(numbers.tolist()):
                shingles = signatures.packed_steps(batch.shingles[at][:SHINGLES_KEPT].tolist())
                copy.write(struct.pack(">hii", 2, 4, number) + _sized(shingles))
            copy.write(_TRAILER)

    def _write_terms(self, conn: Connection) -> None:
        """The counts as they are now, over those of the last time."""
        run(conn, "DELETE FROM term WHERE corpus = :corpus", corpus=self._corpus)
        with copying(conn, "term (corpus, term, articles, word)") as copy:
            known = np.flatnonzero(self._frequencies)
            lines = [
                f"{self._corpus}\t{self._hashes[word]}\t{self._frequencies[word]:.0f}\t{self._spelt[word]}\n"
                for word in known.tolist()
            ]
            copy.write("".join(lines))
        run(
            conn, "UPDATE corpus SET articles = :articles WHERE id = :corpus",
            articles=self.articles, corpus=self._corpus,
        )  # fmt: skip


@contextmanager
def _patient(url: str) -> Iterator[Connection]:
    """A connection that waits for an index of a million articles, and is closed afterwards."""
    engine = connect(url, pool=1, application="nashr-bench", patience=_PATIENCE)
    try:
        with statement(engine) as conn:
            yield conn
    finally:
        engine.dispose()


def section(article: int) -> str:
    """The section of an article: all are about as large."""
    return f"section-{article % _SECTIONS}"


def _signature_row(number: int, corpus: int, *packed: bytes) -> bytes:
    """As COPY reads it in binary: each field after its length."""
    first = struct.pack(">hiiiiiiih", 8, 4, number, 4, corpus, 4, 1, 2, _PLACES)
    return b"".join((first, *map(_sized, packed)))


def _sized(field: bytes) -> bytes:
    return struct.pack(">i", len(field)) + field


def _dropped(conn: Connection) -> list[str]:
    """Drops the indexes of postings; the statements that build them again."""
    found = rows(conn, "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'posting'")
    for item in found:
        run(conn, f"DROP INDEX {item['indexname']}")
    return [item["indexdef"] for item in found]


def _prepared(chunks: range) -> Iterator[tuple[Batch, Counts]]:
    """Chunks in order, each drawn by another process while the one before is written."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(_prepare, chunk) for chunk in chunks[:2]]
        for at in range(len(chunks)):
            ready = waiting.pop(0).result()
            if at + 2 < len(chunks):
                waiting.append(pool.submit(_prepare, chunks[at + 2]))
            yield ready


def _prepare(chunk: int) -> tuple[Batch, Counts]:
    made = generated.batch(chunk)
    return made, made.counts()
