"""What core promises of pixels: colours, orientation, sizes, privacy, and clear refusals."""

from __future__ import annotations

import base64
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from nashr.domain.recipe import RECIPE, Recipe, Size
from nashr_images import core
from nashr_images.renditions import (
    BrokenImage,
    Job,
    LightJob,
    NotAnImage,
    Rendered,
    Rendition,
    TooManyPixels,
    lighter_only,
    second_set,
)
from PIL import Image, ImageFile, ImageOps

PHOTOS = Path(__file__).resolve().parents[3].parent / "shared" / "photos"
RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)
MAKE, COPYRIGHT, GPS = 0x010F, 0x8298, 0x8825


def photo(name: str) -> bytes:
    path = PHOTOS / name
    if not path.exists():
        pytest.skip(f"the sample photo {name} is not on this machine")
    return path.read_bytes()


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def plain(width: int, height: int, colour: tuple[int, ...] = RED, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (width, height), colour)


def noise(width: int, height: int) -> Image.Image:
    return Image.effect_noise((width, height), 60).convert("RGB")


def scene(width: int, height: int) -> Image.Image:
    """Soft shapes, as photos have them: every format does well."""
    return Image.effect_noise((width // 20, height // 20), 90).resize((width, height)).convert("RGB")


def halves(width: int, height: int) -> Image.Image:
    """Red on the left, blue on the right."""
    image = plain(width, height, RED)
    image.paste(BLUE, (width // 2, 0, width, height))
    return image


def of_type(rendered: Rendered, content_type: str) -> list[Rendition]:
    """The uncropped files of a type, from narrow to wide."""
    return [made for made in rendered.renditions if made.content_type == content_type and not made.crop]


def crops(rendered: Rendered) -> dict[str, Rendition]:
    """The JPEG crops by their shape."""
    return {
        made.crop: made for made in rendered.renditions if made.crop and made.content_type == "image/jpeg"
    }


def opened(made: Rendition) -> ImageFile.ImageFile:
    return Image.open(io.BytesIO(made.data))


def widest(rendered: Rendered, content_type: str = "image/jpeg") -> Image.Image:
    return Image.open(io.BytesIO(of_type(rendered, content_type)[-1].data))


def widths(rendered: Rendered) -> list[int]:
    return [made.width for made in of_type(rendered, "image/jpeg")]


def close_to(pixel: Any, colour: tuple[int, ...], *, within: int = 6) -> bool:
    return all(abs(got - want) <= within for got, want in zip(pixel, colour, strict=True))


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference of two pictures of about the same size, 0 to 255."""
    size = (64, 64)
    pixels = (one.resize(size).tobytes(), other.resize(size).tobytes())
    return sum(abs(a - b) for a, b in zip(*pixels, strict=True)) / len(pixels[0])


def png_header(width: int, height: int) -> bytes:
    """A PNG that announces its size and has no pixel at all."""

    def chunk(name: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + checksum

    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def located(image: Image.Image) -> bytes:
    """A JPEG with GPS position, camera, credit and colour profile, as cameras write them."""
    exif = Image.Exif()
    exif[MAKE], exif[COPYRIGHT] = "Camera maker", "Credit line"
    exif.get_ifd(GPS).update({1: "N", 2: (33.0, 53.0, 20.0), 3: "E", 4: (35.0, 30.0, 5.0)})
    return encoded(image, exif=exif, comment=b"private comment")


# Sizes


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (109, [109]),
        (320, [320]),
        (1100, [320, 640, 960, 1100]),
        (1920, [320, 640, 960, 1280, 1920]),
        (2500, [320, 640, 960, 1280, 1920]),
    ],
)
def test_widths_never_exceed_the_photo(width: int, expected: list[int]) -> None:
    """A photo gets every smaller width and its own, up to 1920, and is never enlarged."""
    rendered = core.render(encoded(plain(width, 60)))
    assert widths(rendered) == expected
    assert (rendered.width, rendered.height) == (width, 60)


# Header


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("AVIF", "image/avif"),
        ("TIFF", "image/tiff"),
        ("GIF", "image/gif"),
    ],
)
def test_accepted_formats(kind: str, content_type: str) -> None:
    """Each accepted format is recognised by its bytes and rendered."""
    data = encoded(halves(120, 80), kind)
    header = core.inspect(data)
    assert (header.content_type, header.width, header.height) == (content_type, 120, 80)
    assert (header.pages, header.has_alpha) == (1, False)
    assert close_to(widest(core.render(data)).getpixel((20, 40)), RED, within=12)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not an image",
        b"%PDF-1.7\n",
        b"P6 1 1 255\nabc",
        b"1,2,3\n4,5,6\n",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect/></svg>',
    ],
)
def test_other_files_are_not_images(data: bytes) -> None:
    """Anything but the accepted formats is refused, SVG and libvips' exotic loaders included."""
    with pytest.raises(NotAnImage, match="Send a JPEG, PNG, WebP"):
        core.inspect(data)


def test_header_of_a_turned_photo() -> None:
    """Width and height are those a reader sees, not those of the sensor."""
    exif = Image.Exif()
    exif[0x0112] = 6
    header = core.inspect(encoded(plain(120, 80), exif=exif))
    assert (header.width, header.height) == (80, 120)


def test_bomb_is_refused_by_its_header() -> None:
    """Four gigapixels are refused before decoding: this file has no pixel that could be decoded."""
    with pytest.raises(TooManyPixels, match="64250 x 64250"):
        core.render(png_header(64_250, 64_250))


def test_frames_count_as_pixels() -> None:
    """An animation is as large as all its frames together."""
    frames = [plain(100, 100, (shade, 0, 0)) for shade in range(0, 200, 20)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert core.inspect(data, max_pixels=100_000).pages == 10
    with pytest.raises(TooManyPixels, match=r"10 frame\(s\)"):
        core.inspect(data, max_pixels=99_999)


# Renditions


def test_each_width_as_webp_and_jpeg() -> None:
    """Every width comes as WebP and JPEG of exactly the size that it states."""
    rendered = core.render(encoded(scene(1000, 501)))
    types = [made.content_type for made in rendered.renditions if not made.crop]
    assert types == ["image/jpeg", "image/webp"] * 4
    for made in rendered.renditions:
        image = opened(made)
        assert image.size == (made.width, made.height)
        assert image.get_format_mimetype() == made.content_type
        assert image.mode == "RGB"


def test_same_photo_same_bytes() -> None:
    """Rendering is a pure function of photo and recipe."""
    data = encoded(noise(700, 500))
    assert core.render(data) == core.render(data)


def test_very_tall_photo_fits_webp() -> None:
    """A photo taller than WebP can hold is scaled down, not refused."""
    rendered = core.render(encoded(plain(400, 20_000), "PNG"))
    assert rendered.height == 20_000
    assert of_type(rendered, "image/jpeg")[-1].height <= 16_383


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_baked_in(orientation: int) -> None:
    """Whatever way the camera was held, renditions are upright and carry no orientation tag."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(halves(120, 80), exif=exif, quality=95)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    made = widest(core.render(data))
    assert made.size == upright.size
    assert difference(made, upright) < 3
    assert not made.getexif()


def test_credit_stays_and_whereabouts_go() -> None:
    """Copyright leaves with every rendition; position, camera, comment and colour profile with none."""
    data = located(noise(1400, 1000))
    rendered = core.render(data, keep=True)
    assert rendered.decode
    sizes = (Size(None, 320, 229), Size("1:1", 1000, 1000))
    job = LightJob(RECIPE, second_set(RECIPE, sizes), (0.5, 0.5))
    for made in (*rendered.renditions, *core.render_lighter(rendered.decode, job)):
        image = opened(made)
        exif = image.getexif()
        assert exif[COPYRIGHT] == "Credit line"
        assert not {MAKE, GPS} & exif.keys()
        assert not {"icc_profile", "comment"} & image.info.keys()
        assert not any(secret in made.data for secret in (b"Camera maker", b"private comment"))
        assert ("xmp" in image.info) == (made.width >= 1000)


def test_a_photo_without_credit_gets_none() -> None:
    """Nothing is written into files whose photo says nothing."""
    for made in core.render(encoded(noise(400, 300))).renditions:
        image = opened(made)
        assert not image.getexif()
        assert not {"exif", "icc_profile", "comment", "xmp"} & image.info.keys()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_png_becomes_eight_bit_rgb(mode: str) -> None:
    """Bitmap, grey, palette and 16-bit files all end as three 8-bit channels."""
    rendered = core.render(encoded(Image.new(mode, (50, 40)), "PNG"))
    assert widest(rendered).mode == "RGB"


def test_cmyk_becomes_rgb() -> None:
    """A print file without a profile keeps its colours, roughly: pure yellow stays yellow."""
    rendered = core.render(encoded(plain(60, 40, (0, 0, 255, 0), "CMYK")))
    red, green, blue = widest(rendered).getpixel((30, 20))  # type: ignore[misc]
    assert red > 200
    assert green > 180
    assert blue < 120


def test_nothing_shines_through() -> None:
    """What is see-through has no blurred placeholder: it would stay visible behind the picture."""
    assert core.render(encoded(plain(60, 40, (255, 0, 0, 0), "RGBA"), "PNG")).placeholder == ""


def test_floating_point_is_refused() -> None:
    """A TIFF whose numbers have no agreed white is refused with a cure, not published black."""
    with pytest.raises(NotAnImage, match="export it as an 8-bit TIFF"):
        core.render(encoded(Image.new("F", (60, 40), 0.5), "TIFF"))


def test_a_tiff_names_its_author() -> None:
    """Artist and copyright of a TIFF stand in its own directory."""
    rendered = core.render(encoded(plain(60, 40), "TIFF", tiffinfo={315: "Samir", 33432: "Agency"}))
    assert (rendered.metadata.creator, rendered.metadata.holder) == ("Samir", "Agency")


def test_transparency() -> None:
    """Transparent pixels turn white in JPEG, and stay transparent in WebP."""
    rendered = core.render(encoded(plain(60, 40, (255, 0, 0, 0), "RGBA"), "PNG"))
    assert close_to(widest(rendered).getpixel((30, 20)), WHITE)
    assert close_to(widest(rendered, "image/webp").getchannel("A").getextrema(), (0, 0))
    assert rendered.mean_colour == "#ffffff"


def animated(kind: str, *, count: int = 3, width: int = 400, **options: Any) -> bytes:
    frames = [plain(width, 300, colour) for colour in (RED, BLUE, WHITE)[:count]]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=200, **options)


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_animation_keeps_moving_in_webp(kind: str) -> None:
    """Every width moves in WebP, at its pace and for ever; JPEG and the crops show the first frame."""
    rendered = core.render(animated(kind, loop=0), keep=True)
    assert [made.frames for made in of_type(rendered, "image/webp")] == [3, 3]
    for made in of_type(rendered, "image/webp"):
        moving = opened(made)
        assert (getattr(moving, "n_frames", 1), moving.size) == (3, (made.width, made.height))
        assert (moving.info["loop"], moving.info.get("duration", 200)) == (0, 200)
    assert close_to(widest(rendered).getpixel((200, 150)), RED)
    assert all(getattr(opened(made), "n_frames", 1) == 1 for made in crops(rendered).values())
    assert rendered.decode is None


def test_an_animation_is_not_turned() -> None:
    """Frames lie below each other: an orientation tag, which browsers ignore there, changes nothing."""
    exif = Image.Exif()
    exif[0x0112] = 6
    rendered = core.render(animated("WEBP", loop=0, exif=exif.tobytes()))
    assert (rendered.width, rendered.height) == (400, 300)
    for made in rendered.renditions:
        assert opened(made).size == (made.width, made.height)


def test_pages_of_a_document_do_not_move() -> None:
    """A TIFF of several pages is its first page, not an animation."""
    rendered = core.render(animated("TIFF"))
    assert all(made.frames == 1 for made in rendered.renditions)
    assert close_to(widest(rendered).getpixel((200, 150)), RED)


# Crops and the point they are cut around


def test_three_shapes_at_1200() -> None:
    """Search engines get 16:9, 4:3 and 1:1, 1200 pixels wide, from one decode."""
    made = crops(core.render(encoded(noise(3000, 2000), quality=40)))
    assert {name: (one.width, one.height) for name, one in made.items()} == {
        "16:9": (1200, 675),
        "4:3": (1200, 900),
        "1:1": (1200, 1200),
    }
    assert all(opened(one).size == (one.width, one.height) for one in made.values())


def test_crops_are_never_enlarged() -> None:
    """A small photo has small crops; a shape that it has by itself is not cut again."""
    made = crops(core.render(encoded(noise(800, 600))))
    assert {name: (one.width, one.height) for name, one in made.items()} == {
        "16:9": (800, 450),
        "1:1": (600, 600),
    }


def spot(x: int, y: int, *, size: tuple[int, int] = (900, 600)) -> bytes:
    """A grey photo with one thing to look at."""
    image = plain(*size, (120, 120, 120))
    patch = Image.effect_noise((120, 120), 120).convert("RGB")
    image.paste(patch, (x - 60, y - 60))
    return encoded(image, "PNG")


def test_crops_follow_the_editors_point() -> None:
    """What lies at the focal point is in the square, wherever that is; without one it would be cut off."""
    data = spot(80, 300)
    square = opened(crops(core.render(data, Job(focal=(80 / 900, 0.5))))["1:1"]).convert("L")
    assert ImageOps.exif_transpose(square).getextrema()[1] > 200  # type: ignore[operator]
    other = opened(crops(core.render(data, Job(focal=(0.9, 0.5))))["1:1"]).convert("L")
    assert other.getextrema()[1] < 140  # type: ignore[operator]


@pytest.mark.parametrize(("x", "y"), [(250, 300), (650, 300), (450, 150), (450, 430)])
def test_the_point_is_found(x: int, y: int) -> None:
    """Without an editor's point, crops keep the one thing that there is to look at."""
    found = core.render(spot(x, y)).found
    assert found
    assert abs(found[0] - x / 900) < 0.12
    assert abs(found[1] - y / 600) < 0.12


def test_nothing_to_look_at_is_the_middle() -> None:
    """A single colour has no point of its own, and an editor's needs no search."""
    assert core.render(encoded(plain(90, 60, (99, 99, 99)), "PNG")).found == (0.5, 0.5)
    assert core.render(encoded(noise(90, 60)), Job(focal=(0.1, 0.2))).found is None


def test_crops_only() -> None:
    """A moved point costs the crops alone."""
    rendered = core.render(encoded(noise(1000, 700)), Job(focal=(0, 0), crops_only=True))
    assert {made.crop for made in rendered.renditions} == {"16:9", "4:3", "1:1"}


# AVIF


def test_what_follows_comes_from_the_same_decode() -> None:
    """The second phase makes AVIF of every size, and the crops' WebP, which look as the JPEG does."""
    rendered = core.render(photo("traps/orient_Landscape_1.jpg"), keep=True)
    assert rendered.decode
    jpegs = {(one.crop, one.width): one for one in rendered.renditions if one.content_type == "image/jpeg"}
    files = second_set(RECIPE, (Size(one.crop, one.width, one.height) for one in jpegs.values()))
    made = core.render_lighter(rendered.decode, LightJob(RECIPE, files, rendered.found or (0, 0)))
    assert [(one.content_type, Size(one.crop, one.width, one.height)) for one in made] == list(files)
    assert [kind for kind, _ in files] == ["image/webp"] * 3 + ["image/avif"] * len(jpegs)
    for light in made:
        heavy, image = jpegs[light.crop, light.width], opened(light)
        assert (image.get_format_mimetype(), image.size) == (light.content_type, (light.width, light.height))
        assert difference(image, opened(heavy)) < 4


def test_a_decode_made_anew_gives_the_same() -> None:
    """Where the decode was not kept, the same bytes come from the original."""
    data = encoded(noise(700, 500))
    job = LightJob(RECIPE, (("image/avif", Size(None, 320, 229)),), (0.5, 0.5))
    kept = core.render(data, keep=True).decode
    assert kept
    assert core.render_lighter(kept, job) == core.render_lighter(core.decoded(data, RECIPE), job)


def test_a_format_must_be_lighter() -> None:
    """A shape's files stay out unless they are smaller, all together, than the lightest there are."""

    def file(kind: str, crop: str | None, width: int, size: int) -> Rendition:
        return Rendition(width, 1, f"image/{kind}", bytes(size), crop)

    files = [
        file("webp", "1:1", 320, 30), file("webp", "4:3", 320, 25),
        file("avif", None, 320, 10), file("avif", None, 640, 50), file("avif", "4:3", 320, 26),
    ]  # fmt: skip
    than = {(None, 320): 9, (None, 640): 60, ("1:1", 320): 30, ("4:3", 320): 30}
    kept = [(one.content_type, one.crop, one.width) for one in lighter_only(files, than)]
    assert kept == [("image/webp", "4:3", 320), ("image/avif", None, 320), ("image/avif", None, 640)]


def test_a_sites_own_recipe() -> None:
    """Widths, crops and quality are the site's."""
    recipe = Recipe(widths=(200, 500), crops=("3:2",), crop_width=300, quality="light")
    rendered = core.render(encoded(noise(900, 900)), Job(recipe))
    assert widths(rendered) == [200, 500]
    assert [(made.width, made.height) for made in crops(rendered).values()] == [(300, 200)]
    standard = core.render(encoded(noise(900, 900)), Job(Recipe(widths=(200, 500))))
    light, usual = (of_type(one, "image/jpeg")[-1] for one in (rendered, standard))
    assert len(light.data) < len(usual.data)


# Colours


def test_wide_profiles_are_converted() -> None:
    """The green of a wide profile is not published as the same numbers without it."""
    profile = Image.open(io.BytesIO(photo("traps/sharp_p3.png"))).info["icc_profile"]
    rendered = core.render(encoded(plain(60, 40, (0, 200, 0)), icc_profile=profile, quality=95))
    red, green, blue = bytes.fromhex(rendered.mean_colour[1:])
    assert max(red, blue) < 20
    assert green > 203


def test_placeholder_and_mean_colour() -> None:
    """The placeholder is a tiny WebP of at most 400 bytes, even of noise; the colour a mean."""
    rendered = core.render(encoded(noise(1000, 1000)))
    prefix, _, content = rendered.placeholder.partition(",")
    image = Image.open(io.BytesIO(base64.b64decode(content)))
    assert prefix == "data:image/webp;base64"
    assert len(rendered.placeholder) <= 400
    assert max(image.size) <= 32
    assert core.render(encoded(plain(90, 60, (16, 32, 48)), "PNG")).mean_colour == "#102030"


# Damage


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("WEBP", {}),
        ("GIF", {}),
        ("AVIF", {"speed": 10}),
    ],
)
def test_truncated_files_are_broken(kind: str, options: dict[str, Any]) -> None:
    """Half a file is refused, never published with a grey half."""
    data = encoded(noise(600, 500), kind, **options)
    with pytest.raises(BrokenImage, match=r"damaged \(.+\)\. Export it again"):
        core.render(data[: len(data) // 2])


# Sample photos


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("im_book-beside-flowers.jpg", (3024, 4032)),
        ("im_craft-beer.jpg", (6000, 4000)),
        ("im_handwritten-notes.jpg", (5117, 3411)),
        ("im_japanese-shop.jpg", (4217, 2817)),
    ],
)
def test_real_photos(name: str, size: tuple[int, int]) -> None:
    """Photos of 12 to 24 megapixels come out in all five widths and look like the original."""
    data = photo(name)
    rendered = core.render(data)
    assert (rendered.width, rendered.height) == size
    assert widths(rendered) == [320, 640, 960, 1280, 1920]
    original = Image.open(io.BytesIO(data))
    original.draft("RGB", (640, 640))
    assert difference(widest(rendered), original.convert("RGB")) < 4


@pytest.mark.parametrize("turned", [3, 6, 8])
def test_camera_orientations_agree(turned: int) -> None:
    """The same scene shot with the camera turned gives the same picture."""
    upright = widest(core.render(photo("traps/orient_Landscape_1.jpg")))
    other = widest(core.render(photo(f"traps/orient_Landscape_{turned}.jpg")))
    assert other.size == upright.size
    assert difference(other, upright) < 3


def test_wide_gamut_is_converted() -> None:
    """A Display P3 red becomes sRGB red, not the same numbers without their profile."""
    assert core.render(photo("traps/sharp_p3.png")).mean_colour == "#ff0000"


@pytest.mark.parametrize(
    ("name", "colour"),
    [
        ("sharp_Channel_digital_image_CMYK_color.jpg", (126, 131, 121)),
        ("sharp_Flag_of_the_Netherlands-16bit.png", (154, 118, 144)),
    ],
)
def test_print_and_deep_colours(name: str, colour: tuple[int, ...]) -> None:
    """CMYK with its profile and 16 bits per channel arrive at the right sRGB mean."""
    mean = core.render(photo(f"traps/{name}")).mean_colour
    assert close_to(bytes.fromhex(mean[1:]), colour)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("vips_ultra-hdr.jpg", (3840, 2160)),
        ("im_8bit-sRGB.avif", (1617, 1080)),
        ("sharp_Flag_of_the_Netherlands-alpha.png", (900, 600)),
        ("sharp_animated-loop-3.gif", (370, 285)),
        ("sharp_rotating-squares.gif", (80, 80)),
        ("orient_Portrait_6.jpg", (1200, 1800)),
    ],
)
def test_unusual_files_are_accepted(name: str, size: tuple[int, int]) -> None:
    """Ultra HDR, AVIF, transparent, animated and turned files render at the size one sees."""
    rendered = core.render(photo(f"traps/{name}"))
    assert (rendered.width, rendered.height) == size
    assert of_type(rendered, "image/jpeg")[-1].width == min(size[0], 1920)


@pytest.mark.parametrize("name", ["sharp_truncated.jpg", "sharp_corrupt-header.jpg"])
def test_damaged_samples(name: str) -> None:
    """A JPEG cut short, in its pixels or in its header, is refused with a cure."""
    with pytest.raises(BrokenImage, match="Export it again"):
        core.render(photo(f"traps/{name}"))
