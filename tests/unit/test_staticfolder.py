"""The memory of a static folder, as it lies in the private bucket."""

from __future__ import annotations

from nashr.domain.staticfolder import Memory, parsed, written


def test_a_memory_is_read_as_it_was_written() -> None:
    """Files with their hashes, and what the edge has still to forget."""
    memory = Memory({"s/ads.txt": "00ff", "s/new.txt": ""}, frozenset({"s/gone.txt"}))
    assert parsed(written(memory)) == memory


def test_an_old_list_of_keys_is_a_memory_without_hashes() -> None:
    """Sites that were applied before there were hashes have a list; sites without a folder have nothing."""
    assert parsed(b'["s/ads.txt"]') == Memory({"s/ads.txt": ""})
    assert parsed(None) == Memory()
