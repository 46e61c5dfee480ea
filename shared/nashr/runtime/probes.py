"""Whether a server is ready: one quick question each, False for any kind of no."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping

import psycopg
from psycopg import sql

SECONDS = 0.5


def http_ok(host: str, port: int, path: str, *, headers: Mapping[str, str] | None = None) -> bool:
    """Whether GET answers 200."""
    connection = http.client.HTTPConnection(host.strip("[]"), port, timeout=SECONDS)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def valkey_ok(port: int, *, password: str) -> bool:
    """Whether a Valkey that knows ``password`` answers PING: a stranger's on this port does not."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2:
                part = connection.recv(256)
                if not part:
                    return False
                answer += part
            return answer == b"+OK\r\n+PONG\r\n"
    except OSError:
        return False


def database_ok(url: str, *, database: str) -> bool:
    """Whether PostgreSQL accepts connections; makes ``database`` if it is not there yet."""
    try:
        with psycopg.connect(url, dbname="postgres", autocommit=True, connect_timeout=2) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
            return True
    except psycopg.Error:
        return False
