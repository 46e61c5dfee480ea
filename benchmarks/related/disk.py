"""What related links take on disk: real articles, stored one by one, with the links of their pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from nashr.store.database import statement

from benchmarks.figures import Report, Verdict
from benchmarks.related import archive, subject
from benchmarks.related.archive import Archive
from benchmarks.related.sizes import bytes_table

MOST: Final = 6.0
"""Kilobytes for each article, as its tables stand."""


def measure(loaded: Archive, *, arrivals: int) -> Iterator[Report]:
    """The archive's articles have their links drawn; the corpus' next ones go through every step."""
    loaded.room.draw_all(list(loaded.numbers))
    first = len(loaded.numbers)
    drafts = archive.drafts(loaded.corpus.texts[first : first + arrivals])
    for at in range(0, arrivals, subject.TAKEN_IN):
        _publish(loaded.room, drafts[at : at + subject.TAKEN_IN])
    yield _report(loaded.room, older=first, arrivals=arrivals)


def _publish(room: subject.Newsroom, drafts: Sequence[subject.Draft]) -> None:
    """As many as one run of backlinks takes in."""
    for article, number in room.admit(drafts).items():
        room.take_step(article, number)
    room.fan_out(*(draft.id for draft in drafts))


def _report(room: subject.Newsroom, *, older: int, arrivals: int) -> Report:
    with statement(room.engine) as conn:
        standing = subject.bytes_of(conn)
        subject.vacuum(conn)
        vacuumed = subject.bytes_of(conn)
    articles = older + arrivals
    note = (
        f"The last {arrivals} went through every step, and older articles got their links. As they stand: "
        "with dead rows, as far as the server has not vacuumed by itself."
    )
    table = bytes_table(
        f"{articles} real articles, stored one by one, with their links",
        {"as they stand": standing, "after a VACUUM": vacuumed},
        articles=articles,
        notes=(note,),
    )
    kilobytes = sum(standing.values()) / articles / 1000
    return Report((table,), (Verdict("disk for each article", kilobytes, MOST, "kB"),))
