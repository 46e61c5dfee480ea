"""The judge of chaos runs: a good history passes, and each way of making it wrong is called wrong."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.chaos import nemesis
from tests.faults.chaos.tcp import Streams, TcpProxy
from tests.faults.history.mutations import MUTATIONS
from tests.faults.history.promises import certain, judge, lags
from tests.faults.history.records import (
    Call,
    Dump,
    Fault,
    History,
    Log,
    PageRow,
    Purge,
    Read,
    Thing,
    Write,
    load,
)

PAGE, FRONT, CARD = "khabar/politics/s1/index.html", "khabar/index.html", "khabar/cards/c.jpg"


def good() -> History:
    """One article: created, published, corrected, updated, published again; its page and the front follow."""
    made = [
        _call(1, "create", revision=1, word="w1a1r1x"),
        _call(2, "publish", revision=1, word="w1a1r1x", publication="pb_1"),
        _call(4, "correct", word="a correction"),
        _call(5, "update", revision=2, word="w1a1r2x"),
        _call(6, "publish", revision=2, word="w1a1r2x", publication="pb_2"),
    ]
    writes = [
        _put(2.5, CARD),
        _put(3, PAGE, version=1, words=("w1a1r1x",), names=(CARD,)),
        _put(3.5, FRONT, version=4, previous=3, words=("w1a1r1x",)),
        _put(7, PAGE, version=3, previous=1, words=("w1a1r2x",), names=(CARD,)),
        _put(7.5, FRONT, version=5, previous=4, words=("w1a1r2x",)),
    ]
    purges = [Purge(t=write.t + 0.1, keys=(write.key,)) for write in writes[1:]]
    return History(
        calls=tuple(made), writes=tuple(writes), purges=tuple(purges),
        reads=(Read(t=3.1, path="/politics/s1/", status=200, words=("w1a1r1x",)),),
        faults=(Fault(t=5.5, wall=5.5, until=6.5, name="kill delivery"),), dump=_dump(),
    )  # fmt: skip


def _call(t: float, op: str, *, revision: int = 0, word: str = "", publication: str = "") -> Call:
    return Call(
        t=t, op=op, key=f"key-{t}", outcome="ok", status=202, number=1, article="ar_1", revision=revision,
        word=word, publication=publication,
    )  # fmt: skip


def _put(
    t: float, key: str, *, version: int = 0, previous: int = 0, words: tuple[str, ...] = (),
    names: tuple[str, ...] = (),
) -> Write:  # fmt: skip
    return Write(
        t=t, wall=t, op="put", key=key, version=version, previous=previous, sha256=f"{key} {version}",
        words=words, names=names,
    )  # fmt: skip


def _dump() -> Dump:
    pages = tuple(
        PageRow(
            key=key, wanted=version, live=version, stored=version, rendered=f"{key} {version}",
            served=f"{key} {version}", served_status=200,
        )
        for key, version in ((PAGE, 3), (FRONT, 5))
    )  # fmt: skip
    return Dump(
        revisions=(("ar_1", 1, "خبر w1a1r1x"), ("ar_1", 2, "خبر w1a1r2x")),
        publications={"pb_1": ("ar_1", "superseded"), "pb_2": ("ar_1", "live")},
        articles={"ar_1": PAGE},
        corrections=("a correction",),
        pages=pages,
        objects={
            row.key: Thing(version=row.live, sha256=row.rendered, words=("w1a1r2x",), links=(FRONT, PAGE))
            for row in pages
        },
        finishes=((1, 1, 1), (2, 3, 1)),
        lives={"pb_1": 1, "pb_2": 1},
        before=frozenset({FRONT}),
        healed_at=7.0,
        recovered=1.5,
    )  # fmt: skip


def test_a_good_history_passes() -> None:
    """Nothing is complained about where nothing is wrong."""
    assert {name: found for name, found in judge(good()).items() if found} == {}


@pytest.mark.parametrize("name", MUTATIONS)
def test_each_wrong_history_is_rejected(name: str) -> None:
    """And for the promise that it breaks."""
    mutate, promise = MUTATIONS[name]
    assert judge(mutate(good()))[promise] != []


def test_a_write_of_unknown_outcome_counts_when_the_next_one_found_it() -> None:
    """Else the store may have died before it."""
    history = good()
    *before, last = [write for write in history.writes if write.key == PAGE]
    doubtful = replace(last, applied=False)
    assert certain((*before, doubtful)) == before
    later = replace(last, version=4, previous=3)
    assert certain((*before, doubtful, later)) == [*before, doubtful, later]


def test_what_a_removed_article_leaves_behind_is_noticed() -> None:
    """No page at rest may hold any of its words, unless it was published again."""
    history = good()
    gone = replace(_call(8, "takedown", publication="pb_2"), key="gone")
    removed = replace(history, calls=(*history.calls, gone))
    assert len(judge(removed)["stale"]) == 2
    back = _call(9, "publish", revision=2, word="w1a1r2x", publication="pb_2")
    assert judge(replace(removed, calls=(*removed.calls, back)))["stale"] == []


def test_lags_are_told_apart_by_faults() -> None:
    """A publication that was on its way during a fault is inside."""
    assert lags(good()) == {"inside": [1.0], "outside": [1.0]}


def test_a_run_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    """Logs and dump, to the last field."""
    history, log = good(), Log(tmp_path)
    for part in (history.calls, history.writes, history.purges, history.reads, history.faults):
        for record in part:
            log.add(record)
    assert log.close(history.dump) == history
    assert load(tmp_path) == history


def test_a_seed_is_a_plan() -> None:
    """The same seed plans the same faults at the same times, and each kind comes before one comes twice."""
    first, again, other = (
        [(one.at, one.kind.name, one.salt) for one in nemesis.plan(seed, seconds=75, faults=45)]
        for seed in (1, 1, 2)
    )
    assert first == again != other
    assert len({name for _, name, _ in first}) == 45
    assert len(nemesis.KINDS) >= 40


@pytest.mark.parametrize("trouble", ["delay", "blackhole", "reset", "half_open", "truncate"])
def test_a_wire_in_trouble_heals(trouble: str) -> None:
    """While it lasts nothing or not all comes through in time; afterwards new connections do."""
    asyncio.run(_in_trouble(trouble))


async def _in_trouble(trouble: str) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(100):
                writer.write(data)
        await _closed(writer)

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def upstream() -> Streams:
        return await asyncio.open_connection("127.0.0.1", port)

    proxy = TcpProxy(upstream)
    await proxy.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await _said(reader, writer) == b"hello"
    await proxy.begin(trouble, 2.0)  # type: ignore[arg-type] # two seconds, or two bytes
    assert await _said(reader, writer) != b"hello"
    await proxy.end()
    await _closed(writer)
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    assert await _said(reader, writer) == b"hello"
    await _closed(writer)
    await proxy.stop()
    server.close()
    await asyncio.sleep(0)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def _said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """What comes back of a greeting within half a second."""
    try:
        writer.write(b"hello")
        return await asyncio.wait_for(reader.readexactly(5), 0.5)
    except (asyncio.IncompleteReadError, TimeoutError, ConnectionError):
        return b""
