"""Shelves: an author's or a topic's live articles, in the order in which they came to it.

Each coming takes the shelf's next place for good, so numbered pages are filled once and then rest, and
what a publication costs does not depend on how long a shelf is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection

from nashr.domain.article import Content
from nashr.domain.site import Site
from nashr.domain.topics import topics
from nashr.pages import PageKind, PageSpec, Place, place_number, shelf_page
from nashr.store.database import row, rows, run

Key: TypeAlias = tuple[str, str]
"""The kind of a shelf, author or topic, and its slug."""


@dataclass(frozen=True)
class Shelving:
    """What changes with an article's coming and going: places on shelves that have pages, and topics that
    got their page, or lost it, all their pages.

    ``fallen``: the slugs of topics that have no page any more.
    """

    places: tuple[Place, ...] = ()
    whole: tuple[PageSpec, ...] = ()
    fallen: tuple[str, ...] = ()


@dataclass(frozen=True)
class Named:
    """What of an article's names has a page now: authors, slug to name, and topics, by slug."""

    authors: Mapping[str, str] = field(default_factory=dict)
    topics: frozenset[str] = frozenset()


def belongs(doc: Content) -> Mapping[Key, str]:
    """The shelves of an article, each with what the article calls it. Topics are fronts made by machine."""
    if doc.kind == "page":
        return {}
    found = {(str(PageKind.author), who.author): who.name for who in doc.byline if who.author}
    if doc.listed("front"):
        found |= {(str(PageKind.topic), slug): word for slug, word in topics(doc.keywords).items()}
    return found


def record(
    conn: Connection, site: Site, article: str, doc: Content | None, published_at: datetime | None
) -> Shelving:
    """Puts an article whose content went live on its shelves, and takes it off others; ``doc`` None: off all.

    Locks the shelves that it comes to or leaves; the caller has no page locked yet.
    """
    wanted = belongs(doc) if doc else {}
    held = rows(conn, "SELECT kind, slug, place FROM shelved WHERE article = :article", article=article)
    before: dict[Key, int] = {(item["kind"], item["slug"]): item["place"] for item in held}
    if doc is not None and before:
        run(
            conn,
            """UPDATE shelved SET published_at = :at WHERE article = :article AND published_at <> :at""",
            article=article, at=published_at,
        )  # fmt: skip
    joined = {key: wanted[key] for key in sorted(wanted.keys() - before.keys())}
    left = {key: before[key] for key in sorted(before.keys() - wanted.keys())}
    if not joined and not left:
        return Shelving()
    _lock(conn, site, joined, left)
    fallen = _leave(conn, site, article, list(left))
    risen, places = _join(conn, site, article, joined, published_at)
    now = _standing(conn, site, [*joined, *left])
    whole = [spec for key in (*risen, *fallen) if key in now for spec in _whole(key, now[key]["placed"])]
    shown = {key: item for key, item in now.items() if item["shown_to_readers"]}
    return Shelving(
        places=tuple(
            _place(key, place, shown[key]) for key, place in {**left, **places}.items() if key in shown
        ),
        whole=tuple(whole),
        fallen=tuple(slug for _, slug in fallen),
    )


def _lock(conn: Connection, site: Site, joined: Mapping[Key, str], left: Mapping[Key, int]) -> None:
    """In the order of kind and slug; those that are not there yet are made."""
    run(
        conn,
        f"""INSERT INTO shelf (site, kind, slug, label)
        SELECT :site, kind, slug, label FROM {_KEYS_AND_LABELS} ORDER BY kind, slug COLLATE "C"
        ON CONFLICT DO NOTHING""",
        site=site.id, labels=list(joined.values()), **_arrays(joined),
    )  # fmt: skip
    rows(
        conn,
        f"""SELECT 1 AS one FROM shelf JOIN {_KEYS} USING (kind, slug) WHERE site = :site
        ORDER BY kind, slug COLLATE "C" FOR NO KEY UPDATE OF shelf""",
        site=site.id, **_arrays([*joined, *left]),
    )  # fmt: skip


_KEYS = "unnest(CAST(:kinds AS text[]), CAST(:slugs AS text[])) AS key(kind, slug)"
_KEYS_AND_LABELS = """unnest(CAST(:kinds AS text[]), CAST(:slugs AS text[]), CAST(:labels AS text[]))
    AS key(kind, slug, label)"""


def _arrays(keys: Iterable[Key]) -> dict[str, Any]:
    pairs = list(keys)
    return {"kinds": [kind for kind, _ in pairs], "slugs": [slug for _, slug in pairs]}


def _leave(conn: Connection, site: Site, article: str, left: Sequence[Key]) -> Sequence[Key]:
    """Returns the topics that fall below the threshold by it: from now on nobody links to them."""
    if not left:
        return ()
    run(
        conn,
        f"""DELETE FROM shelved USING {_KEYS}
        WHERE article = :article AND shelved.kind = key.kind AND shelved.slug = key.slug""",
        article=article, **_arrays(left),
    )  # fmt: skip
    run(
        conn,
        f"""UPDATE shelf SET articles = articles - 1 FROM {_KEYS}
        WHERE site = :site AND shelf.kind = key.kind AND shelf.slug = key.slug""",
        site=site.id, **_arrays(left),
    )  # fmt: skip
    found = rows(
        conn,
        f"""UPDATE shelf SET shown = false, changes = changes + 1 FROM {_KEYS}
        WHERE site = :site AND shelf.kind = key.kind AND shelf.slug = key.slug AND shelf.kind = 'topic'
            AND articles < :threshold AND (shown OR articles = :threshold - 1)
        RETURNING shelf.kind, shelf.slug""",
        site=site.id, threshold=site.topic_threshold, **_arrays(left),
    )  # fmt: skip
    return [(item["kind"], item["slug"]) for item in found]


def _join(
    conn: Connection, site: Site, article: str, joined: Mapping[Key, str], at: datetime | None
) -> tuple[Sequence[Key], Mapping[Key, int]]:
    """Returns the topics that reach the threshold by it, and the place on each shelf."""
    if not joined:
        return (), {}
    found = rows(
        conn,
        f"""WITH placed AS (
            UPDATE shelf SET placed = placed + 1, articles = articles + 1,
                label = CASE WHEN articles = 0 THEN key.label ELSE shelf.label END
            FROM {_KEYS_AND_LABELS}
            WHERE site = :site AND shelf.kind = key.kind AND shelf.slug = key.slug
            RETURNING shelf.kind, shelf.slug, placed, articles
        ), put AS (
            INSERT INTO shelved (article, kind, slug, site, place, published_at)
            SELECT :article, kind, slug, :site, placed, :at FROM placed
        ) SELECT kind, slug, placed, articles FROM placed""",
        site=site.id, article=article, at=at, labels=list(joined.values()), **_arrays(joined),
    )  # fmt: skip
    risen = [
        (item["kind"], item["slug"])
        for item in found
        if item["kind"] == PageKind.topic and item["articles"] == site.topic_threshold
    ]
    return risen, {(item["kind"], item["slug"]): item["placed"] for item in found}


_VISIBLE = """CASE shelf.kind WHEN 'topic' THEN shelf.articles >= :threshold ELSE EXISTS (
    SELECT 1 FROM author WHERE author.site = shelf.site AND author.slug = shelf.slug) END"""


def _standing(conn: Connection, site: Site, keys: Iterable[Key]) -> Mapping[Key, Mapping[str, Any]]:
    found = rows(
        conn,
        f"""SELECT shelf.kind, shelf.slug, placed, {_VISIBLE} AS shown_to_readers
        FROM shelf JOIN {_KEYS} USING (kind, slug) WHERE site = :site""",
        site=site.id, threshold=site.topic_threshold, **_arrays(keys),
    )  # fmt: skip
    return {(item["kind"], item["slug"]): item for item in found}


def _place(key: Key, place: int, shelf: Mapping[str, Any]) -> Place:
    return Place(PageKind(key[0]), key[1], place_number(place, shelf["placed"]))


def of_article(conn: Connection, site: Site, article: str) -> tuple[Place, ...]:
    """The places of a live article on shelves that have pages."""
    found = rows(
        conn,
        f"""SELECT shelved.kind, shelved.slug, place, placed FROM shelved JOIN shelf
            ON shelf.site = shelved.site AND shelf.kind = shelved.kind AND shelf.slug = shelved.slug
        WHERE article = :article AND {_VISIBLE}""",
        article=article, threshold=site.topic_threshold,
    )  # fmt: skip
    return tuple(_place((item["kind"], item["slug"]), item["place"], item) for item in found)


def whole(conn: Connection, site: str, kind: PageKind, slug: str) -> tuple[PageSpec, ...]:
    """Every page of an author or a topic."""
    found = row(
        conn, "SELECT placed FROM shelf WHERE site = :site AND kind = :kind AND slug = :slug",
        site=site, kind=str(kind), slug=slug,
    )  # fmt: skip
    return tuple(_whole((str(kind), slug), found["placed"] if found else 0))


def _whole(key: Key, placed: int) -> Iterable[PageSpec]:
    kind, slug = PageKind(key[0]), key[1]
    yield shelf_page(kind, slug)
    for number in range(1, (place_number(placed, placed) or 0) + 1):
        yield shelf_page(kind, slug, number)


def pages_on(conn: Connection, site: str, kind: PageKind, slugs: Sequence[str]) -> Sequence[int]:
    """The ids of the pages of every article on these shelves."""
    if not slugs:
        return ()
    found = rows(
        conn,
        """SELECT DISTINCT a.page FROM shelved s JOIN article a ON a.id = s.article
        WHERE s.site = :site AND s.kind = :kind AND s.slug = ANY(:slugs) AND a.page IS NOT NULL""",
        site=site, kind=str(kind), slugs=list(slugs),
    )  # fmt: skip
    return [item["page"] for item in found]


def named(conn: Connection, site: Site, doc: Content) -> Named:
    """Which of the names in an article have a page that readers can open."""
    authors = sorted({who.author for who in doc.byline if who.author})
    words = sorted(topics(doc.keywords))
    if not authors and not words:
        return Named()
    found = rows(
        conn,
        """SELECT 'author' AS kind, slug, name FROM author WHERE site = :site AND slug = ANY(:authors)
            AND EXISTS (SELECT 1 FROM page WHERE page.site = author.site AND live > 0
                AND path = '/authors/' || author.slug || '/')
        UNION ALL SELECT kind, slug, NULL FROM shelf
        WHERE site = :site AND kind = 'topic' AND slug = ANY(:topics) AND shown""",
        site=site.id, authors=authors, topics=words,
    )  # fmt: skip
    return Named(
        authors={item["slug"]: item["name"] for item in found if item["kind"] == PageKind.author},
        topics=frozenset(item["slug"] for item in found if item["kind"] == PageKind.topic),
    )


def show(conn: Connection, site: Site, slug: str) -> bool:
    """A topic's page is there: articles may link to it. False where they do already, or may not yet."""
    return bool(
        run(
            conn,
            """UPDATE shelf SET shown = true, changes = changes + 1 WHERE site = :site AND kind = 'topic'
                AND slug = :slug AND NOT shown AND articles >= :threshold""",
            site=site.id, slug=slug, threshold=site.topic_threshold,
        )
    )  # fmt: skip


def change(conn: Connection, site: str, kind: PageKind, slug: str, label: str) -> None:
    """Says that what the articles on a shelf show of it is another from now on; the shelf may be empty."""
    run(
        conn,
        """INSERT INTO shelf (site, kind, slug, label, changes) VALUES (:site, :kind, :slug, :label, 1)
        ON CONFLICT (site, kind, slug) DO UPDATE SET changes = shelf.changes + 1""",
        site=site, kind=str(kind), slug=slug, label=label,
    )  # fmt: skip


def reconsider(conn: Connection, site: Site) -> tuple[Sequence[PageSpec], Sequence[str]]:
    """After another threshold: pages of topics that have to come or to go, and the slugs of the latter."""
    gone = rows(
        conn,
        """UPDATE shelf SET shown = false, changes = changes + 1
        WHERE site = :site AND kind = 'topic' AND shown AND articles < :threshold RETURNING slug, placed""",
        site=site.id, threshold=site.topic_threshold,
    )  # fmt: skip
    missing = rows(
        conn,
        """SELECT slug, placed FROM shelf
        WHERE site = :site AND kind = 'topic' AND NOT shown AND articles >= :threshold""",
        site=site.id, threshold=site.topic_threshold,
    )  # fmt: skip
    found = [
        spec
        for item in (*gone, *missing)
        for spec in _whole((str(PageKind.topic), item["slug"]), item["placed"])
    ]
    return found, [item["slug"] for item in gone]
