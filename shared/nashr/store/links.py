"""Related stories in PostgreSQL: signatures, wording, postings, links. What is similar is nashr_related's.

A corpus is the articles of one site in one language. Its frequencies are of live articles; a rebuild makes a
new one beside it, which articles move to one by one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, compress, pairwise
from typing import Any, Final, Literal

from sqlalchemy import Connection

from nashr.steps import Priority
from nashr.store import queue
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

_SPACE: Final = 0x6C696E6B  # "link": the advisory locks of articles whose links are being replaced


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


Reason = Literal["pinned", "similar", "latest"]

_REASONS: Final[tuple[Reason, ...]] = ("pinned", "similar", "latest")
"""A link stands in a row of 16 bytes: its reason as its number here, slot and position as one place."""

_PINNED: Final = _REASONS.index("pinned")

CARDS_FROM: Final = 100
"""Places below are see-also links in order, the others cards: by place is the order of a page."""


@dataclass(frozen=True)
class StoredLink:
    """One related link of a source article."""

    dst: int
    slot: str  # see_also | related_news
    position: int
    similarity: float
    reason: Reason


@dataclass(frozen=True)
class ShownLink(StoredLink):
    """One that stands on the page, with what its score has faded by."""

    published_at: datetime
    section: str


def _place(link: StoredLink) -> int:
    return link.position + (CARDS_FROM if link.slot == "related_news" else 0)


def _named(found: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a link, as its fields."""
    fields = dict(found)
    cards, position = divmod(fields.pop("place"), CARDS_FROM)
    slot = "related_news" if cards else "see_also"
    return {**fields, "slot": slot, "position": position, "reason": _REASONS[fields["reason"]]}


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


def corpora(conn: Connection, site: str) -> Mapping[int, str]:
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
    languages = corpora(conn, site)
    newest = {language: number for number, language in languages.items()}
    gone = [number for number, language in languages.items() if newest[language] != number]
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


def forget(conn: Connection, article: int) -> None:
    """A removed article is found by nothing any more, and links to nothing.

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
    run(conn, "DELETE FROM link WHERE src = :article OR dst = :article", article=article)


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


_LOOKED_AT: Final = 200  # of the newest articles, for some of one language: a bound where it is rare


def latest(
    conn: Connection, site: str, section: str, *, language: str, article: int, limit: int
) -> Sequence[int]:
    """The newest live articles of the section, then those of the site: the labelled fallback for cards.

    Their language is that of the text that readers see: an article's own row has that of its latest draft.
    """
    newest = """(SELECT number, published_at, {rank} AS rank FROM article
        WHERE site = :site AND live_revision IS NOT NULL AND linkable {where}
        ORDER BY published_at DESC LIMIT :most)"""
    found = rows(
        conn,
        f"""SELECT number FROM (
            {newest.format(rank=0, where="AND section = :section")}
            UNION ALL {newest.format(rank=1, where="")}
        ) AS newest JOIN signature s ON s.article = number JOIN corpus c ON c.id = s.corpus
        WHERE number <> :article AND c.language = :language
        GROUP BY number, published_at ORDER BY min(rank), published_at DESC, number LIMIT :limit""",
        site=site, section=section, language=language, article=article, limit=limit, most=_LOOKED_AT,
    )  # fmt: skip
    return [item["number"] for item in found]


def numbers(conn: Connection, site: str, articles: Iterable[str]) -> Mapping[str, tuple[int, bool]]:
    """Article ids to numbers, and whether readers can see them, of one site; unknown ids are left out."""
    ids = list(articles)
    if not ids:
        return {}
    found = rows(
        conn,
        """SELECT id, number, live_revision IS NOT NULL AS live FROM article
        WHERE site = :site AND id = ANY(:ids)""",
        site=site, ids=ids,
    )  # fmt: skip
    return {item["id"]: (item["number"], item["live"]) for item in found}


def of(conn: Connection, src: int) -> Sequence[StoredLink]:
    """The links of an article, see-also first, in order."""
    found = rows(
        conn,
        "SELECT dst, place, similarity, reason FROM link WHERE src = :src ORDER BY place",
        src=src,
    )
    return [StoredLink(**_named(item)) for item in found]


_STANDING: Final = f"""link l JOIN article d ON d.number = l.dst AND d.live_revision IS NOT NULL
    AND d.path IS NOT NULL AND (d.linkable OR l.reason = {_PINNED})"""
"""Links to what readers can see and may be sent to: only a pin overrules ``distribution.related``."""


def standing(conn: Connection, src: int) -> Sequence[StoredLink]:
    """Those links of an article that may be shown at this moment, see-also first, in order."""
    found = rows(
        conn,
        f"""SELECT l.dst, l.place, l.similarity, l.reason FROM {_STANDING}
        WHERE l.src = :src ORDER BY l.place""",
        src=src,
    )
    return [StoredLink(**_named(item)) for item in found]


def shown(conn: Connection, articles: Iterable[int]) -> Mapping[int, tuple[int, Sequence[ShownLink]]]:
    """For each article how many links its page has room for, and those that it shows."""
    found = rows(
        conn,
        f"""SELECT s.article, s.places, l.*
        FROM signature s LEFT JOIN LATERAL (
            SELECT l.dst, l.place, l.similarity, l.reason, d.published_at, d.section
            FROM {_STANDING} WHERE l.src = s.article
        ) AS l ON true
        WHERE s.article = ANY(:articles) ORDER BY s.article, l.place""",
        articles=list(articles),
    )
    shown: dict[int, tuple[int, list[ShownLink]]] = {}
    for item in found:
        _, links = shown.setdefault(item["article"], (item["places"], []))
        if item["dst"] is not None and len(links) < item["places"]:
            named = _named(item)
            links.append(ShownLink(**{name: named[name] for name in ShownLink.__dataclass_fields__}))
    return shown


def linking(conn: Connection, dsts: Iterable[int], *, each: int) -> Sequence[int]:
    """The newest live articles that link to those without a pin, at most ``each`` to one of them."""
    return _sources(conn, dsts, f"<> {_PINNED}", each=each)


def _sources(conn: Connection, dsts: Iterable[int], reason: str, *, each: int) -> Sequence[int]:
    found = rows(
        conn,
        f"""SELECT DISTINCT l.src FROM unnest(CAST(:dsts AS bigint[])) AS d(dst) CROSS JOIN LATERAL (
            SELECT link.src FROM link JOIN article a ON a.number = link.src
            WHERE link.dst = d.dst AND link.reason {reason} AND a.live_revision IS NOT NULL
            ORDER BY link.src DESC LIMIT :each) AS l""",
        dsts=list(dsts), each=each,
    )  # fmt: skip
    return [item["src"] for item in found]


def pinning(conn: Connection, dsts: Iterable[int], *, each: int) -> Sequence[int]:
    """The newest live articles that pin those, at most ``each`` of one of them."""
    return _sources(conn, dsts, f"= {_PINNED}", each=each)


@dataclass(frozen=True)
class Linking:
    """A link that leads to an article without a pin, from a live one; of one language with it or not."""

    src: int
    similarity: float
    reason: Reason
    foreign: bool


def leading_to(conn: Connection, dst: int) -> Sequence[Linking]:
    """The links to an article that nobody pinned, those of the newest articles first."""
    found = rows(
        conn,
        f"""SELECT l.src, l.similarity, l.reason, c.language <> own.language AS "foreign"
        FROM link l JOIN article a ON a.number = l.src
            JOIN signature s ON s.article = l.src JOIN corpus c ON c.id = s.corpus
            JOIN signature mine ON mine.article = l.dst JOIN corpus own ON own.id = mine.corpus
        WHERE l.dst = :dst AND l.reason <> {_PINNED} AND a.live_revision IS NOT NULL
        ORDER BY l.src DESC""",
        dst=dst,
    )
    return [Linking(**{**item, "reason": _REASONS[item["reason"]]}) for item in found]


def targets(conn: Connection, src: int) -> Mapping[int, Mapping[str, Any]]:
    """The articles that an article's standing links lead to, by number, as readers see them."""
    found = rows(
        conn,
        f"""SELECT DISTINCT d.number, d.id, d.path, r.doc->>'headline' AS headline,
            r.doc->>'section' AS section, d.published_at
        FROM {_STANDING} JOIN revision r ON r.article = d.id AND r.number = d.live_revision
        WHERE l.src = :src""",
        src=src,
    )
    return {item["number"]: item for item in found}


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
    named = words(conn, own.corpus, {term for terms in shared.values() for term in terms})
    return {other: [named[term] for term in terms if term in named] for other, terms in shared.items()}


def replace(conn: Connection, src: int, links: Sequence[StoredLink]) -> bool:
    """Stores the links of an article; returns whether its page changes. Two writers of one take turns.

    A likeness that changed is stored too, though no page shows it: newcomers are weighed by it. Those that
    stay as they are stay where they are: each row that is written anew leaves a dead one behind.
    """
    run(conn, "SELECT pg_advisory_xact_lock(:space, :src)", space=_SPACE, src=src % 2**31)
    before = {(_place(item), item.dst, item.reason): item.similarity for item in of(conn, src)}
    after = {(_place(item), item.dst, item.reason): item.similarity for item in links}
    same = before.keys() == after.keys()
    if same and all(abs(before[link] - after[link]) < _ALIKE for link in before):
        return False
    values = {
        "src": src, "dsts": [item.dst for item in links], "places": [_place(item) for item in links],
        "similarities": [item.similarity for item in links],
        "reasons": [_REASONS.index(item.reason) for item in links],
    }  # fmt: skip
    run(
        conn,
        f"""DELETE FROM link WHERE src = :src AND (dst, similarity, place, reason) NOT IN (
            SELECT dst, similarity, place, reason FROM {_GIVEN})""",
        **values,
    )
    run(
        conn,
        f"""INSERT INTO link (src, dst, similarity, place, reason)
        SELECT :src, * FROM (SELECT * FROM {_GIVEN}
            EXCEPT SELECT dst, similarity, place, reason FROM link WHERE src = :src) AS new
        ORDER BY place""",
        **values,
    )
    return not same


_ALIKE: Final = 0.005  # what stored weights lose by their half precision is no difference

_GIVEN: Final = """unnest(CAST(:dsts AS integer[]), CAST(:similarities AS real[]),
    CAST(:places AS smallint[]), CAST(:reasons AS smallint[])) AS given(dst, similarity, place, reason)"""


def without_cards(conn: Connection, site: str, *, cards: int, limit: int) -> Sequence[int]:
    """Of the newest live articles of a site those that show fewer than ``cards`` related cards."""
    found = rows(
        conn,
        f"""SELECT number FROM (SELECT number FROM article WHERE site = :site AND kind <> 'page'
            AND live_revision IS NOT NULL ORDER BY published_at DESC LIMIT :limit) AS newest
        WHERE :cards > (SELECT count(*) FROM {_STANDING}
            WHERE l.src = newest.number AND l.place >= {CARDS_FROM})""",
        site=site, cards=cards, limit=limit,
    )  # fmt: skip
    return [item["number"] for item in found]


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
