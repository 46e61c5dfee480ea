"""An archive written straight into the database of a stack at rest: what publishing would have left there.

Articles with text, pages, finished steps, publications, events, signatures, postings and links; no objects in
the bucket, which nothing reads. Knows these tables, as ``benchmarks.related.bulk`` does.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from nashr.domain.site import Site
from nashr.pages import ARCHIVE_LENGTH
from nashr.store import corpora, signatures
from nashr.store.database import connect, rows, run, scalar, statement
from nashr.store.ids import fingerprint
from nashr_related.analysis import SHINGLE_BITS, term_hash
from psycopg.types.json import Json
from sqlalchemy import Connection

from benchmarks.pages.texts import LANGUAGE, Text

_TERMS, _SHINGLES, _PLACES = 64, 240, 2
_AT_ONCE: Final = 5_000
_WHOLE: Final = 32_767
_PATIENCE: Final = 1800.0
_TABLES: Final = (
    "article, revision, page, step, publication, event, posting, signature, wording, term, link, audit"
)  # fmt: skip


class Archive:
    """Fills an empty site with ``size`` articles; the newest is as old as one pause between two."""

    def __init__(self, url: str, site: Site, *, size: int, per_day: int) -> None:
        self._url, self._site, self.size = url, site, size
        self._pause = timedelta(days=1) / per_day
        self._known: Counter[str] = Counter()
        self._now = datetime.now(UTC)

    def fill(self) -> None:
        """Writes all of it; ends with statistics fresh and the log written out."""
        with _patient(self._url) as conn:
            indexes = _dropped(conn)
            for first in range(0, self.size, _AT_ONCE):
                self._add(conn, [Text(n) for n in range(first, min(first + _AT_ONCE, self.size))])
            self._listings(conn)
            self._terms(conn)
            for index in indexes:
                run(conn, index)
            run(conn, f"VACUUM ANALYZE {_TABLES}")
            run(conn, "CHECKPOINT")

    def _at(self, text: Text) -> datetime:
        return self._now - self._pause * (self.size - text.number)

    def _add(self, conn: Connection, texts: Sequence[Text]) -> None:
        first = int(scalar(conn, "SELECT COALESCE(max(number), 0) + 1 FROM article"))
        numbers = range(first, first + len(texts))
        self._articles(conn, texts, numbers)
        self._signatures(conn, texts, numbers)
        self._links(conn, numbers)
        for sql in _WHAT_FOLLOWS:
            run(conn, sql, site=self._site.id, first=numbers[0], last=numbers[-1])
        run(conn, "SELECT setval(pg_get_serial_sequence('article', 'number'), :last)", last=numbers[-1])

    def _articles(self, conn: Connection, texts: Sequence[Text], numbers: Sequence[int]) -> None:
        columns = """id, number, site, short_id, slug, slug_frozen, section, kind, language, headline,
            latest_revision, live_revision, status, created_by, published_at, modified_at, dated_at, path"""
        with _copying(conn, f"article ({columns})") as copy:
            for text, number in zip(texts, numbers, strict=True):
                at = self._at(text)
                copy.write_row((
                    f"ar_{number:026}", number, self._site.id, f"{number:08}", text.slug, True, text.section,
                    "news", LANGUAGE, text.headline, 1, 1, "live", "bench", at, at, at,
                    f"/{text.section}/{text.slug}/",
                ))  # fmt: skip
        with _copying(conn, "revision (article, number, site, doc, actor)") as copy:
            for text, number in zip(texts, numbers, strict=True):
                copy.write_row((f"ar_{number:026}", 1, self._site.id, Json(dict(text.draft())), "bench"))

    def _signatures(self, conn: Connection, texts: Sequence[Text], numbers: Sequence[int]) -> None:
        corpus = corpora.corpus(conn, self._site.id, "ar")
        for text in texts:
            self._known.update(text.counts().keys())
        signed = [self._signed(text) for text in texts]
        columns = "article, corpus, counted, places, text_hash, terms, weights, title_terms"
        with _copying(conn, f"signature ({columns})") as copy:
            for text, number, weighed in zip(texts, numbers, signed, strict=True):
                packed = (
                    _packed("i", [term for term, _ in weighed]),
                    _packed("e", [weight for _, weight in weighed]),
                    _packed("i", [term_hash(word) for word in dict.fromkeys(text.paragraphs[0])]),
                )
                copy.write_row((number, corpus, 1, _PLACES, self._hash(text), *packed))
        with _copying(conn, "wording (article, shingles)") as copy:
            for text, number in zip(texts, numbers, strict=True):
                chance = Random(-text.number)
                shingles = sorted(chance.getrandbits(SHINGLE_BITS) for _ in range(_SHINGLES))
                copy.write_row((number, signatures.packed_steps(shingles)))
        with _copying(conn, "posting (corpus, term, article, weight)") as copy:
            for number, weighed in zip(numbers, signed, strict=True):
                for term, weight in weighed[: signatures.POSTED]:
                    copy.write_row((corpus, term, number, round(weight * _WHOLE)))

    def _signed(self, text: Text) -> Sequence[tuple[int, float]]:
        """Terms by tf-idf, heaviest first, one long in all."""
        heavy = {
            term_hash(word): count * math.log(1 + self.size / self._known[word])
            for word, count in text.counts().items()
        }
        best = sorted(heavy.items(), key=lambda item: -item[1])[:_TERMS]
        length = math.sqrt(sum(weight * weight for _, weight in best))
        return [(term, weight / length) for term, weight in best]

    def _hash(self, text: Text) -> bytes:
        """What the text is told by: it is not signed again when its links are drawn."""
        doc = text.content(self._site)
        return bytes.fromhex(fingerprint(doc.language, doc.headline, "", doc.text()))

    @staticmethod
    def _links(conn: Connection, numbers: Sequence[int]) -> None:
        """Two see-also links and four cards to neighbours: an archive whose pages are full."""
        with _copying(conn, "link (src, dst, similarity, place, reason)") as copy:
            for at, number in enumerate(numbers):
                near = [numbers[(at + step) % len(numbers)] for step in (1, 2, 3, 4, 5, 6)]
                for place, other in zip((0, 1, 100, 101, 102, 103), near, strict=True):
                    copy.write_row((number, other, 0.5, place, 1))

    def _listings(self, conn: Connection) -> None:
        """The pages of months: archives, fifty to a page, and sitemaps."""
        zone = self._site.time_zone
        run(conn, _ARCHIVES, site=self._site.id, zone=zone, length=ARCHIVE_LENGTH)
        run(conn, _MONTHS, site=self._site.id, zone=zone)

    def _terms(self, conn: Connection) -> None:
        corpus = corpora.corpus(conn, self._site.id, "ar")
        run(conn, "DELETE FROM term WHERE corpus = :corpus", corpus=corpus)
        by_term: dict[int, tuple[int, str]] = {}
        for word, count in self._known.items():
            by_term.setdefault(term_hash(word), (count, word))
        with _copying(conn, "term (corpus, term, articles, word)") as copy:
            for term, (count, word) in by_term.items():
                copy.write_row((corpus, term, count, word))
        run(conn, "UPDATE corpus SET articles = :n WHERE id = :corpus", n=self.size, corpus=corpus)


def _packed(code: str, values: Sequence[float]) -> bytes:
    """A list of a signature, as its table has it."""
    return struct.pack(f"<{len(values)}{code}", *values)


_OURS: Final = "FROM article WHERE site = :site AND number BETWEEN :first AND :last"
_LIVE: Final = "1, 1, 1, 1, 1, 'bench', published_at"
_PAGE: Final = "page (site, path, kind, subject, wanted, attempted, live, purged, stored, body_hash, live_at)"

_WHAT_FOLLOWS: Final = (
    f"INSERT INTO {_PAGE} SELECT site, path, 'article', id, {_LIVE} {_OURS}",
    f"INSERT INTO {_PAGE} SELECT site, '/a/' || short_id, 'short', id, {_LIVE} {_OURS}",
    """UPDATE article SET page = page.id FROM page WHERE page.site = article.site
        AND page.path = article.path AND article.site = :site AND article.number BETWEEN :first AND :last""",
    f"""INSERT INTO step (site, kind, key, input, state, available_at, finished_at)
        SELECT p.site, k.kind, p.id::text, jsonb_build_object('page', p.id, 'path', p.path), 'done',
            p.live_at, p.live_at
        FROM page p JOIN (SELECT id {_OURS}) a ON a.id = p.subject
            CROSS JOIN (VALUES ('deliver'), ('purge')) AS k(kind)""",
    f"""INSERT INTO step (site, kind, key, input, state, available_at, finished_at)
        SELECT site, k.kind, id || k.kind, jsonb_build_object('article', id, 'revision', 1), 'done',
            published_at, published_at
        FROM (SELECT * {_OURS}) a CROSS JOIN (VALUES ('related'), ('cards')) AS k(kind)""",
    f"""INSERT INTO publication (id, site, article, revision, kind, state, priority, change, notify, actor,
            page, page_version, receipt, requested_at, due_at, released_at, live_at)
        SELECT 'pb_' || substr(id, 4), site, id, 1, 'publish', 'live', 1, 'update', true, 'bench', page, 1,
            '{{}}', published_at, published_at, published_at, published_at {_OURS}""",
    f"""INSERT INTO event (site, type, article, publication, at)
        SELECT site, 'article.live', id, 'pb_' || substr(id, 4), published_at {_OURS}""",
    f"""INSERT INTO audit (site, actor, action, subject, at)
        SELECT site, 'bench', 'article.publish', id, published_at {_OURS}""",
)

_IN_MONTH: Final = "to_char(published_at AT TIME ZONE CAST(:zone AS text), 'YYYY-MM')"
_ARCHIVES: Final = f"""INSERT INTO {_PAGE}
    SELECT :site, '/' || section || '/archive/' || month || '/'
            || CASE n WHEN 1 THEN '' ELSE n || '/' END, 'archive',
        section || '/' || month || '/' || n, 1, 1, 1, 1, 1, 'bench', clock_timestamp()
    FROM (
        SELECT s.section, {_IN_MONTH} AS month, count(*) AS articles
        FROM article JOIN LATERAL (VALUES (article.section), ('akhbar')) AS s(section) ON true
        WHERE site = :site AND live_revision IS NOT NULL GROUP BY 1, 2
    ) AS each, generate_series(1, (articles + :length - 1) / :length) AS n
    ON CONFLICT DO NOTHING"""
_MONTHS: Final = f"""INSERT INTO {_PAGE}
    SELECT DISTINCT :site, '/sitemaps/articles-' || {_IN_MONTH} || '.xml', 'month_sitemap',
        {_IN_MONTH}, 1, 1, 1, 1, 1, 'bench', clock_timestamp()
    FROM article WHERE site = :site AND live_revision IS NOT NULL
    ON CONFLICT DO NOTHING"""


@contextmanager
def _patient(url: str) -> Iterator[Connection]:
    """A connection that may take its time, and checks no article of each row."""
    engine = connect(url, pool=1, application="nashr-bench", patience=_PATIENCE)
    try:
        with statement(engine) as conn:
            run(conn, "SET session_replication_role = replica")
            run(conn, "SET statement_timeout = 0")
            run(conn, "SET synchronous_commit = off")
            yield conn
    finally:
        engine.dispose()


def _dropped(conn: Connection) -> list[str]:
    """Drops the indexes of postings; the statements that build them again, which takes less."""
    found = rows(conn, "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'posting'")
    for item in found:
        run(conn, f"DROP INDEX {item['indexname']}")
    return [item["indexdef"] for item in found]


@contextmanager
def _copying(conn: Connection, target: str) -> Iterator[Any]:
    driver: Any = conn.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as copy:
        yield copy


def pages_at_rest(conn: Connection) -> bool:
    """Whether no step is due, runs or rests for a while: then every page shows what is wanted.

    Asked of the index that workers ask: a look must not cost more in a large archive.
    """
    return not scalar(
        conn,
        """SELECT count(*) FROM step WHERE state IN ('ready', 'leased')
            AND kind NOT IN ('sweep', 'release', 'expire')
            AND available_at < clock_timestamp() + interval '60 seconds'""",
    )
