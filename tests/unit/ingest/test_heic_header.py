"""HEIC at the door: refused by default, else measured by its boxes, and never trusted beyond the file."""

from __future__ import annotations

import io
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nashr.domain.errors import Refused
from nashr_ingest.imagefile import FileInfo, inspect, sniff
from PIL import Image

heif = pytest.importorskip("pillow_heif", reason="the heic extra of nashr-images is not installed")
LIMIT = 60_000_000


def photo(size: tuple[int, int] = (320, 200), *, orientation: int = 1, **options: Any) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.effect_noise(size, 60).convert("RGB")
    image.info["exif"] = exif.tobytes()
    out = io.BytesIO()
    heif.register_heif_opener()
    image.save(out, "HEIF", quality=30, exif=exif.tobytes(), **options)
    return out.getvalue()


def look(data: bytes, *, max_pixels: int = LIMIT, heic: bool = True) -> FileInfo:
    return inspect(io.BytesIO(data), max_pixels=max_pixels, heic=heic, filename="IMG_1.HEIC")


def refusal(data: bytes, **options: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        look(data, **options)
    return caught.value


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def changed(data: bytes, kind: bytes, content: bytes, *, skip: int = 0) -> bytes:
    """``data`` with the start of its first box of that kind written over."""
    at = data.index(kind) + 4 + skip
    return data[:at] + content + data[at + len(content) :]


PHOTO = photo()


def test_heic_is_refused_by_default() -> None:
    """The message says what the file is and what to send, and nothing of settings."""
    refused = refusal(PHOTO, heic=False)

    assert refused.code == "unsupported_media_type"
    assert refused.detail == "IMG_1.HEIC is a HEIC photo: export it as JPEG and upload that"


def test_heic_is_read_where_it_is_accepted() -> None:
    """Type, size and one frame."""
    info = look(PHOTO)

    assert (info.content_type, info.width, info.height, info.frames) == ("image/heic", 320, 200, 1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_width_and_height_are_upright(orientation: int) -> None:
    """irot and imir turn the picture as libheif turns it."""
    data = photo(orientation=orientation)

    info = look(data)

    assert (info.width, info.height) == heif.open_heif(data).size
    assert (info.width, info.height) == ((200, 320) if orientation > 4 else (320, 200))


@pytest.mark.parametrize("size", [(333, 77), (65, 63), (643, 361)])
def test_odd_sizes_are_those_that_libheif_shows(size: tuple[int, int]) -> None:
    """Coded pictures have even sides; what is announced is the picture's own size."""
    data = photo(size)
    info = look(data)

    assert (info.width, info.height) == size == heif.open_heif(data).size


def test_a_grid_has_the_size_of_the_whole() -> None:
    """The tiles of a phone's photo are not its size."""
    info = look(photo((600, 400), tile_size=256))

    assert (info.width, info.height) == (600, 400)


def test_the_primary_picture_counts() -> None:
    """Of a file of two pictures the primary one is measured, wherever it stands."""
    file = heif.from_pillow(Image.new("RGB", (640, 480)))
    file.add_from_pillow(Image.new("RGB", (320, 200)))
    out = io.BytesIO()
    file.save(out, quality=30, primary_index=1)

    info = look(out.getvalue())

    assert (info.width, info.height) == (320, 200)


def test_a_crop_is_what_is_shown() -> None:
    """A clean aperture makes the picture smaller, never larger."""
    cropped = b"".join(struct.pack(">II", number, 1) for number in (300, 100, 0, 0))

    def replaced(clap: bytes) -> bytes:
        meta = box(b"hdlr") + box(b"pitm", bytes(4) + b"\0\1") + box(b"iloc", bytes(8))
        known = box(b"ipco", box(b"ispe", bytes(4) + struct.pack(">II", 320, 200)) + box(b"clap", clap))
        held = box(b"ipma", bytes(4) + struct.pack(">IHB", 1, 1, 2) + b"\1\2")
        return box(b"ftyp", b"heic\0\0\0\0heic") + box(b"meta", bytes(4) + meta + box(b"iprp", known + held))

    assert (look(replaced(cropped)).width, look(replaced(cropped)).height) == (300, 100)
    assert refusal(replaced(b"\0\1" + cropped[2:])).code == "broken_image"
    assert refusal(replaced(bytes(32))).code == "broken_image"


def test_too_many_pixels_are_refused_by_the_header() -> None:
    """60,000 x 60,000 announced pixels cost a look at a few hundred bytes."""
    refused = refusal(changed(PHOTO, b"ispe", struct.pack(">II", 60_000, 60_000), skip=4))

    assert refused.code == "too_many_pixels"
    assert "60000 x 60000" in refused.detail


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
def test_a_cut_off_file_is_told_apart(share: float) -> None:
    """Wherever an upload broke off: broken_image, and the cure is to copy it anew."""
    refused = refusal(PHOTO[: max(int(len(PHOTO) * share), 24)])

    assert refused.code == "broken_image"
    assert "IMG_1.HEIC is damaged" in refused.detail


def test_a_last_box_without_a_length_hides_no_cut() -> None:
    """Where the picture data reaches to the end of the file, its places tell that some is missing."""
    endless = PHOTO.replace(PHOTO[PHOTO.index(b"mdat") - 4 :][:8], b"\0\0\0\0mdat")

    assert look(endless).width == 320
    assert refusal(endless[:-100]).code == "broken_image"


@pytest.mark.parametrize(
    "data",
    [
        box(b"mdat", b"x"),
        box(b"meta"),
        box(b"meta", bytes(4)),
        box(b"meta", bytes(4) + box(b"pitm", bytes(4) + b"\0\1")),
        box(b"meta", bytes(2 << 20)),
        box(b"free") * 400_000,
        # No bytes per extent, 65,535 extents per item, as many items as fit.
        box(b"meta", bytes(4) + box(b"iloc", b"\0\0\0\0\0\0\xff\xff" + (bytes(4) + b"\xff\xff") * 65_535)),
    ],
)
def test_boxes_that_lead_nowhere_are_broken(data: bytes) -> None:
    """Missing, oversized and endless descriptions are given up, soon."""
    assert refusal(box(b"ftyp", b"heic\0\0\0\0heic") + data).code == "broken_image"


def test_a_zero_size_is_no_picture() -> None:
    """An announced width of nothing is damage."""
    assert refusal(changed(PHOTO, b"ispe", bytes(8), skip=4)).code == "broken_image"


def test_damaged_headers_never_raise_anything_else() -> None:
    """Each of the first bytes turned over: a result or a refusal, nothing else."""
    for at in range(12, PHOTO.index(b"mdat")):
        _verdict(PHOTO[:at] + bytes([PHOTO[at] ^ 0xFF]) + PHOTO[at + 1 :])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=600))
def test_arbitrary_boxes_never_raise_anything_else(data: bytes) -> None:
    """Whatever follows the brand: a result or a refusal."""
    _verdict(box(b"ftyp", b"heic\0\0\0\0heic") + data)
    _verdict(box(b"ftyp", b"heic\0\0\0\0heic") + box(b"meta", data))


def _verdict(data: bytes) -> str:
    try:
        look(data)
    except Refused as refused:
        return refused.code
    return "fine"


def test_heif_of_another_codec_stays_refused() -> None:
    """A container whose brands promise no HEVC is not a HEIC photo."""
    data = PHOTO.replace(b"heic", b"mif1")

    assert sniff(data) == "image/heif"
    assert refusal(data).code == "unsupported_media_type"
