"""Where a publication's time goes, out of the times that its steps carry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from benchmarks.bench import Published, stamp
from benchmarks.figures import Table, milliseconds


def stages(title: str, published: Sequence[Published]) -> Table:
    """Medians in the order of time. Of several steps of a kind: the first start and the last finish.

    A step that ran again meanwhile shows its latest run; what was done before the request is left out.
    """
    found: dict[str, list[float]] = {}
    for one in published:
        for name, seconds in _times(one):
            found.setdefault(name, []).append(seconds)
    middles = sorted((median(values), name) for name, values in found.items())
    return Table(
        title,
        ("after the request was taken", "median"),
        [(name, milliseconds(seconds)) for seconds, name in middles],
    )


def _times(one: Published) -> Iterator[tuple[str, float]]:
    publication = one.publication
    start = stamp(publication["requested_at"])
    steps = [step for step in publication["steps"] if step["started_at"] and step["finished_at"]]
    for kind in {step["kind"] for step in steps}:
        began = min(stamp(step["started_at"]) for step in steps if step["kind"] == kind)
        ended = max(stamp(step["finished_at"]) for step in steps if step["kind"] == kind)
        if ended > start:
            yield f"`{kind}` started", began - start
            yield f"`{kind}` finished", ended - start
    yield "live: the store has acknowledged", stamp(publication["live_at"]) - start
    yield "receipt", stamp(publication["receipt"]["verified_at"]) - start
