"""Social cards as steps: keyed by all that a card shows, so that an unchanged one costs nothing.

An order says what to draw and under which key. Those of an article begin with its id, the one of a site
(which stands in where an article's is missing) with ``site:``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from nashr.domain.article import Content, Picture
from nashr.domain.cards import FORMATS, ON_REQUEST, PUBLISHED, Format, State
from nashr.domain.cardwords import alt, card_words, is_breaking, site_alt
from nashr.domain.site import Site
from nashr.domain.theme import CARD_KEYS
from nashr.store import assets, queue
from nashr.store.assets import Asset
from nashr.store.database import row, rows, run, scalar
from nashr.store.ids import fingerprint

DESIGN: Final = "4"  # raise it when the drawing changes: every next publication and delivery draws anew

DEAD_SECONDS: Final = 600.0
"""A card that died less long ago is not asked for again: whatever broke it gets time to be mended."""


@dataclass(frozen=True)
class Words:
    """What a card says. ``date`` is a day, ``YYYY-MM-DD``, or empty; ``locale`` is what writes it."""

    headline: str
    label: str
    language: str
    locale: str
    state: State
    date: str = ""


@dataclass(frozen=True)
class Order:
    """Cards to be drawn: for what, with which words and photo, in which formats; ``alt`` describes them.

    ``look``: the site's name, logo and theme as the key has them, whatever is applied before it is drawn.
    """

    site: str
    key: str
    article: str | None
    words: Words
    photo: Asset | None
    formats: tuple[Format, ...]
    alt: str
    look: Mapping[str, Any]

    def data(self) -> dict[str, Any]:
        """The step's input."""
        return {
            "article": self.article,
            "asset": self.photo.id if self.photo else None,
            "doc": asdict(self.words),
            "formats": list(self.formats),
            "alt": self.alt,
            "look": dict(self.look),
        }


def photo_of(doc: Content) -> str | None:
    """The asset that a card shows: the social image, else the hero."""
    use = _use(doc)
    return use.asset if use else None


def _use(doc: Content) -> Picture | None:
    return doc.social_image or doc.hero


def showable(photo: Asset | None) -> Asset | None:
    """The photo, unless it was withdrawn, is broken or erased: that one is as good as none."""
    if photo is None or photo.withdrawn_at is not None or photo.state in assets.UNUSABLE:
        return None
    return photo


def headline_of(doc: Content) -> str:
    return doc.titles.get("social") or doc.headline


def order(
    conn: Connection,
    site: Site,
    article: str,
    doc: Content,
    *,
    photos: Mapping[str, Asset] | None = None,
    at: datetime | None = None,
) -> Order:
    """The cards that this content has now, or will have ``at`` a later time: publications carry these.

    ``photos``: the assets that it may show, by id; None reads them.
    """
    if photos is None:
        name = photo_of(doc)
        photos = assets.many(conn, site.id, [name] if name else [])
    photo = showable(photos.get(photo_of(doc) or ""))
    words = _words(site, doc, _facts(conn, article, doc, at))
    use = _use(doc)
    seen = use.alt if use and photo and not use.decorative else None
    return Order(
        site.id, f"{article}:{_fingerprint(site, words, photo)}", article, words, photo, PUBLISHED,
        alt(words.headline, photo=seen, language=doc.language), _look(site),
    )  # fmt: skip


def on_request(published: Order, form: Format) -> Order:
    """The same story in one format; what publications carry anyway stays one order."""
    if form not in ON_REQUEST:
        return published
    return replace(published, key=f"{published.key}:{form}", formats=(form,))


def site_order(site: Site) -> Order:
    """The cards that stand for a site where an article's own are missing; its name is the headline."""
    words = Words(site.name, "", site.locale, site.locale, "plain")
    key = f"site:{site.id}:{_fingerprint(site, words, None)}"
    described = site_alt(site.name, language=site.locale)
    return Order(site.id, key, None, words, None, PUBLISHED, described, _look(site))


def _look(site: Site) -> Mapping[str, Any]:
    theme = {name: value for name, value in site.theme.items() if name in CARD_KEYS}
    return {"name": site.name, "logo": site.logo, "theme": theme}


def _facts(conn: Connection, article: str, doc: Content, at: datetime | None) -> Mapping[str, Any]:
    """What of a card is not in the text: the day, the newest correction, whether the kicker has run out."""
    found = row(
        conn,
        """SELECT COALESCE(a.dated_at, a.published_at) AS dated_at,
            (SELECT kind FROM correction c WHERE c.article = a.id ORDER BY id DESC LIMIT 1) AS correction,
            COALESCE(CAST(:until AS timestamptz)
                <= GREATEST(CAST(:at AS timestamptz), clock_timestamp()), false) AS kicker_over
        FROM article a WHERE a.id = :article""",
        article=article, until=doc.kicker_until, at=at,
    )  # fmt: skip
    return found or {"dated_at": None, "correction": None, "kicker_over": False}


def _words(site: Site, doc: Content, facts: Mapping[str, Any]) -> Words:
    state, label = _state(site, doc, facts)
    at = doc.published_at or facts["dated_at"]  # as the page says it
    own = doc.language.split("-")[0].lower() == site.language
    return Words(
        headline=headline_of(doc),
        label=label,
        language=doc.language,
        locale=site.date_locale if own else doc.language,
        state=state,
        date=f"{at.astimezone(ZoneInfo(site.time_zone)):%Y-%m-%d}" if at else "",
    )


def _state(site: Site, doc: Content, facts: Mapping[str, Any]) -> tuple[State, str]:
    """The state and the label: a correction goes before the kicker, the kicker before the section."""
    corrected = card_words(doc.language)
    if facts["correction"] == "correction":
        return "correction", corrected.correction
    if facts["correction"] == "retraction":
        return "correction", corrected.retraction
    if doc.kicker and not facts["kicker_over"]:
        return "breaking" if is_breaking(doc.kicker) else "plain", doc.kicker
    section = site.section(doc.section)
    return "plain", "" if doc.kind == "page" else section.label if section else doc.section


def _fingerprint(site: Site, words: Words, photo: Asset | None) -> str:
    """All that the pixels come from."""
    point = f"{photo.sha256}@{photo.focal_x},{photo.focal_y}" if photo else ""
    said, look = (json.dumps(each, sort_keys=True) for each in (asdict(words), _look(site)))
    return fingerprint(DESIGN, said, look, point)


def want(conn: Connection, ordered: Order, *, priority: int) -> int:
    """Inserts the step unless it exists; one whose photo is not ready waits for it. Returns its id."""
    return ask(conn, ordered, priority=priority)[0]


def ask(conn: Connection, ordered: Order, *, priority: int) -> tuple[int, bool]:
    """As ``want``; says also whether the cards are drawn already."""
    step, done = queue.add(
        conn, "cards", ordered.key, site=ordered.site, data=ordered.data(), priority=priority
    )
    photo = ordered.photo
    if photo and photo.state in {"processing", "archived"} and not done:
        run(
            conn,
            """UPDATE step SET available_at = clock_timestamp() + interval '30 seconds'
            WHERE id = :step AND state = 'ready' AND attempts = 0
            AND EXISTS (SELECT 1 FROM step WHERE kind = 'images' AND input->>'asset' = :asset
                AND state IN ('ready', 'leased'))""",
            step=step, asset=photo.id,
        )  # fmt: skip
    return step, done


def photo_ready(conn: Connection, asset: str) -> None:
    """The renditions of a photo exist: the cards that wait for it are due now."""
    run(
        conn,
        """UPDATE step SET available_at = clock_timestamp(), dispatched_at = NULL
        WHERE kind = 'cards' AND input->>'asset' = :asset AND state = 'ready'""",
        asset=asset,
    )


def drawn(conn: Connection, ordered: Order) -> Sequence[Mapping[str, Any]]:
    """The cards of this order that are there, with the alt that holds now; none while it has not ended."""
    found = row(
        conn,
        "SELECT result FROM step WHERE kind = 'cards' AND key = :key AND state = 'done'",
        key=ordered.key,
    )
    return _described(ordered, found["result"] if found else None)


def every_drawn(conn: Connection, ordered: Order) -> Sequence[Mapping[str, Any]]:
    """The published cards of a story and those drawn on request, in the order of the formats."""
    found = rows(
        conn, "SELECT result FROM step WHERE kind = 'cards' AND key = ANY(:keys) AND state = 'done'",
        keys=[ordered.key, *(on_request(ordered, form).key for form in ON_REQUEST)],
    )  # fmt: skip
    there = [card for item in found for card in _described(ordered, item["result"])]
    return sorted(there, key=lambda card: FORMATS.index(card["format"]))


def _described(ordered: Order, result: Mapping[str, Any] | None) -> Sequence[Mapping[str, Any]]:
    return [{**card, "alt": ordered.alt} for card in (result or {}).get("cards", ())]


def shown_before(conn: Connection, ordered: Order, page: int) -> Sequence[Mapping[str, Any]]:
    """Cards that a page names and that say the same in another design: shown until the new ones are there."""
    found = row(
        conn,
        """SELECT step.result FROM asset_use JOIN object ON object.key = asset_use.key
            JOIN step ON step.kind = 'cards' AND step.key = object.source
        WHERE asset_use.page = :page AND object.state = 'stored' AND step.state = 'done'
            AND step.input->>'article' = :article AND step.input->'doc' = CAST(:doc AS jsonb)
            AND step.input->>'asset' IS NOT DISTINCT FROM CAST(:asset AS text)
        ORDER BY step.id DESC LIMIT 1""",
        page=page, article=ordered.article, doc=json.dumps(asdict(ordered.words)),
        asset=ordered.photo.id if ordered.photo else None,
    )  # fmt: skip
    return _described(ordered, found["result"] if found else None)


@dataclass(frozen=True)
class Standing:
    """How far the step of an order is, as a page sees it.

    ``until``: when the page stops waiting for it, None when it does not wait. ``rests``: it died just now.
    """

    state: str
    until: datetime | None
    rests: bool
    error: str | None = None


def standing(conn: Connection, ordered: Order, page: int = 0) -> Standing:
    """``absent`` for a step that nobody has asked for, or whose cards are gone."""
    found = row(
        conn,
        """SELECT step.state, need.until, step.error, step.state = 'dead' AND step.finished_at
                > clock_timestamp() - make_interval(secs => :rest) AS rests
        FROM step LEFT JOIN need ON need.step = step.id AND need.page = :page
        WHERE kind = 'cards' AND key = :key""",
        key=ordered.key, page=page, rest=DEAD_SECONDS,
    )  # fmt: skip
    if found is None or found["state"] == "void":
        return Standing("absent", None, rests=False)
    return Standing(found["state"], found["until"], bool(found["rests"]), found["error"])


def redo(conn: Connection, ordered: Order) -> None:
    """The file of a finished card is not there: it counts as not drawn."""
    run(
        conn, "UPDATE step SET state = 'void' WHERE kind = 'cards' AND key = :key AND state = 'done'",
        key=ordered.key,
    )  # fmt: skip


def now(conn: Connection) -> datetime:
    found: datetime = scalar(conn, "SELECT clock_timestamp()")
    return found
