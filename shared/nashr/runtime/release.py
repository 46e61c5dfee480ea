"""Gives back what a dead process held, so that nobody waits for its leases: a process of its own."""

from __future__ import annotations

import sys

from nashr import bootstrap
from nashr.settings import Settings, load_for_stack
from nashr.steps import SERVICES
from nashr.store import queue


def release(settings: Settings, pid: int) -> None:
    """Whatever service ``pid`` was of."""
    made = bootstrap.engine(settings, pool=1, application="nashr-release")
    try:
        for service in SERVICES:
            queue.release(made, queue.owner_name(service, pid))
    finally:
        made.dispose()


if __name__ == "__main__":
    release(load_for_stack(), int(sys.argv[1]))
