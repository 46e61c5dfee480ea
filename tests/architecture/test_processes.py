"""What each process of the stack holds in memory: the libraries it works with, none of its neighbours'."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROGRAM = "import {}; import json, sys; print(json.dumps(sorted(sys.modules)))"
SUPERVISOR = "nashr.cli, nashr.runtime.apart, nashr.runtime.daemon, nashr.runtime.stack"
EVERYWHERE = ("alembic", "pyvips", "rich", "typer")

LEFT_OUT = {
    SUPERVISOR: (
        "alembic",
        "boto3",
        "celery",
        "fastapi",
        "httpx",
        "obstore",
        "pydantic",
        "redis",
        "rich",
        "sqlalchemy",
    ),
    "nashr.runtime.relay": ("boto3", "botocore", "httpx", "obstore", "pydantic", *EVERYWHERE),
    "nashr_delivery.edge": (
        "boto3",
        "celery",
        "httpx",
        "jinja2",
        "obstore",
        "pydantic",
        "sqlalchemy",
        *EVERYWHERE,
    ),
    "nashr_ingest.__main__": ("celery", "httpx", "jinja2", "obstore", *EVERYWHERE),
    "nashr_images.worker": ("httpx", "jinja2", "pydantic", *EVERYWHERE),
    "nashr_related.worker": ("boto3", "botocore", "httpx", "jinja2", "obstore", "pydantic", *EVERYWHERE),
    "nashr_cards.worker": ("httpx", "jinja2", "pydantic", *EVERYWHERE),
    "nashr_delivery.worker": ("fontTools", "pydantic", *EVERYWHERE),
}  # fmt: skip


@pytest.mark.parametrize("main", LEFT_OUT)
def test_a_process_imports_only_what_it_works_with(main: str) -> None:
    """Starting a program loads none of the libraries that only others need."""
    found = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM.format(main)], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(found.stdout))
    assert loaded.isdisjoint(LEFT_OUT[main]), sorted(loaded & set(LEFT_OUT[main]))
