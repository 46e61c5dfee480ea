"""How shingles stand in a row: as steps of two bytes."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from nashr.store.signatures import _climbed, packed_steps


@given(st.sets(st.integers(0, 2**22 - 1), max_size=520))
@example({0, 65_534, 65_535, 65_536, 131_070, 131_071, 2**22 - 1})
def test_shingles_come_back_as_they_went(shingles: set[int]) -> None:
    """Whatever lies between one and the next: nothing, a step as long as can be, or a long way."""
    assert _climbed(packed_steps(sorted(shingles))) == tuple(sorted(shingles))


@pytest.mark.parametrize(("shingles", "size"), [([], 0), ([5], 2), ([5, 65_539], 4), ([5, 65_540], 6)])
def test_a_shingle_takes_two_bytes(shingles: list[int], size: int) -> None:
    """But for one that is further away than a step goes."""
    assert len(packed_steps(shingles)) == size
