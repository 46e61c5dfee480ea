"""A run against the naive publisher: the same servers, proxies, nemesis and judge."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.rows import tuple_row

from tests.conftest import until
from tests.faults.chaos import naive, nemesis, rest
from tests.faults.chaos.ground import Ground, proxied
from tests.faults.chaos.httpside import LATEST_SECONDS
from tests.faults.chaos.run import Plan, Verdict
from tests.faults.history.promises import judge
from tests.faults.history.records import Call, Dump, Log, Outcome, PageRow, Thing
from tests.faults.lab import Lab, Program
from tests.servers import free_port

ROOT = Path(__file__).parents[3]
CALM_SECONDS = 30.0
NAMES = {"ingest": "api", "delivery": "worker"}


@dataclass
class NaiveLab(Lab):
    """A lab in which ``ingest`` and ``delivery`` are the naive publisher's processes."""

    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def program(self, name: str) -> Program:
        if name not in NAMES:
            return super().program(name)
        process = self.processes[NAMES[name]]
        return Program(name, None if process.poll() is not None else process.pid, "ready", 0)


@contextmanager
def processes(lab: NaiveLab, settings: dict[str, Any], log: Path) -> Iterator[None]:
    """The naive publisher's processes, started again whenever they die."""
    ended = threading.Event()
    environment = {**os.environ, "NAIVE": json.dumps(settings), "PYTHONPATH": str(ROOT)}

    def start(name: str) -> None:
        with log.open("ab") as out:
            lab.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.chaos.naive", name], cwd=ROOT, env=environment,
                stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def keep() -> None:
        while not ended.wait(0.2):
            for name, process in list(lab.processes.items()):
                if process.poll() is not None:
                    start(name)

    for name in NAMES.values():
        start(name)
    keeper = threading.Thread(target=keep, name="keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join(10)
        for process in lab.processes.values():
            process.kill()
            process.wait()


class NaiveWriter(threading.Thread):
    """Publishes revision after revision of its few articles; insists with the same key."""

    def __init__(
        self, url: str, log: Log, seed: str, articles: list[int], run: str, ended: threading.Event
    ) -> None:
        super().__init__(name=f"writer-{seed}", daemon=True)
        self._url, self._log, self._run, self._ended = url, log, run, ended
        self._chance = random.Random(seed)
        self._count = dict.fromkeys(articles, 0)
        self.abandoned = threading.Event()

    def run(self) -> None:
        with httpx.Client(timeout=15, trust_env=False) as client:
            while not self._ended.is_set():
                self._publish(client, self._chance.choice(list(self._count)))
                self._ended.wait(self._chance.uniform(0.0, 1.0))

    def _publish(self, client: httpx.Client, article: int) -> None:
        self._count[article] += 1
        word = f"w{self._run}a{article}r{self._count[article]}x"
        asked = {"article": article, "headline": word, "key": uuid.uuid4().hex}
        while not self.abandoned.is_set():
            try:
                answer = client.post(self._url, json=asked)
                status = answer.status_code
            except httpx.TransportError:
                status = 0
            number = answer.json()["revision"] if status == 202 else 0
            self._note(article, word, asked["key"], status, number)
            if status == 202:
                return
            self.abandoned.wait(0.3)

    def _note(self, article: int, word: str, key: Any, status: int, number: int) -> None:
        outcome: Outcome = "ok" if status == 202 else "unknown"
        for op, publication in (("update", ""), ("publish", f"{article}-{number}")):
            self._log.add(Call(
                t=time.monotonic(), op=op, key=f"{op} {key}", outcome=outcome, status=status, number=article,
                article=str(article), revision=number, word=word, publication=publication if number else "",
            ))  # fmt: skip


def against(lab: Lab, plan: Plan, folder: Path) -> Verdict:
    """The plan against the naive publisher, on the servers of a lab that is up."""
    log = Log(folder)
    mine = NaiveLab(lab.data, lab.api, lab.site, lab.tokens)
    with proxied(lab, log, seed=plan.seed) as ground:
        ground.lab = mine
        port = free_port()
        stack = json.loads((lab.data / "stack.json").read_text())
        with processes(mine, {**stack, "port": port}, folder / "naive.log"):
            url = f"http://127.0.0.1:{port}/"
            until(lambda: _answers(url), what="the naive publisher to answer")
            before = rest.keys_of(ground)
            healed_at = _storm(ground, plan, url, log)
            recovered = _calm(ground, since=healed_at)
            history = log.close(_dump(ground, before=before, healed_at=healed_at, recovered=recovered))
    return Verdict(plan.seed, history, judge(history))


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code > 0
    except httpx.TransportError:
        return False


def _storm(ground: Ground, plan: Plan, url: str, log: Log) -> float:
    ended = threading.Event()
    kinds = tuple(kind for kind in nemesis.KINDS if kind.name.startswith(plan.kinds))
    planned = nemesis.plan(plan.seed, seconds=plan.seconds, faults=plan.faults, kinds=kinds)
    writers = [
        NaiveWriter(
            url,
            log,
            f"{plan.seed}-{place}",
            list(range(4 * place + 1, 4 * place + 5)),
            f"{plan.seed:x}",
            ended,
        )
        for place in range(plan.writers)
    ]
    for writer in writers:
        writer.start()
    nemesis.Nemesis(ground, planned, log).run()
    healed_at = time.monotonic()
    ended.set()
    for writer in writers:
        writer.join(30)
        writer.abandoned.set()
    return healed_at


def _calm(ground: Ground, *, since: float) -> float | None:
    """Seconds until every page shows its newest revision; None if that does not come to pass."""
    settled = since + LATEST_SECONDS
    while time.monotonic() < since + CALM_SECONDS:
        if time.monotonic() > settled and all(
            page.stored == page.wanted
            for page in _dump(ground, before=frozenset(), healed_at=since, recovered=None).pages
        ):
            return time.monotonic() - since
        time.sleep(0.5)
    return None


def _dump(ground: Ground, *, before: frozenset[str], healed_at: float, recovered: float | None) -> Dump:
    with psycopg.connect(ground.real["database_url"], row_factory=tuple_row) as conn:
        rows = conn.execute("SELECT article, number, headline FROM naive_revision ORDER BY 1, 2").fetchall()
    newest = {article: (number, headline) for article, number, headline in rows}
    objects = rest.pages_at(ground, naive.PREFIX)
    nothing = Thing(version=0, sha256="")
    pages = []
    for article, (number, headline) in newest.items():
        key = naive.key_of(article)
        thing = objects.get(key, nothing)
        body = sha256(naive.rendered(article, number, headline)).hexdigest()
        pages.append(PageRow(
            key=key, wanted=number, live=number, stored=thing.version, rendered=body, served=thing.sha256,
            served_status=200,
        ))  # fmt: skip
    return Dump(
        revisions=tuple((str(a), n, h) for a, n, h in rows),
        publications={f"{a}-{n}": (str(a), "live") for a, n, _ in rows},
        articles={str(article): naive.key_of(article) for article in newest},
        pages=tuple(pages), objects=objects, before=before, healed_at=healed_at, recovered=recovered,
    )  # fmt: skip
