"""A connection that does not wait for ever: a server that hangs, or a network that swallows, is an outage.

PostgreSQL's own time-outs run on the server, so they say nothing when it is the server that stands still.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, Self, TypeVar

import psycopg

PATIENCE = 35.0  # longer than statement_timeout: while the server lives, it speaks first
BRIEF = 12.0  # where every statement is short: work behind a mute connection must be done again within 30 s

R = TypeVar("R")


class Silence(psycopg.OperationalError):
    """The server said nothing for too long."""


class PatientConnection(psycopg.Connection[Any]):
    """Closes itself, and raises Silence, after ``patience`` seconds without a word from the server."""

    patience = PATIENCE

    @classmethod
    def open(cls, *words: Any, patience: float = PATIENCE, **settings: Any) -> Self:
        """Connects; arguments as of ``psycopg.connect``."""
        made = cls.connect(*words, **settings)
        made.patience = patience
        return made

    def wait(self, gen: Any, *words: Any, **settings: Any) -> Any:
        """As psycopg's, bounded. Every question to the server goes through here."""
        try:
            return super().wait(_bounded(gen, seconds=self.patience), *words, **settings)
        except Silence:
            self.close()
            raise


def _bounded(gen: Generator[Any, Any, R], *, seconds: float) -> Generator[Any, Any, R]:
    """``gen`` until it has waited ``seconds`` in a row; psycopg sends 0 each time nothing came."""
    heard = time.monotonic()
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            now = time.monotonic()
            if ready:
                heard = now
            elif now - heard > seconds:
                raise Silence(f"the database has said nothing for {seconds:g} s")
            wanted = gen.send(ready)
    except StopIteration as end:
        result: R = end.value
        return result
