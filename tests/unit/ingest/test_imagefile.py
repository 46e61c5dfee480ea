"""The first look at a photo: type, size, frames and wholeness, by headers alone."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from nashr.domain.errors import Refused
from nashr_ingest.imagefile import FileInfo, inspect, sniff
from PIL import Image

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
PHOTOS = SHARED / "photos"
LIMIT = 60_000_000
FORMATS = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "TIFF": "image/tiff",
    "GIF": "image/gif",
}


def _picture(kind: str = "JPEG", size: tuple[int, int] = (320, 200), **options: Any) -> bytes:
    image = Image.effect_noise(size, 60).convert("RGB")
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _exif(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def _look(data: bytes, *, max_pixels: int = LIMIT, filename: str = "photo.jpg") -> FileInfo:
    return inspect(io.BytesIO(data), max_pixels=max_pixels, filename=filename)


def _refusal(data: bytes, *, max_pixels: int = LIMIT, filename: str = "photo.jpg") -> Refused:
    with pytest.raises(Refused) as caught:
        _look(data, max_pixels=max_pixels, filename=filename)
    return caught.value


def _png(width: int, height: int, *, chunks: bytes = b"") -> bytes:
    head = struct.pack(">II5B", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + chunks + _chunk(b"IDAT", b"x") + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@pytest.mark.parametrize(("kind", "content_type"), FORMATS.items())
def test_each_accepted_format_is_read(kind: str, content_type: str) -> None:
    """Type by its bytes, size, one frame, digest and length."""
    data = _picture(kind)

    info = _look(data)

    assert info == FileInfo(content_type, 320, 200, 1, hashlib.sha256(data).hexdigest(), len(data))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_width_and_height_are_upright(kind: str, orientation: int) -> None:
    """EXIF orientations 5 to 8 lie on their side."""
    info = _look(_picture(kind, exif=_exif(orientation)))

    assert (info.width, info.height) == ((200, 320) if orientation > 4 else (320, 200))


@pytest.mark.parametrize(
    "options", [{"progressive": True}, {"quality": 20}, {"subsampling": 0}, {"optimize": True}]
)
def test_every_kind_of_jpeg_is_read(options: dict[str, Any]) -> None:
    """Progressive or baseline, one header tells."""
    assert _look(_picture(**options)).width == 320


@pytest.mark.parametrize("options", [{"lossless": True}, {"lossless": False}, {"exif": _exif(1)}])
def test_every_kind_of_webp_is_read(options: dict[str, Any]) -> None:
    """Lossy, lossless and extended containers keep their size in three places."""
    info = _look(_picture("WEBP", (333, 77), **options))

    assert (info.width, info.height) == (333, 77)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_frames_are_counted(kind: str) -> None:
    """An animation of five frames has five, and all their pixels count."""
    frames = [Image.effect_noise((40, 30), 50 + n).convert("RGB") for n in range(5)]
    out = io.BytesIO()
    frames[0].save(out, kind, save_all=True, append_images=frames[1:])

    assert _look(out.getvalue()).frames == 5
    assert _refusal(out.getvalue(), max_pixels=40 * 30 * 4).code == "too_many_pixels"


def test_an_animated_avif_is_refused() -> None:
    """The decoder knows stills only: the cure is another format, said at once."""
    frames = [Image.effect_noise((40, 30), 50 + n).convert("RGB") for n in range(3)]
    out = io.BytesIO()
    frames[0].save(out, "AVIF", save_all=True, append_images=frames[1:])
    refused = _refusal(out.getvalue())
    assert (refused.code, "animated WebP or GIF" in refused.detail) == ("unsupported_media_type", True)


@pytest.mark.parametrize(("kind", "content_type"), FORMATS.items())
@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.99])
def test_a_cut_off_file_is_told_apart(kind: str, content_type: str, share: float) -> None:
    """Wherever an upload broke off: broken_image, and the cure is to copy it anew."""
    data = _picture(kind, exif=_exif(1)) if kind != "GIF" else _picture(kind)

    refused = _refusal(data[: max(int(len(data) * share), 16)])

    assert refused.code == "broken_image"
    assert "photo.jpg is damaged" in refused.detail
    assert "upload it again" in refused.detail


def test_a_cut_off_jpeg_is_not_excused_by_its_thumbnail() -> None:
    """The end marker of an embedded preview is not the end of the photo."""
    thumbnail = _picture(size=(60, 40))
    exif = b"Exif\0\0" + thumbnail
    data = _picture(exif=exif)

    assert _look(data).width == 320
    assert _refusal(data[: len(data) // 2 + len(exif)]).code == "broken_image"


def test_what_phones_append_to_a_jpeg_is_no_damage() -> None:
    """Motion photos carry megabytes behind the picture."""
    assert _look(_picture() + os.urandom(2_000_000)).width == 320


def test_a_png_of_four_gigapixels_costs_nothing() -> None:
    """64,250 x 64,250 pixels in a few bytes are refused by their header, at once."""
    before = time.process_time()

    refused = _refusal(_png(64_250, 64_250))

    assert refused.code == "too_many_pixels"
    assert "64250 x 64250" in refused.detail
    assert "scale it down" in refused.detail
    assert time.process_time() - before < 0.1


def test_a_gif_of_forty_thousand_frames_is_refused_quickly() -> None:
    """Many small frames are many pixels."""
    head = b"GIF89a" + struct.pack("<HHBBB", 100, 100, 0, 0, 0)
    frame = b"," + struct.pack("<HHHHB", 0, 0, 100, 100, 0) + b"\x02\x02\x4c\x01\x00"

    assert _refusal(head + frame * 40_000 + b";").code == "too_many_pixels"


def test_a_gif_of_endless_small_blocks_is_given_up() -> None:
    """Walking a file has a limit that no real photo meets."""
    head = b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0, 0, 0)

    refused = _refusal(head + b"!\xfe" + b"\x01x" * 400_000 + b"\0;")

    assert refused.code == "broken_image"


def test_the_limit_itself_is_allowed() -> None:
    """Exactly as many pixels as the limit pass; one more does not."""
    assert _look(_png(1_000, 1_000), max_pixels=1_000_000).width == 1_000
    assert _refusal(_png(1_001, 1_000), max_pixels=1_000_000).code == "too_many_pixels"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "SVG"),
        (b'<?xml version="1.0"?>\n<!-- x --><!DOCTYPE svg><svg width="100000"/>', "SVG"),
        (b"<!DOCTYPE html><html><body>404", "HTML"),
        (b"\xef\xbb\xbf  <script>alert(1)</script>", "HTML"),
        (b"PK\x03\x04" + b"\0" * 60, "ZIP"),
        (b"MZ\x90\0" + b"\0" * 60, "program"),
        (b"\x7fELF" + b"\0" * 60, "program"),
        (b"%PDF-1.7", "PDF"),
        (b"8BPS\0\x01", "Photoshop"),
        (b"\0\0\0\x18ftypheic\0\0\0\0heicmif1", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0heicmif1", "HEIC"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", "video"),
        (b"BM" + b"\0" * 60, "BMP"),
        (b"II*\0\x10\0\0\0CR\x02\0" + b"\0" * 60, "raw"),
        (b"hello", "no image"),
        (b"\0", "no image"),
    ],
)
def test_what_only_pretends_to_be_a_photo_is_refused_by_name(data: bytes, said: str) -> None:
    """The bytes decide, not the name; the message says what the file is and what to send."""
    refused = _refusal(data, filename="photo.jpg")

    assert refused.code == "unsupported_media_type"
    assert "photo.jpg is" in refused.detail
    assert said in refused.detail


def test_the_wrong_ending_of_a_real_photo_does_not_matter() -> None:
    """A JPEG called .png is a JPEG."""
    assert _look(_picture(), filename="photo.png").content_type == "image/jpeg"


@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_headers_never_raise_anything_else(kind: str) -> None:
    """Each of the first bytes turned over: a result or a refusal, nothing else."""
    data = _picture(kind, (32, 20))

    codes = {_verdict(_turned_over(data, at)) for at in range(min(len(data), 300))}

    assert codes <= {"fine", "broken_image", "too_many_pixels", "unsupported_media_type"}


def _turned_over(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def _verdict(data: bytes) -> str:
    try:
        _look(data)
    except Refused as refused:
        return refused.code
    return "fine"


def test_an_image_without_pixels_is_broken() -> None:
    """Zero width is no picture."""
    assert _refusal(_png(0, 10)).code == "broken_image"


def test_an_ultra_long_header_of_noise_is_given_up() -> None:
    """Stray bytes before a marker are stepped over, but not for ever."""
    assert _refusal(b"\xff\xd8\xff\0" + b"\0" * 1_000_000).code == "broken_image"


def test_a_raw_photo_in_a_tiff_is_named() -> None:
    """A DNG shows a thumbnail first: developing it is the editor's business."""
    out = io.BytesIO()
    Image.new("RGB", (20, 20)).save(out, "TIFF", tiffinfo={50706: b"\x01\x04\0\0"})

    assert "raw" in _refusal(out.getvalue()).detail


def test_a_path_is_read_like_a_file(tmp_path: Path) -> None:
    """The digest is taken where none is given."""
    path = tmp_path / "صورة.jpg"
    path.write_bytes(_picture())

    assert inspect(path, max_pixels=LIMIT).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def _samples() -> list[Path]:
    return sorted(PHOTOS.rglob("*.*"))


@pytest.mark.skipif(not PHOTOS.is_dir(), reason="the sample photos are not beside the checkout")
def test_real_photos_and_traps_are_judged_as_a_decoder_would() -> None:
    """Size and orientation agree with Pillow's; the two damaged traps are refused."""
    for path in _samples():
        if path.name in {"sharp_truncated.jpg", "sharp_corrupt-header.jpg"}:
            with pytest.raises(Refused) as caught:
                inspect(path, max_pixels=LIMIT)
            assert caught.value.code == "broken_image", path.name
            continue
        info = inspect(path, max_pixels=LIMIT)
        with Image.open(path) as image:
            turned = image.getexif().get(0x0112, 1) > 4
            size = image.size[::-1] if turned else image.size
            assert (info.width, info.height) == size, path.name
            if info.content_type == "image/gif":
                assert info.frames == getattr(image, "n_frames", 1), path.name


def test_the_digest_given_is_believed() -> None:
    """An upload has hashed its bytes already: they are not read twice."""
    assert inspect(io.BytesIO(_picture()), max_pixels=LIMIT, sha256="abc").sha256 == "abc"


def test_sniffing_an_empty_head_is_harmless() -> None:
    """No bytes are no image."""
    assert sniff(b"") == "application/octet-stream"
