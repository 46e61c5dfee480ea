"""What related links cost in archives of ten thousand articles to a million, and what others' ways do."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, median
from typing import Final

from nashr.store.database import statement
from sqlalchemy import Engine

from benchmarks.figures import Report, Table, Verdict, percentile
from benchmarks.related import generated, matrix, peers, subject
from benchmarks.related.bulk import LANGUAGE, Bulk, section
from benchmarks.related.database import Cost, Meter
from benchmarks.related.generated import Batch
from benchmarks.related.sizes import bytes_table
from benchmarks.related.subject import Draft, Newsroom

SIZES: Final = (10_000, 100_000, 1_000_000)
PEERS_AT: Final = 100_000
WARMING: Final = 40
COLUMNS: Final = (
    "", "articles", "CPU mean", "of it in PostgreSQL", "CPU p95", "wall p50", "wall p95",
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """The costs in an archive of one size, sample by sample."""

    articles: int
    query: Sequence[Cost]
    insert: Sequence[Cost]
    step: Sequence[Cost]


def measure(
    url: str, engine: Engine, folder: Path, *, sizes: Sequence[int], samples: int, peers_at: int
) -> Iterator[Report]:
    """Fills an archive to each size in turn, and measures nashr's own functions there."""
    room = Newsroom(url, engine, "scale")
    bulk = Bulk(room, most=max(sizes) + generated.CHUNK)
    found = []
    for size in sizes:
        started = time.perf_counter()
        bulk.fill(size)
        loaded = time.perf_counter() - started
        print(f"{size} articles: written, indexed and vacuumed after {loaded:.0f} s more\n", flush=True)
        with statement(engine) as conn:
            sizes_now = subject.bytes_of(conn)
        others = generated.batch(size // generated.CHUNK, others=True)
        found.append(_measured(room, bulk, others, size, samples=samples))
        title = f"{size} generated articles, vacuumed"
        yield Report((bytes_table(title, {"bytes": sizes_now}, articles=size),))
        if size == peers_at:
            yield Report((_peers(engine, bulk, others, folder, found[-1], samples=samples // 5),))
    yield _report(found)


def _measured(room: Newsroom, bulk: Bulk, others: Batch, size: int, *, samples: int) -> Measured:
    wanted = WARMING + samples
    drafts = _drafts(bulk, others, size, count=2 * wanted)
    numbers = room.admit(drafts)
    meter = Meter(room.engine)
    queries, inserts = [], []
    for draft in drafts[:wanted]:
        signed, _ = room.signature(draft.id, numbers[draft.id])
        inserts.append(meter.measure(room.store, signed)[1])
        queries.append(meter.measure(room.near, signed)[1])
    steps = [meter.measure(room.take_step, draft.id, numbers[draft.id])[1] for draft in drafts[wanted:]]
    return Measured(size, queries[WARMING:], inserts[WARMING:], steps[WARMING:])


def _drafts(bulk: Bulk, others: Batch, size: int, *, count: int) -> list[Draft]:
    now = datetime.now(UTC)
    drafts = []
    for at in range(count):
        words = list(bulk.words(others, at))
        headline, body = words[: generated.HEADLINE], words[generated.HEADLINE :]
        name, text = f"new-{size}-{at}", " ".join(body)
        drafts.append(Draft(name, " ".join(headline), text, LANGUAGE, now, section(at)))
    return drafts


def _report(found: Sequence[Measured]) -> Report:
    lines = [
        _line(name, one.articles, getattr(one, kind))
        for kind, name in (
            ("query", "query: the candidates of an article"),
            ("insert", "insert: signature and postings"),
            ("step", "the whole step"),
        )
        for one in found
    ]
    note = (
        "The whole step: the text is read, analysed and signed, its candidates are ranked, links are drawn "
        "and stored. CPU is the client's and that of its PostgreSQL process."
    )
    title = f"nashr's own functions, {len(found[0].query)} samples each"
    table = Table(title, COLUMNS, lines, (note,))
    verdicts = []
    if (last := found[-1]).articles == SIZES[-1]:
        ratio = percentile(_wall(last.query), 95) / percentile(_wall(found[0].query), 95)
        verdicts = [
            Verdict("query at 1,000,000 articles, p95", percentile(_wall(last.query), 95), 50, "ms", aim=15),
            Verdict("beside 10,000 articles, p95", ratio, 5, "times", aim=4),
            Verdict(
                "whole step at 1,000,000 articles, p95", percentile(_wall(last.step), 95), None, "ms", aim=40
            ),
        ]
    return Report((table,), verdicts)


def _line(name: str, articles: int, costs: Sequence[Cost]) -> tuple[str, ...]:
    cpu = [one.cpu * 1000 for one in costs]
    wall = _wall(costs)
    return (
        name, f"{articles:,}", f"{mean(cpu):.2f} ms", f"{mean(one.server for one in costs) * 1000:.2f} ms",
        f"{percentile(cpu, 95):.2f} ms", f"{median(wall):.2f} ms", f"{percentile(wall, 95):.2f} ms",
    )  # fmt: skip


def _wall(costs: Sequence[Cost]) -> list[float]:
    return [one.wall * 1000 for one in costs]


def _peers(engine: Engine, bulk: Bulk, others: Batch, folder: Path, own: Measured, *, samples: int) -> Table:
    """The same archive and the same new articles, as words; nashr's line is that of its own measurement."""
    asked = _asked(bulk, others, own.articles, count=samples + peers.WARMING)
    index = folder / "tantivy"
    index.mkdir()
    found = [peers.measure_tantivy(_documents(bulk, own.articles), asked, folder=index)]
    found.append(peers.measure_full_text(_documents(bulk, own.articles), asked, engine=engine))
    lines = [_line("query: nashr", own.articles, own.query)]
    lines += [_line(f"query: {one.name}", own.articles, one.queries) for one in found]
    lines += [_line("insert: nashr", own.articles, own.insert)]
    lines += [_line(f"insert: {one.name}", own.articles, one.inserts) for one in found]
    stored = ", ".join(f"{one.name} {one.bytes:.0f}" for one in found)
    note = (
        f"tantivy: BM25 over an OR of the {peers.WORDS} best stems; an insert is one addition and its "
        f"commit. PostgreSQL full text: a tsvector of the stems, GIN, an OR of {peers.WORDS}, ts_rank by "
        f"length. {len(found[0].queries)} samples each. Bytes for each article: {stored}."
    )
    return Table("Beside other ways", COLUMNS, lines, (note,))


def _asked(bulk: Bulk, others: Batch, size: int, *, count: int) -> list[peers.Document]:
    counts = others.counts()
    factors = subject.factors(bulk.frequencies[: counts.width], documents=size)
    heaviest = matrix.weighted(counts, factors, headline_times=1).heaviest(peers.WORDS)
    return [
        peers.Document(
            10 * size + at,
            " ".join(bulk.words(others, at)),
            [generated.spelling(int(word)) for word in heaviest.of(at)[0]],
        )
        for at in range(count)
    ]


def _documents(bulk: Bulk, size: int) -> Iterator[peers.Document]:
    for chunk in range(size // generated.CHUNK):
        made = generated.batch(chunk)
        for at in range(made.articles):
            yield peers.Document(made.first + at, " ".join(bulk.words(made, at)), ())
