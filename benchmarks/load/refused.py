"""What hostile requests cost the API, beside a draft that it accepts: CPU, time and memory of each."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from benchmarks import processes
from benchmarks.figures import Report, Table, Verdict, megabytes
from benchmarks.stack import BenchError, Stack
from benchmarks.stories import story

TIMES, QUICK = 100, 10
FLOOD, QUICK_FLOOD = 2_000, 200
HEADS, QUICK_HEADS = 600, 60
MIB: Final = 1024 * 1024
SETTINGS: Final = {"NASHR_TOKEN_RATE": "20", "NASHR_TOKEN_BURST": "150"}
JSON: Final = "Content-Type: application/json"
DRAFT: Final = "POST /v1/articles HTTP/1.1"


@dataclass(frozen=True)
class Attack:
    """A request of which ``times`` are sent, and how each has to be answered. ``{n}`` is its number."""

    name: str
    status: int
    head: tuple[str, ...]
    body: bytes = b""
    repeated: int = 1
    times: int = TIMES


@dataclass(frozen=True)
class Cost:
    """Of one request: CPU of ingest and wall-clock time, in seconds. ``grown``: bytes of memory, of all."""

    cpu: float
    wall: float
    grown: int


def run(folder: Path, *, quick: bool) -> Report:
    """One after another, so that a request's cost is its own."""
    with Stack(folder / "stack", settings=SETTINGS) as stack:
        accepted = _cost(stack, _accepted(stack.token), quick=quick)
        costs = {one.name: _cost(stack, one, quick=quick) for one in _attacks()}
        heads, answered = _slow_heads(stack, QUICK_HEADS if quick else HEADS)
        costs["head that does not end, connection of its own"] = heads
    return _report(accepted, costs, answered)


def _accepted(token: str) -> Attack:
    body = json.dumps(
        {name: value for name, value in story("refused").draft.items() if name != "slug"}
    ).encode()
    return Attack(
        "a draft, accepted", 201, (DRAFT, JSON, f"Authorization: Bearer {token}", _length(body)), body
    )


def _attacks() -> Iterator[Attack]:
    """Made-up tokens, each with a rate of its own: what they send is judged before they are."""
    other = (DRAFT, JSON, "Authorization: Bearer nk_{n}_x")
    bomb = gzip.compress(b"[" * 64 * MIB)
    deep = b"[" * (MIB - 1)
    keys = json.dumps({str(number): 0 for number in range(100_500)}, separators=(",", ":")).encode()
    chunk = b"%x\r\n" % MIB + b" " * MIB + b"\r\n"
    flood = ("GET /v1/articles HTTP/1.1", "Authorization: Bearer nk_flood_x")
    yield Attack("flood of one token", 429, flood, times=FLOOD)
    yield Attack("announced GiB", 413, (*other, f"Content-Length: {1024 * MIB}"))
    yield Attack("GiB in chunks", 413, (*other, "Transfer-Encoding: chunked"), chunk, repeated=1024)
    yield Attack("gzip bomb of 64 MiB", 415, (*other, "Content-Encoding: gzip", _length(bomb)), bomb)
    yield Attack("a million levels", 422, (*other, _length(deep)), deep)
    yield Attack("a hundred thousand keys", 413, (*other, _length(keys)), keys)
    yield Attack("5 MB without a token", 413, (DRAFT, JSON, f"Content-Length: {5 * MIB}"), b" " * 5 * MIB)


def _length(body: bytes) -> str:
    return f"Content-Length: {len(body)}"


def _cost(stack: Stack, attack: Attack, *, quick: bool) -> Cost:
    times = {TIMES: QUICK, FLOOD: QUICK_FLOOD}[attack.times] if quick else attack.times
    if attack.status == 429:
        while _send(stack, attack, 0) != 429:
            pass
    with _measured(stack, times) as found:
        for number in range(times):
            status = _send(stack, attack, number)
            if attack.status not in {status, 429}:  # of a flood its rate goes through
                raise BenchError(f"{attack.name}: {status} instead of {attack.status}")
    return found.cost


class _measured:  # noqa: N801 - reads as a word
    """The cost of each of ``times`` requests in the block."""

    cost: Cost

    def __init__(self, stack: Stack, times: int) -> None:
        self._data, self._times = stack.data, times

    def __enter__(self) -> _measured:
        self._memory, self._cpu = self._held(), processes.cpu_seconds(self._data)["ingest"]
        self._began = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        wall = time.perf_counter() - self._began
        cpu = processes.cpu_seconds(self._data)["ingest"] - self._cpu
        self.cost = Cost(cpu / self._times, wall / self._times, self._held() - self._memory)

    def _held(self) -> int:
        return processes.memory(self._data)["ingest"].proportional


def _connect(stack: Stack) -> socket.socket:
    url = urlsplit(stack.api)
    return socket.create_connection((url.hostname or "", url.port or 0), timeout=30)


def _send(stack: Stack, attack: Attack, number: int) -> int:
    """The status of one answer, on a connection of its own. Stops sending once there is one."""
    head = "\r\n".join((*attack.head, "Host: nashr", "", "")).replace("{n}", f"{number:08x}")
    with _connect(stack) as client:
        with suppress(ConnectionError):
            client.sendall(head.encode())
            for _ in range(attack.repeated):
                client.sendall(attack.body)
                if attack.repeated > 1 and _answered(client):
                    break
        return int(client.recv(65536).split()[1])


def _answered(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return bool(client.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
    finally:
        client.settimeout(30)


def _slow_heads(stack: Stack, count: int) -> tuple[Cost, float]:
    """``count`` connections with half a head each; and the seconds that a whole request takes among them."""
    with _measured(stack, count) as found:
        opened = [_connect(stack) for _ in range(count)]
        for one in opened:
            with suppress(ConnectionError):
                one.sendall(b"GET /v1/articles HTTP/1.1\r\nX: ")
        began = time.perf_counter()
        whole = Attack("among slow heads", 401, ("GET /v1/articles HTTP/1.1",))
        if (status := _send(stack, whole, 0)) != 401:
            raise BenchError(f"a request among {count} slow heads: {status}")
        answered = time.perf_counter() - began
        for one in opened:
            one.close()
    return found.cost, answered


def _report(accepted: Cost, costs: Mapping[str, Cost], answered: float) -> Report:
    rows = [
        (
            name,
            f"{cost.cpu * 1000:.2f} ms",
            f"{cost.wall * 1000:.2f} ms",
            f"{cost.cpu / max(accepted.cpu, 1e-6):.2f}",
            megabytes(cost.grown),
        )
        for name, cost in ({"a draft, accepted": accepted} | dict(costs)).items()
    ]
    table = Table(
        "Cost of one request to the API's process",
        ("", "CPU", "wall", "CPU beside accepted", "grown in all"),
        rows,
        notes=(f"Among the slow heads a whole request was answered within {answered * 1000:.0f} ms.",),
    )
    dearest = max(cost.cpu for cost in costs.values()) / max(accepted.cpu, 1e-6)
    flood = costs["flood of one token"].cpu / max(accepted.cpu, 1e-6)
    grown = sum(max(0, cost.grown) for cost in costs.values()) / 1e6
    return Report(
        tables=(table,),
        verdicts=(
            Verdict("CPU of a flooding request, beside an accepted draft", flood, 0.2, "times"),
            Verdict("CPU of the dearest refusal, beside an accepted draft", dearest, None, "times"),
            Verdict("memory that all refusals left behind", grown, 96, "MB"),
        ),
    )
