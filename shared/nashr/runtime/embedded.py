"""The embedded broker and object store, each described as one Program. PostgreSQL is in postgres.py."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from nashr.runtime import probes, programs, store_server
from nashr.runtime.launch import Program

LOOPBACK = "127.0.0.1"

VALKEY_CONF = """\
bind {bind}
port {port}
requirepass {password}
daemonize no
save ""
appendonly no
maxmemory 128mb
maxmemory-policy noeviction
io-threads 1
loglevel warning
"""


def valkey(data: Path, *, port: int, password: str) -> tuple[Program, str]:
    """Valkey on loopback, in memory only: what it holds are hints. Returns the program and its URL."""
    home = data / "valkey"
    conf = home / "valkey.conf"
    handle = os.open(conf, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(VALKEY_CONF.format(bind=LOOPBACK, port=port, password=password))
    program = Program(
        name="valkey",
        argv=(str(programs.valkey()), conf.name),
        env={"PATH": "/usr/bin:/bin"},
        cwd=home,
        ready=lambda: probes.valkey_ok(port, password=password),
    )
    return program, f"redis://:{password}@{LOOPBACK}:{port}/0"


def store(data: Path, *, port: int, key: str, public: str) -> tuple[Program, str]:
    """The S3 server on loopback, its objects in DIR/s3. Returns the program and its URL.

    ``key`` is the access key id it admits, ``public`` the bucket whose objects anyone may read.
    """
    programs.require_store()
    program = Program(
        name="s3",
        argv=(sys.executable, "-P", "-m", "nashr.runtime.store_server"),
        env={
            **_python_env(),
            "SERVICES": "s3",
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(data / "s3"),
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(port),
            "TMPDIR": str(data / "run"),  # its pid file
            "LOG_LEVEL": "WARNING",
            "IOT_MTLS_ENABLED": "0",  # else it opens port 8883 too
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": "unix:///nonexistent",  # else it removes containers it takes for its own
            "NASHR_STORE_KEY": key,
            "NASHR_STORE_PUBLIC": public,
        },
        cwd=data / "s3",
        ready=lambda: probes.http_ok(
            LOOPBACK, port, store_server.READY_PATH, headers=store_server.authorization(key)
        ),
    )
    return program, f"http://{LOOPBACK}:{port}"


def _python_env() -> dict[str, str]:
    """What a Python needs to start; the rest of the caller's environment would configure ministack too."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PYTHON", "LD_LIBRARY"))}
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": os.environ.get("HOME", "/"), **kept}
