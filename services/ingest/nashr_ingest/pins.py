"""Pins that do less than their editor may think: nothing is refused, but the editor hears of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from nashr.domain.article import Content, content
from nashr.domain.errors import Fault
from nashr.domain.seealso import CARDS, room
from nashr.domain.site import Site
from nashr.store import links
from nashr.store.articles import Revision
from sqlalchemy import Connection


def warnings(conn: Connection, site: Site, stored: Revision) -> tuple[Fault, ...]:
    """A warning for each pin of a revision that its page would not show now, and why."""
    doc = content(stored.doc, site)
    pins: Sequence[str] = doc.related.get("pin", ())
    there = links.numbers(conn, site.id, pins)
    live = {article for article, (_, live) in there.items() if live}
    return tuple(_warnings(doc, pins, banned=doc.related.get("ban", ()), live=live))


def _warnings(
    doc: Content, pins: Sequence[str], *, banned: Collection[str], live: Collection[str]
) -> Iterable[Fault]:
    asides = room([block["type"] for block in doc.body])
    shown: set[str] = set()
    for index, pin in enumerate(pins):
        detail = None
        if pin in banned:
            detail = f"{pin} is banned too, and a ban wins: leave it out of one of them"
        elif pin in pins[:index]:
            detail = f"{pin} is pinned above: it is shown once"
        elif pin not in live:
            detail = f"{pin} is not live: its link appears as soon as it is"
        elif len(shown) >= CARDS + asides:
            detail = f"the page has room for {CARDS} cards and {asides} links between its paragraphs"
        else:
            shown.add(pin)
        if detail is not None:
            yield Fault(f"/related/pin/{index}", "not_shown", detail)
