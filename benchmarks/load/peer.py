"""``peer.py DATABASE_URL``: the least that accepting can cost: FastAPI, SQLAlchemy, one row a request.

Prints its port. No token, no checks, no queue, nothing that follows.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from sqlalchemy import create_engine, text

THREADS = 16


def app(url: str) -> FastAPI:
    """An API whose only route stores a body in a table of its own."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), pool_size=THREADS)
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE IF NOT EXISTS bench_peer (id bigserial PRIMARY KEY, doc text)"))
    made = FastAPI()

    @made.post("/rows", status_code=201)
    def store(doc: dict[str, Any]) -> dict[str, int]:
        with engine.begin() as conn:
            sql = text("INSERT INTO bench_peer (doc) VALUES (:doc) RETURNING id")
            return {"id": conn.execute(sql, {"doc": str(doc)}).scalar_one()}

    return made


def main() -> None:
    """Serves until it is ended."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(128)
    made = app(sys.argv[1])
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(made, log_level="warning", access_log=False, loop="uvloop")
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
