"""Related stories in PostgreSQL: signatures, postings, links. What is similar is nashr_related's to say."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from nashr.store.database import row, rows, run

NEWEST_PER_TERM: Final = 500  # measured: x100 articles then cost x5 CPU, no loss on 29,138 real articles
TERMS_ASKED: Final = 32  # of a signature, heaviest first: finds the candidates; their cosine takes in all
CANDIDATES: Final = 50  # 98.9 % of the articles that gain a link are among them (measured)


EVERY_ARTICLE: Final = 1 << 40  # no 32-bit term hash: counts the articles of a site and language


_SPACE: Final = 0x6C696E6B  # "link": the advisory locks of articles whose links are being replaced


@dataclass(frozen=True)
class Signature:
    """What an article is found by: terms with weights, heaviest first, title terms, a sketch of its 3-grams.

    Hashes of terms are signed 32-bit, those of the sketch signed 64-bit; weights have single precision.
    """

    article: int
    language: str
    text_hash: str
    terms: tuple[int, ...]
    weights: tuple[float, ...]
    title_terms: tuple[int, ...]
    sketch: tuple[int, ...]


@dataclass(frozen=True)
class Near:
    """A live article that shares terms with another, and what ranking needs of it."""

    article: int
    published_at: datetime
    section: str
    terms: tuple[int, ...]
    weights: tuple[float, ...]
    title_terms: tuple[int, ...]
    sketch: tuple[int, ...]


_PACKED: Final = {"terms": "i", "weights": "f", "title_terms": "i", "sketch": "q"}
"""The lists of a signature stand as little-endian bytes, by code of struct: arrays cost more to read."""


def _pack(code: str, values: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(values)}{code}", *values)


def _unpack(code: str, data: bytes) -> tuple[Any, ...]:
    return struct.unpack(f"<{len(data) // struct.calcsize(code)}{code}", data)


def _unpacked(found: Mapping[str, Any]) -> dict[str, Any]:
    return {**found, **{name: _unpack(code, found[name]) for name, code in _PACKED.items()}}


@dataclass(frozen=True)
class StoredLink:
    """One related link of a source article."""

    dst: int
    slot: str  # see_also | related_news
    position: int
    score: float
    reason: str


def signature(conn: Connection, article: int) -> Signature | None:
    found = row(
        conn,
        """SELECT article, language, text_hash, terms, weights, title_terms, sketch FROM signature
        WHERE article = :article""",
        article=article,
    )
    return Signature(**_unpacked(found)) if found else None


def sign(conn: Connection, site: str, new: Signature) -> None:
    """Stores a signature and its postings in place of the article's earlier ones."""
    before = signature(conn, new.article)
    run(conn, "DELETE FROM posting WHERE article = :article", article=new.article)
    run(
        conn,
        """INSERT INTO signature (article, site, language, text_hash, terms, weights, title_terms, sketch)
        VALUES (:article, :site, :language, :text_hash, :terms, :weights, :title_terms, :sketch)
        ON CONFLICT (article) DO UPDATE SET language = excluded.language, text_hash = excluded.text_hash,
            terms = excluded.terms, weights = excluded.weights, title_terms = excluded.title_terms,
            sketch = excluded.sketch""",
        site=site, **vars(new) | {name: _pack(code, vars(new)[name]) for name, code in _PACKED.items()},
    )  # fmt: skip
    run(
        conn,
        """INSERT INTO posting (site, language, term, article, weight)
        SELECT :site, :language, term, :article, weight
        FROM unnest(CAST(:terms AS bigint[]), CAST(:weights AS real[])) AS t(term, weight)""",
        site=site, language=new.language, article=new.article, terms=list(new.terms),
        weights=list(new.weights),
    )  # fmt: skip
    _count_terms(conn, site, new, before)


def _count_terms(conn: Connection, site: str, new: Signature, before: Signature | None) -> None:
    """Document frequencies: rows in term order, so that two writers cannot lock each other out."""
    known = before is not None and before.language == new.language
    fresh = set(new.terms) - set(before.terms if before and known else ())
    if not known:
        fresh.add(EVERY_ARTICLE)
    run(
        conn,
        """INSERT INTO term (site, language, term, articles)
        SELECT :site, :language, term, 1 FROM unnest(CAST(:terms AS bigint[])) AS t(term) ORDER BY term
        ON CONFLICT (site, language, term) DO UPDATE SET articles = term.articles + 1""",
        site=site, language=new.language, terms=sorted(fresh),
    )  # fmt: skip


def frequencies(
    conn: Connection, site: str, language: str, terms: Iterable[int]
) -> tuple[Mapping[int, int], int]:
    """In how many articles each term stands, and how many articles were ever signed."""
    found = rows(
        conn,
        "SELECT term, articles FROM term WHERE site = :site AND language = :language AND term = ANY(:terms)",
        site=site, language=language, terms=[EVERY_ARTICLE, *terms],
    )  # fmt: skip
    counted = {item["term"]: item["articles"] for item in found}
    return counted, counted.pop(EVERY_ARTICLE, 0)


def forget(conn: Connection, article: int) -> None:
    """A removed article is found by nothing any more, and links to nothing."""
    run(conn, "DELETE FROM posting WHERE article = :article", article=article)
    run(conn, "DELETE FROM signature WHERE article = :article", article=article)
    run(conn, "DELETE FROM link WHERE src = :article OR dst = :article", article=article)


def near(conn: Connection, site: str, query: Signature) -> Sequence[Near]:
    """The live articles that share most with the heaviest terms, at most CANDIDATES, best first.

    Each term reads its newest postings only.
    """
    found = rows(
        conn,
        """WITH hits AS MATERIALIZED (
            SELECT p.article, sum(p.weight * q.weight) AS shared
            FROM unnest(CAST(:terms AS bigint[]), CAST(:weights AS real[])) AS q(term, weight)
            CROSS JOIN LATERAL (
                SELECT article, weight FROM posting
                WHERE site = :site AND language = :language AND term = q.term
                ORDER BY article DESC LIMIT :newest
            ) AS p
            WHERE p.article <> :article GROUP BY p.article
        ), best AS MATERIALIZED (
            SELECT a.number, a.published_at, a.section, h.shared
            FROM hits h JOIN article a ON a.number = h.article
            WHERE a.live_revision IS NOT NULL AND a.linkable AND a.published_at <= clock_timestamp()
            ORDER BY h.shared DESC, a.number DESC LIMIT :limit
        )
        SELECT b.number AS article, b.published_at, b.section, s.terms, s.weights, s.title_terms, s.sketch
        FROM best b JOIN signature s ON s.article = b.number
        ORDER BY b.shared DESC, b.number DESC""",
        site=site, language=query.language, article=query.article, terms=list(query.terms[:TERMS_ASKED]),
        weights=list(query.weights[:TERMS_ASKED]), newest=NEWEST_PER_TERM, limit=CANDIDATES,
    )  # fmt: skip
    return [Near(**_unpacked(item)) for item in found]


def latest(conn: Connection, site: str, section: str, *, article: int, limit: int) -> Sequence[int]:
    """The newest live articles, those of the section first: the labelled fallback for cards."""
    own = "SELECT number, published_at, {rank} AS rank FROM article WHERE site = :site AND linkable"
    live = "AND live_revision IS NOT NULL AND number <> :article"
    found = rows(
        conn,
        f"""SELECT number FROM (
            ({own.format(rank=0)} {live} AND section = :section ORDER BY published_at DESC LIMIT :limit)
            UNION ALL
            ({own.format(rank=1)} {live} AND section <> :section ORDER BY published_at DESC LIMIT :limit)
        ) AS newest ORDER BY rank, published_at DESC LIMIT :limit""",
        site=site, section=section, article=article, limit=limit,
    )  # fmt: skip
    return [item["number"] for item in found]


def numbers(conn: Connection, site: str, articles: Iterable[str]) -> Mapping[str, int]:
    """Article ids to numbers, of one site; unknown ids are left out."""
    ids = list(articles)
    if not ids:
        return {}
    found = rows(
        conn, "SELECT id, number FROM article WHERE site = :site AND id = ANY(:ids)", site=site, ids=ids
    )
    return {item["id"]: item["number"] for item in found}


def of(conn: Connection, src: int) -> Sequence[StoredLink]:
    """The links of an article, see-also first, in order."""
    found = rows(
        conn,
        """SELECT dst, slot, position, score, reason FROM link WHERE src = :src
        ORDER BY slot DESC, position""",
        src=src,
    )
    return [StoredLink(**item) for item in found]


def replace(conn: Connection, site: str, src: int, links: Sequence[StoredLink]) -> bool:
    """Stores the links of an article; returns whether they changed. Two writers of one article take turns."""
    run(conn, "SELECT pg_advisory_xact_lock(:space, :src)", space=_SPACE, src=src % 2**31)
    before = [(item.slot, item.position, item.dst, item.reason) for item in of(conn, src)]
    after = sorted(
        ((item.slot, item.position, item.dst, item.reason) for item in links),
        key=lambda item: (item[0] != "see_also", item[1]),
    )
    if before == after:
        return False
    run(conn, "DELETE FROM link WHERE src = :src", src=src)
    run(
        conn,
        """INSERT INTO link (src, site, slot, position, dst, score, reason)
        SELECT :src, :site, slot, position, dst, score, reason FROM unnest(CAST(:slots AS text[]),
            CAST(:positions AS smallint[]), CAST(:dsts AS bigint[]), CAST(:scores AS real[]),
            CAST(:reasons AS text[])) AS l(slot, position, dst, score, reason)""",
        src=src, site=site, slots=[item.slot for item in links], positions=[item.position for item in links],
        dsts=[item.dst for item in links], scores=[item.score for item in links],
        reasons=[item.reason for item in links],
    )  # fmt: skip
    return True


def without_cards(conn: Connection, site: str, *, cards: int, limit: int) -> Sequence[int]:
    """The newest live articles of a site that show fewer than ``cards`` related cards."""
    found = rows(
        conn,
        """SELECT number FROM (SELECT number FROM article WHERE site = :site AND linkable
            AND live_revision IS NOT NULL ORDER BY published_at DESC LIMIT :limit) AS newest
        WHERE :cards > (SELECT count(*) FROM link WHERE src = number AND slot = 'related_news')""",
        site=site, cards=cards, limit=limit,
    )  # fmt: skip
    return [item["number"] for item in found]


def newest_signed(
    conn: Connection, site: str, language: str, *, before: int | None, limit: int
) -> Sequence[tuple[int, str]]:
    """(number, id) of the newest live articles with a signature in a language, below number ``before``."""
    found = rows(
        conn,
        """SELECT a.number, a.id FROM signature s JOIN article a ON a.number = s.article
        WHERE s.site = :site AND s.language = :language AND a.live_revision IS NOT NULL
            AND (CAST(:before AS bigint) IS NULL OR a.number < :before)
        ORDER BY a.number DESC LIMIT :limit""",
        site=site, language=language, before=before, limit=limit,
    )  # fmt: skip
    return [(item["number"], item["id"]) for item in found]
