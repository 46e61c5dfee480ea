"""What related links take on disk, for each article."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.figures import Table


def bytes_table(
    title: str, found: Mapping[str, Mapping[str, int]], *, articles: int, notes: Sequence[str] = ()
) -> Table:
    """Every table and index by its bytes for each article, the largest first; a column for each weighing."""
    first, *_ = found.values()
    names = sorted(first, key=lambda name: -first[name])
    lines = [(name, *(f"{each[name] / articles:.0f}" for each in found.values())) for name in names]
    total = [f"**{sum(each.values()) / articles:.0f}**" for each in found.values()]
    return Table(
        f"Bytes for each article: {title}",
        ("table or index", *found),
        [*lines, ("**together**", *total)],
        notes,
    )
