"""How many would build it: commit, then ``.delay()``; a task renders and PUTs, unconditionally.

It is careful where careful people are: idempotency keys, acks_late, reject_on_worker_lost, retries with
back-off, a purge after the PUT. It runs in the same harness as nashr, and has to fail there. ``python -m
tests.faults.chaos.naive api`` or ``worker``; NAIVE holds the addresses as JSON.
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import boto3
import httpx
import psycopg
from botocore.config import Config
from celery import Celery

PREFIX: Final = "naive/"
TABLE: Final = """CREATE TABLE IF NOT EXISTS naive_revision (article int, number int, headline text,
    key text UNIQUE, PRIMARY KEY (article, number))"""
real: Final[dict[str, Any]] = json.loads(os.environ.get("NAIVE", "{}"))
app: Final = Celery("naive", broker=real.get("redis_url"), set_as_current=False)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    task_default_queue="naive",
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 15, "socket_timeout": 5, "socket_connect_timeout": 3},
)


def key_of(article: int) -> str:
    return f"{PREFIX}{article}/index.html"


def rendered(article: int, number: int, headline: str) -> bytes:
    """A page; pure, as nashr's are."""
    return f'<meta name="nashr:version" content="{number}"><h1>{article}: {headline}</h1>'.encode()


def _connect() -> psycopg.Connection[Any]:
    options = "-c statement_timeout=5s -c lock_timeout=5s"
    return psycopg.connect(real["database_url"], connect_timeout=3, options=options)


@app.task(
    name="naive.publish", autoretry_for=(Exception,), retry_backoff=True, retry_backoff_max=5, max_retries=8
)  # type: ignore[untyped-decorator] # celery has no types
def publish(article: int, number: int) -> None:
    """One revision onto the site."""
    with _connect() as conn:
        row = conn.execute(
            "SELECT headline FROM naive_revision WHERE article = %s AND number = %s", [article, number]
        ).fetchone()
    assert row is not None
    _store().put_object(
        Bucket=real["s3_bucket"], Key=key_of(article), Body=rendered(article, number, row[0]),
        ContentType="text/html; charset=utf-8", Metadata={"version": str(number)},
    )  # fmt: skip
    answer = httpx.request(
        "PURGE", real["edge_url"], json={"urls": [f"http://naive/{PREFIX}{article}/"], "tags": []},
        headers={"Nashr-Purge-Secret": real["purge_secret"]}, timeout=10, trust_env=False,
    )  # fmt: skip
    answer.raise_for_status()


def _store() -> Any:
    return boto3.client(
        "s3", endpoint_url=real["s3_endpoint"], region_name="us-east-1",
        aws_access_key_id=real["s3_access_key"], aws_secret_access_key=real["s3_secret_key"],
        config=Config(connect_timeout=2, read_timeout=10, request_checksum_calculation="when_required"),
    )  # fmt: skip


def accept(article: int, headline: str, key: str) -> int:
    """Stores a revision and asks for its publication; the same key is the same revision."""
    with _connect() as conn:
        conn.execute("SELECT pg_advisory_xact_lock(%s)", [article])
        known = conn.execute("SELECT number FROM naive_revision WHERE key = %s", [key]).fetchone()
        if known is not None:
            return int(known[0])
        row = conn.execute(
            """INSERT INTO naive_revision SELECT %s, COALESCE(max(number), 0) + 1, %s, %s
            FROM naive_revision WHERE article = %s RETURNING number""",
            [article, headline, key, article],
        ).fetchone()
    assert row is not None
    publish.delay(article, row[0])
    return int(row[0])


class Api(BaseHTTPRequestHandler):
    """POST /: article, headline and key in, the number of the revision out."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            number, status = accept(asked["article"], asked["headline"], asked["key"]), 202
        except Exception:  # the client asks again, whatever it was
            number, status = 0, 503
        body = json.dumps({"revision": number}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def main() -> None:
    """One of the two processes."""
    if sys.argv[1] == "api":
        with _connect() as conn:
            conn.execute(TABLE)
        ThreadingHTTPServer(("127.0.0.1", real["port"]), Api).serve_forever()
    app.Worker(
        pool="threads", concurrency=4, loglevel="ERROR", quiet=True,
        without_gossip=True, without_mingle=True, without_heartbeat=True,
    ).start()  # fmt: skip


if __name__ == "__main__":
    from tests.faults.chaos import naive  # the task's one home, whichever way this was started

    naive.main()
