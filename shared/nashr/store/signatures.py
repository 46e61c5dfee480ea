"""Signatures of articles in PostgreSQL: their terms, postings and wording, and who is near to whom.

What is similar is nashr_related's. Not here: how often a term is counted (corpora), what is linked (links).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, compress, pairwise
from typing import Any, Final

from sqlalchemy import Connection

from nashr.store import corpora
from nashr.store.database import row, rows, run, scalar
from nashr.store.tables import HEAVY_POSTING

POSTED: Final = 32
"""Terms of a signature that are posted and asked for, heaviest first; the cosine takes in all 64.

On 29,138 Arabic articles 64 posted terms rank no better and cost twice the disk, 24 rank 0.009 worse.
"""

NEWEST: Final = 250
HEAVIEST: Final = 250
"""Postings read of a term, so that a query costs the same in an archive of any size: the newest, and those
of the articles that are most about it, however old. With a bound as tight as a million articles make it,
half and half finds 0.025 nDCG@5 more than the newest alone (benchmarks/related/QUALITY.md)."""

CANDIDATES: Final = 200
"""Articles that are ranked in full; every one that gains a link is among the first 100 (measured)."""

_REMOVED: Final = 2  # times CANDIDATES are taken before those that readers cannot see are left out
_WHOLE: Final = 32_767
"""A posted weight of 1: sums of integers are the same in whatever order they are made."""


@dataclass(frozen=True)
class Signature:
    """What an article is found by: terms with weights, heaviest first, title terms, shingles, ascending.

    Hashes of terms are signed 32-bit, shingles not negative; weights have half precision.
    ``text_hash`` names the text that was signed; ``counted`` is the revision whose terms stand in the
    corpus' frequencies; ``places`` is how many links the article's page has room for.
    """

    article: int
    corpus: int
    text_hash: str
    terms: tuple[int, ...]
    weights: tuple[float, ...]
    title_terms: tuple[int, ...]
    shingles: tuple[int, ...]
    counted: int | None = None
    places: int = 0


@dataclass(frozen=True)
class Near:
    """A live article that shares terms with another, and what ranking needs of it."""

    article: int
    published_at: datetime
    section: str
    terms: tuple[int, ...]
    weights: tuple[float, ...]
    title_terms: tuple[int, ...]


_PACKED: Final = {"terms": "i", "weights": "e", "title_terms": "i"}
"""The lists of a signature stand as little-endian bytes, by code of struct: arrays cost more to read."""

_AND_ON: Final = 0xFFFF
"""A step from one shingle to the next that does not arrive: the next one goes on from there."""


def _pack(code: str, values: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(values)}{code}", *values)


def _unpack(code: str, data: bytes) -> tuple[Any, ...]:
    return struct.unpack(f"<{len(data) // struct.calcsize(code)}{code}", data)


def _unpacked(found: Mapping[str, Any]) -> dict[str, Any]:
    unpacked = {name: _unpack(code, found[name]) for name, code in _PACKED.items() if name in found}
    if "shingles" in found:
        unpacked["shingles"] = _climbed(found["shingles"])
    return {**found, **unpacked}


def packed_steps(ascending: Sequence[int]) -> bytes:
    """Shingles as the steps from each to the next, of two bytes: half of what their hashes would take."""
    steps = []
    for before, value in pairwise([0, *ascending]):
        step = value - before
        while step >= _AND_ON:
            steps.append(_AND_ON)
            step -= _AND_ON
        steps.append(step)
    return _pack("H", steps)


def _climbed(data: bytes) -> tuple[int, ...]:
    """The shingles that the steps lead to."""
    steps = _unpack("H", data)
    return tuple(compress(accumulate(steps), map(_AND_ON.__ne__, steps)))


def signature(conn: Connection, article: int) -> Signature | None:
    found = row(
        conn,
        """SELECT article, corpus, encode(text_hash, 'hex') AS text_hash, terms, weights, title_terms,
            shingles, counted, places
        FROM signature JOIN wording USING (article) WHERE article = :article""",
        article=article,
    )
    return Signature(**_unpacked(found)) if found else None


def sign(conn: Connection, new: Signature) -> int | None:
    """Stores a signature and its postings in place of the article's earlier ones; the revision still counted.

    What is counted of it stays counted, unless it moves to another corpus, which knows nothing of it.
    """
    before = row(
        conn, "SELECT corpus, terms FROM signature WHERE article = :article FOR NO KEY UPDATE",
        article=new.article,
    )  # fmt: skip
    if before is not None:
        _take_postings(conn, new.article, **_unpacked(before))
    packed = {name: _pack(code, getattr(new, name)) for name, code in _PACKED.items()}
    counted: int | None = scalar(
        conn,
        """WITH worded AS (
            INSERT INTO wording (article, shingles) VALUES (:article, :shingles)
            ON CONFLICT (article) DO UPDATE SET shingles = excluded.shingles
                WHERE wording.shingles <> excluded.shingles)
        INSERT INTO signature (article, corpus, text_hash, terms, weights, title_terms, places)
        VALUES (:article, :corpus, decode(:text_hash, 'hex'), :terms, :weights, :title_terms, :places)
        ON CONFLICT (article) DO UPDATE SET corpus = excluded.corpus, text_hash = excluded.text_hash,
            terms = excluded.terms, weights = excluded.weights, title_terms = excluded.title_terms,
            places = excluded.places,
            counted = CASE WHEN signature.corpus = excluded.corpus THEN signature.counted END
        RETURNING counted""",
        article=new.article, corpus=new.corpus, text_hash=new.text_hash, places=new.places,
        shingles=packed_steps(new.shingles), **packed,
    )  # fmt: skip
    run(
        conn,
        """INSERT INTO posting (corpus, term, article, weight)
        SELECT :corpus, term, :article, weight
        FROM unnest(CAST(:terms AS integer[]), CAST(:weights AS smallint[])) AS t(term, weight)
        ON CONFLICT (corpus, term, article) DO UPDATE SET weight = excluded.weight""",
        corpus=new.corpus, article=new.article, terms=list(new.terms[:POSTED]), weights=_posted(new),
    )  # fmt: skip
    return counted


def _posted(signed: Signature) -> list[int]:
    """The posted weights, in whole numbers."""
    return [round(weight * _WHOLE) for weight in signed.weights[:POSTED]]


def _take_postings(conn: Connection, article: int, *, corpus: int, terms: Sequence[int]) -> None:
    run(
        conn,
        "DELETE FROM posting WHERE corpus = :corpus AND term = ANY(:terms) AND article = :article",
        corpus=corpus, terms=list(terms[:POSTED]), article=article,
    )  # fmt: skip


def mark_counted(conn: Connection, article: int, *, before: int | None, now: int | None) -> int | None:
    """Notes which revision's terms a corpus counts; the corpus, or None if another has done so meanwhile."""
    found: int | None = scalar(
        conn,
        """UPDATE signature SET counted = :now
        WHERE article = :article AND counted IS NOT DISTINCT FROM :before RETURNING corpus""",
        article=article, before=before, now=now,
    )  # fmt: skip
    return found


def forget(conn: Connection, article: int) -> None:
    """A removed article is found by nothing any more.

    Its terms stay counted when its text is destroyed before they were taken back: a rebuild counts anew.
    """
    signed = signature(conn, article)
    run(conn, "DELETE FROM signature WHERE article = :article", article=article)
    run(conn, "DELETE FROM wording WHERE article = :article", article=article)
    if signed is not None:
        _take_postings(conn, article, corpus=signed.corpus, terms=signed.terms)
        run(
            conn, "UPDATE corpus SET articles = articles - 1 WHERE id = :corpus AND :counted",
            corpus=signed.corpus, counted=signed.counted is not None,
        )  # fmt: skip


def near(conn: Connection, site: str, query: Signature, *, limit: int = CANDIDATES) -> Sequence[Near]:
    """The live articles that share most with the heaviest terms, at most ``limit``, best first.

    Of each term the newest postings are read, and the heaviest; during a rebuild of both corpora.
    """
    found = rows(
        conn,
        f"""WITH hits AS MATERIALIZED (
            SELECT p.article, sum(p.weight * q.weight) AS shared
            FROM unnest(CAST(:terms AS integer[]), CAST(:weights AS integer[])) AS q(term, weight)
            CROSS JOIN (corpus own JOIN corpus c USING (site, language))
            CROSS JOIN LATERAL (
                (SELECT article, weight FROM posting WHERE corpus = c.id AND term = q.term
                ORDER BY article DESC LIMIT :newest)
                UNION
                (SELECT article, weight FROM posting
                WHERE corpus = c.id AND term = q.term AND weight >= {HEAVY_POSTING}
                ORDER BY weight DESC, article DESC LIMIT :heaviest)
            ) AS p
            WHERE own.id = :corpus AND p.article <> :article GROUP BY p.article
        ), best AS MATERIALIZED (
            SELECT article, shared FROM hits ORDER BY shared DESC, article DESC LIMIT :taken
        )
        SELECT b.article, a.published_at, a.section, s.terms, s.weights, s.title_terms
        FROM best b JOIN article a ON a.number = b.article JOIN signature s ON s.article = b.article
        WHERE a.site = :site AND a.live_revision IS NOT NULL AND a.linkable
            AND a.published_at <= clock_timestamp()
        ORDER BY b.shared DESC, b.article DESC LIMIT :limit""",
        site=site, corpus=query.corpus, article=query.article, terms=list(query.terms[:POSTED]),
        weights=_posted(query), newest=NEWEST, heaviest=HEAVIEST, taken=_REMOVED * limit, limit=limit,
    )  # fmt: skip
    return [Near(**_unpacked(item)) for item in found]


def those(conn: Connection, articles: Iterable[int]) -> Sequence[Near]:
    """These articles as far as they have a signature, whether live or not."""
    found = rows(
        conn,
        """SELECT s.article, a.published_at, a.section, s.terms, s.weights, s.title_terms
        FROM signature s JOIN article a ON a.number = s.article WHERE s.article = ANY(:articles)""",
        articles=list(articles),
    )
    return [Near(**_unpacked(item)) for item in found]


def shingles(conn: Connection, articles: Iterable[int]) -> Mapping[int, tuple[int, ...]]:
    """The shingles of those articles that have a signature, to tell copies of one story by."""
    found = rows(
        conn, "SELECT article, shingles FROM wording WHERE article = ANY(:articles)",
        articles=list(articles),
    )  # fmt: skip
    return {item["article"]: _climbed(item["shingles"]) for item in found}


def shared_words(
    conn: Connection, src: int, others: Iterable[int], *, most: int = 8
) -> Mapping[int, Sequence[str]]:
    """For each of the others the words that it shares with an article, those that weigh most first."""
    own = signature(conn, src)
    if own is None:
        return {}
    found = rows(
        conn,
        "SELECT article, terms, weights FROM signature WHERE article = ANY(:others)",
        others=list(others),
    )
    mine = dict(zip(own.terms, own.weights, strict=True))
    shared: dict[int, list[int]] = {}
    for item in map(_unpacked, found):
        products = {
            term: mine[term] * weight
            for term, weight in zip(item["terms"], item["weights"], strict=True)
            if term in mine
        }
        shared[item["article"]] = [term for _, term in sorted((-w, term) for term, w in products.items())][
            :most
        ]
    named = corpora.words(conn, own.corpus, {term for terms in shared.values() for term in terms})
    return {other: [named[term] for term in terms if term in named] for other, terms in shared.items()}
