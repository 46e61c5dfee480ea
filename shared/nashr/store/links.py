"""Related links in PostgreSQL: which article shows which, in what place and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection

from nashr.store import signatures
from nashr.store.database import rows, run

_SPACE: Final = 0x6C696E6B  # "link": the advisory locks of articles whose links are being replaced
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


def forget(conn: Connection, article: int) -> None:
    """A removed article is found by nothing any more, and links to nothing."""
    signatures.forget(conn, article)
    run(conn, "DELETE FROM link WHERE src = :article OR dst = :article", article=article)
