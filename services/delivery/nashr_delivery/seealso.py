"""Where see-also links stand between an article's blocks; which links, ``related`` decides."""

from __future__ import annotations

from collections.abc import Sequence

BEFORE_FIRST = 2
BETWEEN = 3


def places(kinds: Sequence[str], wanted: int) -> tuple[int, ...]:
    """Indexes of the blocks that a see-also follows, at most ``wanted``, rising.

    ``kinds`` are the types of the blocks. A see-also stands between two paragraphs, so it is never first,
    last, or beside a figure; the first comes after two paragraphs, each further one after three more.
    """
    found: list[int] = []
    since = BETWEEN - BEFORE_FIRST
    for index in range(len(kinds) - 1):
        since += kinds[index] == "paragraph"
        between = kinds[index] == kinds[index + 1] == "paragraph"
        if since >= BETWEEN and between and len(found) < wanted:
            found.append(index)
            since = 0
    return tuple(found)
