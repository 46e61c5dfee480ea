"""``python benchmarks/pages/cost.py [--quick] [--sizes 1000,...]``: one publication's cost as archives grow.

For each size a stack of its own, an archive written into its database, and text stories published one by one
until every page is at rest. CPU of all processes of nashr and its servers, less what they use when nothing
happens; objects put; pages rendered; rows that PostgreSQL read. Wall clock decides nothing.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from nashr.store.database import connect, rows, run, scalar, statement
from sqlalchemy import Engine

from benchmarks import logs, machine, processes
from benchmarks.bench import Bench
from benchmarks.figures import Table, Verdict, table
from benchmarks.pages.archive import Archive, pages_at_rest
from benchmarks.pages.texts import Text
from benchmarks.stack import SITE, Stack, until

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "COST.md"
SIZES: Final = (1_000, 10_000, 100_000)
STORIES, QUICK = 15, 3
WARM_UP: Final = 4
"""With those measured a thousand stays below 1,024, where an archive's signatures are made anew."""
PER_DAY: Final = 30
"""The same newsroom in each case: its month is as large whatever stands in the archive."""
IDLE_SECONDS: Final = 20.0
FLAT: Final = 1.2

_COUNTING: Final = (
    "CREATE TABLE bench_put (kind text NOT NULL)",
    """CREATE FUNCTION bench_put() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO bench_put VALUES (NEW.kind); RETURN NULL; END'""",
    """CREATE TRIGGER bench_put AFTER UPDATE OF stored ON page
        FOR EACH ROW WHEN (NEW.stored > OLD.stored) EXECUTE FUNCTION bench_put()""",
)


@dataclass(frozen=True)
class Cost:
    """What one publication took in an archive of ``articles``: means over ``stories``."""

    articles: int
    stories: int
    cpu: Mapping[str, float]
    puts: Mapping[str, float]
    files: float
    rendered: float
    rows_read: Mapping[str, float]

    @property
    def seconds(self) -> float:
        return sum(self.cpu.values())


def measure(folder: Path, size: int, *, stories: int, per_day: int) -> Cost:
    """One size, in a stack that is started for it and stopped afterwards."""
    with Stack(folder) as stack, _engine(stack) as engine:
        started = time.perf_counter()
        site = stack.described_site()
        Archive(stack.settings.database_url, site, size=size, per_day=per_day).fill()
        print(f"{size} articles written in {time.perf_counter() - started:.0f} s", flush=True)
        with statement(engine) as conn:
            for sql in _COUNTING:
                run(conn, sql)
        bench = Bench(stack, quick=False, poll=0.1)
        for at in range(WARM_UP):
            _publish(bench, engine, Text(size + at))
        idle = _idle(stack)
        return _measured(bench, engine, idle, size, stories=stories)


def _measured(bench: Bench, engine: Engine, idle: Mapping[str, float], size: int, *, stories: int) -> Cost:
    data = bench.stack.data
    with statement(engine) as conn:
        run(conn, "TRUNCATE bench_put")
        read = _rows_read(engine)
        begun, since = time.perf_counter(), time.time()
        before = processes.cpu_seconds(data)
    for at in range(stories):
        _publish(bench, engine, Text(size + WARM_UP + at))
    after, took = processes.cpu_seconds(data), time.perf_counter() - begun
    with statement(engine) as conn:
        puts = Counter({item["kind"]: item["n"] for item in rows(
            conn, "SELECT kind, count(*) AS n FROM bench_put GROUP BY kind"
        )})  # fmt: skip
        files = scalar(
            conn, "SELECT count(*) FROM object WHERE stored_at > to_timestamp(:since)", since=since
        )
    ran = logs.steps_since(data / "logs", since)
    read_by_table = {name: n / stories for name, n in (_rows_read(engine) - read).items()}
    used = {
        name: max(0.0, seconds - before.get(name, 0.0) - idle.get(name, 0.0) * took) / stories
        for name, seconds in after.items()
    }
    return Cost(
        articles=size, stories=stories, cpu=used,
        puts={kind: count / stories for kind, count in puts.items()}, files=files / stories,
        rendered=len(ran.get("deliver", ())) / stories, rows_read=read_by_table,
    )  # fmt: skip


def _publish(bench: Bench, engine: Engine, text: Text) -> None:
    """One story, until nothing that it has changed is still to be shown: listings rest in between."""
    article = bench.newsroom.save({**text.draft(), "site": SITE})
    publication = bench.newsroom.publish(article["id"])
    bench.proven(publication["id"])

    def rest() -> bool:
        with statement(engine) as conn:
            return pages_at_rest(conn)

    until(rest, what="every page to be at rest", pause=0.5)


def _idle(stack: Stack) -> Mapping[str, float]:
    """CPU seconds a second of each program when nothing happens: here waiting by the clock is right."""
    before, begun = processes.cpu_seconds(stack.data), time.perf_counter()
    time.sleep(IDLE_SECONDS)
    after, took = processes.cpu_seconds(stack.data), time.perf_counter() - begun
    return {name: (seconds - before.get(name, 0.0)) / took for name, seconds in after.items()}


def _rows_read(engine: Engine) -> Counter[str]:
    """Rows read from each table, by scans and through indexes; a backend reports its own within a second."""
    time.sleep(1.5)
    with statement(engine) as conn:
        found = rows(
            conn,
            """SELECT relname, COALESCE(seq_tup_read, 0) + COALESCE(idx_tup_fetch, 0) AS n
            FROM pg_stat_user_tables""",
        )
    return Counter({item["relname"]: int(item["n"]) for item in found})


@contextmanager
def _engine(stack: Stack) -> Iterator[Engine]:
    made = connect(stack.settings.database_url, pool=2, application="nashr-bench")
    try:
        yield made
    finally:
        made.dispose()


def tables(found: Sequence[Cost]) -> Sequence[Table]:
    """The costs by size, then CPU by program and PUTs by kind of page."""
    sizes = [f"{one.articles:,}" for one in found]
    programs = sorted(
        {name for one in found for name in one.cpu}, key=lambda name: -found[-1].cpu.get(name, 0)
    )
    read = Counter({name: n for one in found for name, n in one.rows_read.items()})
    kinds = sorted({kind for one in found for kind in one.puts})
    whole = [
        ("CPU of all processes", *(f"{one.seconds * 1000:.0f} ms" for one in found)),
        ("pages rendered", *(f"{one.rendered:.1f}" for one in found)),
        ("pages put", *(f"{sum(one.puts.values()):.1f}" for one in found)),
        ("other objects put", *(f"{one.files:.1f}" for one in found)),
        ("rows read by PostgreSQL", *(f"{sum(one.rows_read.values()):,.0f}" for one in found)),
    ]
    return (
        Table(f"One publication, mean of {found[0].stories}", ("articles in the archive", *sizes), whole),
        Table(
            "Its CPU by program", ("program", *sizes),
            [(name, *(f"{one.cpu.get(name, 0) * 1000:.1f} ms" for one in found)) for name in programs],
        ),
        Table(
            "Rows read for it by table", ("table", *sizes),
            [(name, *(f"{one.rows_read.get(name, 0):,.0f}" for one in found))
             for name, n in read.most_common(12) if n >= 10],
        ),
        Table(
            "Its pages put by kind", ("kind", *sizes),
            [(kind, *(f"{one.puts.get(kind, 0):.2f}" for one in found)) for kind in kinds],
        ),
    )  # fmt: skip


def verdicts(found: Sequence[Cost]) -> Sequence[Verdict]:
    """The largest beside the smallest, of each figure that has to be flat."""
    measures = {
        "CPU": [one.seconds for one in found],
        "pages rendered": [one.rendered for one in found],
        "objects put": [sum(one.puts.values()) + one.files for one in found],
    }
    return [
        Verdict(f"{name}, most beside least", max(values) / max(min(values), 1e-9), FLAT, "times")
        for name, values in measures.items()
    ]


def main() -> None:
    """Prints the tables; keeps them in COST.md after a run of all sizes at full length."""
    parser = argparse.ArgumentParser(prog="benchmarks/pages/cost.py", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few stories each: does it still work?")
    parser.add_argument("--sizes", help="articles, such as 1000,10000", type=_sizes, default=SIZES)
    parser.add_argument("--per-day", type=int, default=PER_DAY, help="articles that the archive grew by")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stack is not left behind
    hardware = machine.describe()
    print(f"{hardware}\n", flush=True)
    found = []
    for size in given.sizes:
        folder = Path(tempfile.mkdtemp(prefix="nashr-bench-"))
        stories = QUICK if given.quick else STORIES
        found.append(measure(folder, size, stories=stories, per_day=given.per_day))
        shutil.rmtree(folder)
    summary = table(
        ("measured", "target", "result", "met"), [verdict.row() for verdict in verdicts(found)]
    )  # fmt: skip
    text = "\n".join((summary, *(one.markdown() for one in tables(found))))
    print(text)
    if not given.quick and (given.sizes, given.per_day) == (SIZES, PER_DAY):
        RESULTS.write_text(_kept(hardware, text), "utf-8")


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(","))


def _kept(hardware: str, text: str) -> str:
    return (
        "# What a publication costs as the archive grows\n\n"
        "Written by `cost.py`; [README.md](README.md) says what each number means.\n\n"
        f"{hardware}\n\n{text}"
    )


if __name__ == "__main__":
    main()
