"""Messages that nobody of ours sent: hints doubled and in any order, of steps that never were, garbage."""

from __future__ import annotations

import base64
import json
import random
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final

import psycopg
from redis import Redis

KINDS: Final = ("doubled", "forged", "garbage")
QUEUES: Final = tuple(
    f"{service}.{name}"
    for service in ("images", "related", "cards", "delivery")
    for name in ("breaking", "normal", "bulk")
)


def send(real: Mapping[str, str], chance: random.Random, *, what: str) -> int:
    """Puts such messages into the queues; returns how many."""
    messages = list({"doubled": _doubled, "forged": _forged, "garbage": _garbage}[what](real, chance))
    chance.shuffle(messages)
    with Redis.from_url(real["redis_url"], socket_timeout=2) as valkey:
        for queue, message in messages:
            valkey.lpush(queue, message)
    return len(messages)


def _doubled(real: Mapping[str, str], chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Hints of real steps, done ones too, ten times each."""
    with psycopg.connect(real["database_url"], autocommit=True, connect_timeout=3) as conn:
        steps = [row[0] for row in conn.execute("SELECT id FROM step ORDER BY id DESC LIMIT 40")]
    for step in steps:
        queue = chance.choice(QUEUES)
        yield from ((queue, _message(queue, [step])) for _ in range(10))


def _forged(_real: Mapping[str, str], _chance: random.Random) -> Iterator[tuple[str, bytes]]:
    for queue in QUEUES:
        for arguments in ([10**12], [-1], ["'; DROP TABLE step; --"], [], [None], [[1]], [2**70]):
            yield queue, _message(queue, arguments)


def _garbage(_real: Mapping[str, str], chance: random.Random) -> Iterator[tuple[str, bytes]]:
    for queue in QUEUES:
        yield queue, _message(queue, [1], task="no.such.task")
        yield queue, _message(queue, [1], content_type="application/x-python-serialize")
        yield queue, _message(queue, [1], body="%%%")
        yield queue, b"{}"
        yield queue, chance.randbytes(40)
        yield queue, b"[" * 2000


def _message(
    queue: str, arguments: list[Any], *, task: str = "nashr.hint", content_type: str = "application/json",
    body: str | None = None,
) -> bytes:  # fmt: skip
    """A task message of Celery's second protocol, as kombu lays it into a list."""
    name = str(uuid.uuid4())
    packed = base64.b64encode(json.dumps([arguments, {}, {}]).encode()).decode()
    return json.dumps({
        "body": packed if body is None else body,
        "content-encoding": "utf-8",
        "content-type": content_type,
        "headers": {"lang": "py", "task": task, "id": name, "root_id": name, "group": None},
        "properties": {
            "correlation_id": name, "reply_to": None, "delivery_mode": 1,
            "delivery_info": {"exchange": "", "routing_key": queue}, "priority": 0,
            "body_encoding": "base64", "delivery_tag": str(uuid.uuid4()),
        },
    }).encode()  # fmt: skip
