"""What related links take on disk, for each article."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.figures import Table


def bytes_table(title: str, found: Mapping[str, int], *, articles: int) -> Table:
    """Every table and index by its bytes for each article, the largest first."""
    ordered = sorted(found.items(), key=lambda item: -item[1])
    lines = [(name, f"{size / articles:.0f}") for name, size in ordered]
    total = ("**together**", f"**{sum(found.values()) / articles:.0f}**")
    return Table(f"Bytes for each article: {title}", ("table or index", "bytes"), [*lines, total])
