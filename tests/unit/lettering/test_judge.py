"""The judge of lettering, on ink that is drawn here: what it must let pass, and what it must not."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tests.lettering import judge
from tests.lettering.masks import Mask

EM = 60
HIGH = 3 * EM
WIDE = 900


def ink(*boxes: tuple[int, int, int, int]) -> Mask:
    """A line with a filled rectangle for every left, top, width and height."""
    bits = 0
    for left, top, width, height in boxes:
        for row in range(top, top + height):
            bits |= ((1 << width) - 1) << (row * WIDE + left)
    return Mask(WIDE, HIGH, bits)


WORD = ((108, 60, 8, 50), (120, 70, 40, 40), (132, 50, 8, 8))
"""A stem, a bowl, and a dot over it."""
NEXT = ((200, 70, 30, 40), (235, 60, 8, 50), (210, 118, 8, 8))
LINE = ink(*WORD, *NEXT)


def faults(ours: Mask | Sequence[Mask], reference: Mask | Sequence[Mask] = LINE) -> list[str]:
    """The measures that are over their limits, by name."""
    lines = [[one] if isinstance(one, Mask) else one for one in (ours, reference)]
    return [fault.name for fault in judge.faults(*lines, em=EM, direction="ltr")]


def moved(boxes: Sequence[tuple[int, int, int, int]], dx: int, dy: int) -> list[tuple[int, int, int, int]]:
    return [(left + dx, top + dy, width, height) for left, top, width, height in boxes]


def with_dot(left: int, top: int) -> Mask:
    return ink(*WORD[:2], (left, top, 8, 8), *NEXT)


def test_the_same_is_right() -> None:
    """A setting is right beside itself, wherever on the sheet it lies."""
    assert faults(LINE) == []
    assert faults(LINE.moved(37, 0)) == []
    assert faults(LINE.moved(0, 9)) == []


def test_a_space_may_be_a_little_wider() -> None:
    """Words keep their ink and may stand a few px further apart, as with another font's space."""
    assert faults(ink(*WORD, *moved(NEXT, 6, 0))) == []
    assert "stray" in faults(ink(*WORD, *moved(NEXT, 20, 0)))


def test_letters_may_be_rounded_to_another_pixel() -> None:
    """Two px beside the reference is rounding, four is a fault."""
    assert faults(ink(WORD[0], *moved(WORD[1:], 2, 0), *NEXT)) == []
    assert faults(ink(WORD[0], *moved(WORD[1:], 5, 0), *NEXT)) != []


def test_a_moved_mark_is_seen() -> None:
    """A dot that sits four px from its place in any direction is a fault."""
    assert faults(with_dot(133, 51)) == []
    for dx, dy in ((4, 0), (-4, 0), (0, -4), (0, 4)):
        assert faults(with_dot(132 + dx, 50 + dy)) != [], (dx, dy)


def test_a_lost_mark_is_seen() -> None:
    """One dot less or one dot more is a fault, and its name says which."""
    bare = ink(*WORD[:2], *NEXT)
    assert faults(bare)[0] == "lost"
    assert faults(LINE, bare)[0] == "stray"


def test_a_mark_on_the_other_side_is_seen() -> None:
    """A dot below instead of above is a fault, though there is as much ink."""
    assert "marks" in faults(with_dot(132, 120))


def test_words_in_the_wrong_order_are_seen() -> None:
    """The same two words the other way round are a fault."""
    assert faults(ink(*moved(NEXT, -100, 0), *moved(WORD, 80, 0))) != []


def test_a_box_for_a_letter_is_seen() -> None:
    """An empty box in place of a letter of the same size is a fault."""
    box = ((120, 70, 40, 3), (120, 107, 40, 3), (120, 70, 3, 40), (157, 70, 3, 40))
    assert faults(ink(WORD[0], *box, WORD[2], *NEXT)) != []


def test_a_lighter_weight_is_seen() -> None:
    """Thinner strokes everywhere are a fault even where all of them are in place."""
    strokes = [(100 + 20 * at, 60, 8, 50) for at in range(20)]
    thin = [(left + 1, top, 6, height) for left, top, _, height in strokes]
    assert "weight" in faults(ink(*thin), ink(*strokes))


def test_lines_are_counted_and_compared_in_order() -> None:
    """A line too many, two lines swapped, and a line that starts elsewhere are faults."""
    other = ink(*moved(WORD, 0, 0), (180, 80, 90, 20))
    assert faults([LINE, other], [LINE]) == ["lines"]
    assert faults([LINE, other], [LINE, other]) == []
    assert faults([other, LINE], [LINE, other]) != []
    assert faults([LINE, other.moved(8, 0)], [LINE, other]) == ["indent"]
    assert faults([LINE, other.moved(0, 15)], [LINE, other]) == ["rise"]


@given(st.lists(st.text(alphabet="# ", min_size=1, max_size=24), min_size=1, max_size=12))
def test_blobs_are_all_the_ink(rows: list[str]) -> None:
    """The blobs' areas add up to the ink, and each can be taken out of it, nothing else with it."""
    mask = Mask.of_rows(*rows)
    roomy = mask.cut(-1, -1, mask.width + 1, mask.height + 1)
    parts = [roomy.part(blob) for blob in roomy.blobs]
    assert [part.area for part in parts] == [blob.area for blob in roomy.blobs]
    assert sum(part.area for part in parts) == mask.area
    for part, blob in zip(parts, roomy.blobs, strict=True):
        assert part.box() == (blob.left, blob.top, blob.right, blob.bottom)
    assert sum(part.bits for part in parts) == roomy.bits


def test_blobs_hang_together_at_corners() -> None:
    """Neighbours at a corner are one blob, a blank pixel between them makes two; arms that meet are one."""
    assert len(Mask.of_rows("# ", " #").blobs) == 1
    assert len(Mask.of_rows("# #").blobs) == 2
    assert [blob.area for blob in Mask.of_rows("# #", "# #", "###").blobs] == [7]


def test_a_cut_may_reach_beyond() -> None:
    """A cut keeps what lies inside of it and is blank where the mask has nothing."""
    mask = Mask.of_rows("##", "##")
    roomy = mask.cut(-1, -2, 4, 3)
    assert (roomy.width, roomy.height, roomy.area) == (5, 5, 4)
    assert roomy.box() == (1, 2, 3, 4)
    assert roomy.cut(1, 2, 3, 4).bits == mask.bits
    assert mask.cut(1, 1, 2, 2).area == 1


def test_grown_ink_has_cut_corners() -> None:
    """Growing by two px reaches two px to each side, but not the corners of that square."""
    grown = Mask.of_rows("       ", "       ", "       ", "   #   ", "       ", "       ", "       ").grown(2)
    rows = ("       ", "  ###  ", " ##### ", " ##### ", " ##### ", "  ###  ", "       ")
    assert grown.bits == Mask.of_rows(*rows).bits


def test_pieces_end_at_wide_gaps() -> None:
    """Ink is cut into words at blanks of the given width, and stays whole at narrower ones."""
    mask = Mask.of_rows("## #   ##")
    assert mask.pieces(2) == [(0, 4), (7, 9)]
    assert mask.pieces(1) == [(0, 2), (3, 4), (7, 9)]
    assert mask.pieces(4) == [(0, 9)]
