"""Celery as a carrier of hints, the only module that imports it: "look at step 123", nothing more.

Hints may be lost, repeated or reordered by Valkey at any time: PostgreSQL decides. The settings are
those measured in docs/adr/0002: no ack emulation (it wedges workers after a Valkey outage), no result
backend, no retries, no ETA.
"""

from __future__ import annotations

import json
import logging
import warnings
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any, Final
from uuid import uuid4

from celery import Celery
from celery.platforms import SecurityWarning
from celery.signals import setup_logging, worker_ready, worker_shutting_down
from kombu.entity import Exchange, Queue
from kombu.exceptions import BatchPublishError, OperationalError
from kombu.transport import redis as carrier
from redis import Redis
from redis.exceptions import RedisError

from nashr.domain.errors import Retryable
from nashr.observability.logs import logger
from nashr.steps import Priority, queue_of
from nashr.store.queue import Hint

TASK = "nashr.hint"
SEND_SECONDS = (
    2  # the relay holds the hinted rows while it sends: a Valkey that hangs must not hold them long
)
RECEIVE_SECONDS = 10


_OUTAGES: Final = (Empty, RedisError, OSError)


class _Channel(carrier.Channel):
    """kombu's, for queues in which anything may lie: by itself a worker ends at what is no JSON."""

    def _brpop_read(self, **options: Any) -> bool:
        try:
            return bool(super()._brpop_read(**options))  # type: ignore[no-untyped-call]
        except _OUTAGES:
            raise
        except Exception as error:
            logger().warning("hint.garbage", error=repr(error)[:200])
            return True


class _Transport(carrier.Transport):
    """kombu's, of whose messages only the step's number is believed: the rest could stop a worker."""

    Channel = _Channel

    def _deliver(self, message: Any, queue: str) -> None:
        step = hinted(message)
        if step is None:
            logger().warning("hint.garbage", error=f"no hint: {str(message)[:200]}")
        else:
            super()._deliver(_message(step, queue), queue)  # type: ignore[no-untyped-call]


def hinted(message: Any) -> int | None:
    """The step that a message off a queue names; None for what is no hint."""
    try:
        if message["headers"]["task"] != TASK:
            return None
        (step,), _, _ = json.loads(b64decode(message["body"], validate=True))
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    return step if type(step) is int and 0 < step < 2**63 else None


def _message(step: int, queue: str) -> dict[str, Any]:
    """A hint as kombu would have found it there, in Celery's second protocol, of our own words only."""
    priority = int(Priority[queue.rpartition(".")[2]])
    return {
        "body": b64encode(json.dumps([[step, priority], {}, {}]).encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"lang": "py", "task": TASK, "id": str(step), "root_id": str(step)},
        "properties": {
            "delivery_tag": uuid4().hex, "delivery_info": {"exchange": "", "routing_key": queue},
            "delivery_mode": 1, "body_encoding": "base64", "priority": 0,
        },
    }  # fmt: skip


class TransportUnavailable(Retryable):
    """Valkey does not take hints now; workers claim directly meanwhile."""


def app(redis_url: str, *, socket_seconds: float) -> Celery:
    """A Celery application that can send or receive hints; ``socket_seconds`` it waits for one answer."""
    made = Celery("nashr", broker=redis_url, set_as_current=False)
    made.conf.update(
        result_backend=None,
        task_ignore_result=True,
        task_acks_late=False,
        task_store_errors_even_if_ignored=False,
        task_default_delivery_mode="transient",
        broker_transport_options={
            "ack_emulation": False,
            "socket_timeout": socket_seconds,
            "socket_connect_timeout": min(3, socket_seconds),
            "socket_keepalive": True,
            "health_check_interval": 10,
            "queue_order_strategy": "priority",
        },
        broker_connection_max_retries=None,
        broker_connection_retry_on_startup=True,
        broker_channel_error_retry=True,  # a Valkey that is full, read-only or confused is one that is away
        broker_connection_timeout=3,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_proc_alive_timeout=20,
        accept_content=["json"],
        task_serializer="json",
        task_create_missing_queues=False,
        task_default_queue="nashr.none",
    )
    return made


def queues(service: str) -> list[Queue]:
    """The queues of a service, breaking first. Direct routing: no binding table that a flush erases."""
    direct = Exchange("")  # type: ignore[no-untyped-call]
    names = [f"{service}.{priority.name}" for priority in Priority]
    return [Queue(name, direct, routing_key=name, durable=False) for name in names]  # type: ignore[no-untyped-call]


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, BatchPublishError, RedisError, OSError) as error:
        raise TransportUnavailable(f"Valkey does not take hints: {error}") from error


class Sender:
    """Publishes hints over one reused connection. Raises TransportUnavailable when there is none."""

    def __init__(self, redis_url: str) -> None:
        self._app = app(redis_url, socket_seconds=SEND_SECONDS)
        self._connection = self._app.connection_for_write()
        with _translated():
            self._connection.ensure_connection(max_retries=1, interval_start=0)
            self._producer = self._app.amqp.Producer(self._connection.default_channel, auto_declare=False)

    def send(self, hints: Iterable[Hint]) -> None:
        """Sends hints in one go; raises TransportUnavailable, after which some may have been sent."""
        with _translated(), self._producer.batch():
            for hint in hints:
                message = self._app.amqp.create_task_message(
                    str(hint.step), TASK, (hint.step,), {}, ignore_result=True
                )
                self._producer.publish(
                    message.body,
                    routing_key=queue_of(hint.kind, hint.priority),
                    exchange="",
                    serializer="json",
                    headers=message.headers,
                    **message.properties,
                )

    def close(self) -> None:
        self._connection.release()


class Pulse:
    """Whether Valkey answers at all."""

    def __init__(self, redis_url: str) -> None:
        self._client = Redis.from_url(redis_url, socket_timeout=1, socket_connect_timeout=1)

    def alive(self) -> bool:
        try:
            return bool(self._client.ping())
        except (RedisError, OSError):
            return False


def consume(
    redis_url: str,
    service: str,
    *,
    threads: int,
    attempt: Callable[[int, int], None],
    on_ready: Callable[[], None],
    on_stop: Callable[[], None],
) -> None:
    """Runs a Celery worker with a thread pool in this thread until SIGTERM; ``attempt`` gets step ids."""
    warnings.filterwarnings(
        "ignore", category=SecurityWarning
    )  # of running as root with pickle: we take JSON
    setup_logging.connect(_quiet, weak=False)
    worker_ready.connect(lambda **_: on_ready(), weak=False)
    worker_shutting_down.connect(lambda **_: on_stop(), weak=False)
    worker_app = app(redis_url, socket_seconds=RECEIVE_SECONDS)
    worker_app.conf.broker_transport = _Transport
    worker_app.conf.task_queues = queues(service)
    worker_app.task(name=TASK)(attempt)
    worker_app.Worker(
        pool="threads",
        concurrency=threads,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        loglevel="WARNING",
        quiet=True,
    ).start()


def _quiet(**_: object) -> None:
    logging.getLogger("celery").setLevel(logging.WARNING)
    logging.getLogger("kombu").setLevel(logging.WARNING)
