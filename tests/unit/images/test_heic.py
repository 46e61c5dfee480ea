"""What heic promises of pixels: upright, 8 bits, with their profile, never more than allowed."""

from __future__ import annotations

import io
import struct
import sys
from typing import Any

import pytest
import pyvips
from nashr_images import core, heic, metadata
from nashr_images.heic import Decoded
from nashr_images.metadata import Metadata
from nashr_images.renditions import BrokenImage, DecoderUnavailable, ImageRefused, TooManyPixels
from PIL import Image, ImageCms, ImageOps

heif = pytest.importorskip("pillow_heif", reason="the heic extra of nashr-images is not installed")
RED, BLUE, GREEN, WHITE = (255, 0, 0), (0, 0, 255), (0, 128, 0), (255, 255, 255)


def corners(size: tuple[int, int] = (240, 160)) -> Image.Image:
    """Four colours, so that every turn and mirror shows."""
    width, height = size
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (width // 2, 0, width, height // 2))
    image.paste(GREEN, (0, height // 2, width // 2, height))
    image.paste(WHITE, (width // 2, height // 2, width, height))
    return image


def encoded(image: Image.Image, *, orientation: int = 1, **options: Any) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    heif.register_heif_opener()
    image.save(out, "HEIF", quality=90, chroma=444, exif=exif.tobytes(), **options)
    return out.getvalue()


def as_vips(decoded: Decoded) -> Any:
    return pyvips.Image.new_from_memory(decoded.pixels, decoded.width, decoded.height, decoded.bands, "uchar")


def at_corners(decoded: Decoded) -> list[list[int]]:
    image = as_vips(decoded)
    places = [(x, y) for y in (0.25, 0.75) for x in (0.25, 0.75)]
    return [
        [round(value) for value in image.getpoint(int(x * image.width), int(y * image.height))]
        for x, y in places
    ]


def close(one: Any, other: Any) -> bool:
    return all(abs(a - b) <= 8 for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_are_upright(orientation: int) -> None:
    """irot and imir are applied once: all eight orientations look as Pillow would turn them."""
    data = encoded(corners(), orientation=orientation)
    tagged = corners()
    tagged.getexif()[0x0112] = orientation
    turned = ImageOps.exif_transpose(tagged)

    decoded = heic.decode(data)

    assert (decoded.width, decoded.height) == turned.size
    wanted = [
        turned.getpixel((int(x * turned.width), int(y * turned.height)))
        for y in (0.25, 0.75)
        for x in (0.25, 0.75)
    ]
    assert all(close(*pair) for pair in zip(at_corners(decoded), wanted, strict=True))


def test_a_grid_of_tiles_is_one_picture() -> None:
    """What a phone cuts into tiles comes out whole."""
    decoded = heic.decode(encoded(corners((1_200, 800)), tile_size=512))

    assert (decoded.width, decoded.height, decoded.bands) == (1_200, 800, 3)
    assert all(close(*pair) for pair in zip(at_corners(decoded), (RED, BLUE, GREEN, WHITE), strict=True))


@pytest.mark.parametrize("size", [(241, 161), (65, 77)])
def test_rows_have_no_padding(size: tuple[int, int]) -> None:
    """Three bytes a pixel and nothing between rows, whatever the width."""
    decoded = heic.decode(encoded(corners(size)))

    assert len(decoded.pixels) == size[0] * size[1] * 3
    assert close(at_corners(decoded)[3], WHITE)


@pytest.mark.parametrize(("mode", "bands"), [("L", 1), ("RGBA", 4), ("I;16", 1)])
def test_every_kind_of_picture_has_eight_bits(mode: str, bands: int) -> None:
    """Grey, transparent and deep pictures too."""
    white = 65_535 if mode == "I;16" else (255,) * bands
    decoded = heic.decode(encoded(Image.new(mode, (64, 64), white)))

    assert (decoded.bands, len(decoded.pixels)) == (bands, 64 * 64 * bands)
    assert min(decoded.pixels) >= 250


def test_profile_and_blobs_come_along() -> None:
    """The ICC profile, and EXIF and XMP as metadata.read takes them."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    facts = Metadata(creator="سامر نصّار", holder="خبر")
    out = io.BytesIO()
    heif.register_heif_opener()
    corners().save(out, "HEIF", icc_profile=profile, exif=metadata.exif(facts), xmp=metadata.packet(facts))

    decoded = heic.decode(out.getvalue())

    assert decoded.icc == profile
    assert metadata.read(exif=decoded.exif, iptc=None, xmp=None) == facts
    assert metadata.read(exif=None, iptc=None, xmp=decoded.xmp) == facts


def test_a_picture_without_blobs_has_none() -> None:
    """Absent is None, not empty."""
    out = io.BytesIO()
    heif.from_pillow(corners()).save(out)

    decoded = heic.decode(out.getvalue())

    assert (decoded.icc, decoded.exif, decoded.xmp) == (None, None, None)


def test_the_limit_is_looked_at_before_pixels_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture over the limit is refused by its header alone; at the limit it passes."""
    data = encoded(corners())
    assert heic.decode(data, max_pixels=240 * 160).width == 240
    monkeypatch.setattr(heif.heif.BaseImage, "load", _never)

    with pytest.raises(TooManyPixels, match="240 x 160"):
        heic.decode(data, max_pixels=240 * 160 - 1)


def _never(*_: object) -> None:
    raise AssertionError("pixels were decoded")


def test_a_header_that_plays_the_picture_down_is_damage() -> None:
    """A coded picture larger than announced is not decoded."""
    data = encoded(corners((600, 400)))
    at = data.index(b"ispe") + 8

    with pytest.raises(BrokenImage):
        heic.decode(data[:at] + struct.pack(">II", 16, 16) + data[at + 8 :])


@pytest.mark.parametrize("share", [0, 0.02, 0.3, 0.7, 0.99])
def test_cut_off_files_are_broken(share: float) -> None:
    """Nothing, half a header or half a picture: one refusal, in a sentence that says what to do."""
    data = encoded(Image.effect_noise((320, 200), 60).convert("RGB"))

    with pytest.raises(BrokenImage, match="Export it again"):
        heic.decode(data[: int(len(data) * share)])


def test_damaged_files_raise_nothing_else() -> None:
    """A byte turned over, here and there: pixels or a refusal."""
    data = encoded(corners())
    for at in range(8, len(data), 3):
        try:
            heic.decode(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :], max_pixels=1_000_000)
        except ImageRefused:
            continue


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library the photo is not blamed, and the message says what to install."""
    monkeypatch.setitem(sys.modules, "pillow_heif", None)

    with pytest.raises(DecoderUnavailable, match="uv sync --extra heic"):
        heic.decode(b"")


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_heic_becomes_renditions(orientation: int) -> None:
    """Through the whole of core: upright JPEG, WebP and AVIF files that browsers show."""
    data = encoded(corners((1_000, 600)), orientation=orientation)
    rendered = core.render(data, keep=True)
    size = (1_000, 600) if orientation == 1 else (600, 1_000)
    assert (rendered.width, rendered.height) == size
    jpeg = [one for one in rendered.renditions if one.content_type == "image/jpeg" and not one.crop][-1]
    made = Image.open(io.BytesIO(jpeg.data)).convert("RGB")
    assert made.size == size
    first = RED if orientation == 1 else GREEN
    assert close(made.getpixel((20, 20)), first)
    assert rendered.decode is not None


def test_a_see_through_heic_stays_so() -> None:
    """Alpha goes into WebP, white into JPEG."""
    rendered = core.render(encoded(Image.new("RGBA", (80, 60), (255, 0, 0, 0))))
    webp = next(one for one in rendered.renditions if one.content_type == "image/webp")
    assert Image.open(io.BytesIO(webp.data)).convert("RGBA").getpixel((9, 9))[3] < 3  # type: ignore[index]
    assert rendered.mean_colour == "#ffffff"
