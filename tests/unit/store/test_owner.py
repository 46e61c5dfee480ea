"""Who holds a lease, told apart across machines."""

from __future__ import annotations

import socket

import pytest
from nashr.store import queue


def test_equal_process_ids_on_two_machines_are_two_owners(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that leaves its container gives back its own leases, never those of another container."""
    owners = set()
    for machine in ("one", "two"):
        monkeypatch.setattr(socket, "gethostname", lambda machine=machine: machine)
        owners.add(queue.owner_name("cards", 7))

    assert len(owners) == 2
