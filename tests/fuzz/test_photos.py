"""The reader of photo headers against damaged files: an answer or a refusal, nothing else, and soon."""

from __future__ import annotations

import io
import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nashr.domain.errors import Refused
from nashr_ingest.imagefile import inspect
from PIL import Image

FUZZ = settings(settings.get_profile("fuzz"))
LIMIT = 60_000_000
SECONDS = 1.0
KINDS = ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF"]


def _picture(kind: str) -> bytes:
    picture = Image.effect_noise((48, 32), 60).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    picture.save(out, kind, exif=exif.tobytes())
    return out.getvalue()


FILES = {kind: _picture(kind) for kind in KINDS}
change = st.tuples(
    st.sampled_from(["set", "cut", "put", "double", "drop"]),
    st.floats(0, 1, exclude_max=True),
    st.one_of(
        st.binary(min_size=1, max_size=8),
        st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\xff\xd8", b"\0\0\0\x01"]),
    ),
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_photo_is_answered(kind: str) -> None:
    """Bytes changed, cut, put in, doubled and dropped; most often in the header."""

    @FUZZ
    @given(st.lists(change, min_size=1, max_size=6), st.booleans())
    def answered(changes: list[tuple[str, float, bytes]], head: bool) -> None:
        _answered(_changed(FILES[kind], changes, head=head))

    answered()


@FUZZ
@given(st.sampled_from(sorted({data[:12] for data in FILES.values()})), st.binary(max_size=400))
def test_anything_behind_a_magic_number_is_answered(magic: bytes, rest: bytes) -> None:
    """Whatever follows the first twelve bytes of a real photo."""
    _answered(magic + rest)


def _changed(data: bytes, changes: list[tuple[str, float, bytes]], *, head: bool) -> bytes:
    for what, where, value in changes:
        at = int(where * (min(len(data), 200) if head else len(data)))
        match what:
            case "set":
                data = data[:at] + value + data[at + len(value) :]
            case "cut":
                data = data[:at]
            case "put":
                data = data[:at] + value + data[at:]
            case "double":
                data = data[:at] + data[max(at - 64, 0) :]
            case _:
                data = data[:at] + data[at + len(value) :]
    return data


def _answered(data: bytes) -> None:
    before = time.process_time()
    with suppress(Refused):
        found = inspect(io.BytesIO(data), max_pixels=LIMIT)
        assert 0 < found.width * found.height * found.frames <= LIMIT
    assert time.process_time() - before < SECONDS
