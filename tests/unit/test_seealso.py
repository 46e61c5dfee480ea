"""See-also links stand between paragraphs, about one per three, and nowhere else."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nashr.domain.seealso import places

KINDS = st.lists(
    st.sampled_from(["paragraph", "paragraph", "paragraph", "heading", "image", "quote", "list"])
)


@given(KINDS, st.integers(0, 10))
def test_between_two_paragraphs(kinds: list[str], wanted: int) -> None:
    """Each follows a paragraph and precedes one: so it is never first, last or beside a figure."""
    for index in places(kinds, wanted):
        assert kinds[index] == kinds[index + 1] == "paragraph"


@given(KINDS, st.integers(0, 10))
def test_never_beside_another(kinds: list[str], wanted: int) -> None:
    """At least three paragraphs lie between two of them, and two before the first."""
    found = places(kinds, wanted)
    assert list(found) == sorted(found)
    assert not found or kinds[: found[0] + 1].count("paragraph") >= 2
    for one, other in pairwise(found):
        assert kinds[one + 1 : other + 1].count("paragraph") >= 3


@given(KINDS, st.integers(0, 10))
def test_at_most_one_per_three_paragraphs(kinds: list[str], wanted: int) -> None:
    """There are never more than were wanted, nor than a third of the paragraphs."""
    assert len(places(kinds, wanted)) <= min(wanted, kinds.count("paragraph") // 3)


@pytest.mark.parametrize("count", range(31))
def test_plain_text_gets_its_full_share(count: int) -> None:
    """A body of paragraphs alone gets exactly one per three."""
    assert len(places(["paragraph"] * count, 99)) == count // 3
