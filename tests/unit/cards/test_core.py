"""What a drawn card promises: shaped text, readable on any photo, never a failure, never too heavy."""

from __future__ import annotations

import io
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import fontpkg_ibm_plex_sans_arabic as plex
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nashr.domain.cards import FORMATS, SIZES, Format, State
from nashr_cards import backdrop, colour, core, fonts, frame, inking, layout, lettering, veil
from nashr_cards import jpeg as jpeg_files
from nashr_cards import logo as logos
from nashr_cards.card import Card, CardText, Theme, UnreadableHero
from nashr_cards.lettering import Ink, Style
from PIL import Image, ImageChops, ImageDraw, ImageFont, ImageStat, features

THEME = Theme("#c8102e", "#0f172a", "#ffffff", "خبر")
PAPER = Theme("#0f766e", "#fbf9f4", "#1c1917", "Khabar Daily")
ARABIC = Style("rtl", "ar", size=60)
CHIPS = "البرلمان يقر قانون الرقائق (CHIPS Act) بعد جلسة طويلة"


def arabic(headline: str, *, label: str = "سياسة", breaking: bool = False) -> CardText:
    return CardText(headline, label, "ar", "rtl", "٢٣ نوفمبر ٢٠٢٦", state="breaking" if breaking else "plain")


def english(headline: str, *, label: str = "Politics") -> CardText:
    return CardText(headline, label, "en", "ltr", "23 November 2026")


def drawn(
    text: CardText,
    *,
    hero: bytes | None = None,
    theme: Theme = THEME,
    focal: tuple[float, float] | None = None,
    format: Format = "og",  # noqa: A002
) -> Card:
    (card,) = core.draw(text, hero=hero, focal=focal, theme=theme, formats=(format,))
    return card


def picture(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()


def lossless_file(pixels: inking.Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


def white(width: int = 1280, height: int = 854) -> bytes:
    return jpeg(Image.new("RGB", (width, height), "white"))


def noise(width: int = 1280, height: int = 854) -> bytes:
    pixels = random.Random(7).randbytes(width * height * 3)
    return jpeg(Image.frombytes("RGB", (width, height), pixels))


def mask(ink: Ink) -> Image.Image:
    return Image.frombytes("L", (ink.mask.width, ink.mask.height), ink.mask.write_to_memory())


def ink_of(text: str, *, style: Style = ARABIC, width: int = 2000) -> Ink:
    return lettering.ink(text, style=style, width=width)


def bright_box(image: Image.Image, rows: tuple[int, int]) -> tuple[int, int, int, int]:
    """The box of almost white pixels within ``rows`` of a card with white text."""
    strip = image.convert("L").crop((0, rows[0], image.width, rows[1]))
    box = strip.point([255 if value > 215 else 0 for value in range(256)]).getbbox()
    assert box is not None
    return box


@pytest.fixture
def lossless(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Image.Image, Image.Image]]:
    """Draws a card and what lies behind its ink, both before JPEG."""

    def both(text: CardText, **how: Any) -> tuple[Image.Image, Image.Image]:
        with monkeypatch.context() as patch:
            patch.setattr(jpeg_files, "encoded", lossless_file)
            card = picture(drawn(text, **how).data)
            patch.setattr(core, "_printed", lambda image, *_: image)
            return card, picture(drawn(text, **how).data)

    return both


def test_arabic_letters_join() -> None:
    """A word is drawn in joined forms: narrower than its letters kept apart, and other ink."""
    joined, apart = ink_of("مستشفى"), ink_of("\u200c".join("مستشفى"))

    assert joined.width < apart.width * 0.8


@pytest.mark.parametrize("text", ["مرحبا بالعالم", "قانون الرقائق (CHIPS Act) أُقِرَّ", "Parliament"])
def test_shaping_agrees_with_another_renderer(text: str) -> None:
    """Joining, marks and word order are those that HarfBuzz and FriBidi give through Pillow."""
    if not (features.check("raqm") and features.check("fribidi")):
        pytest.skip("Pillow finds no libfribidi on this machine")
    style = ARABIC if text != "Parliament" else Style("ltr", "en", size=60)
    ours = mask(ink_of(text, style=style))
    font = ImageFont.truetype(
        plex.ROOT / "files/IBMPlexSansArabic-Bold.ttf", 60, layout_engine=ImageFont.Layout.RAQM
    )
    canvas = Image.new("L", (ours.width * 2, 300))
    ImageDraw.Draw(canvas).text((40, 60), text, font=font, fill=255, direction=style.direction)
    theirs = canvas.crop(canvas.getbbox())

    assert abs(theirs.width - ours.width) <= 3
    assert abs(theirs.height - ours.height) <= 3
    difference = ImageChops.difference(ours, theirs.resize(ours.size))
    assert ImageStat.Stat(difference).mean[0] < 0.25 * ImageStat.Stat(ours).mean[0]


def test_rtl_and_ltr_mirror_each_other() -> None:
    """An Arabic headline is flush with the right margin, an English one with the left."""
    right = bright_box(picture(drawn(arabic("خبر قصير", label="")).data), (250, 480))
    left = bright_box(picture(drawn(english("Short", label="")).data), (250, 480))

    assert right[2] == pytest.approx(1200 - 64, abs=3)
    assert right[0] > 500
    assert left[0] == pytest.approx(64, abs=3)
    assert left[2] < 700


def test_the_surface_mirrors_too() -> None:
    """The lattice lies opposite the headline in both directions."""
    rtl, ltr = (
        backdrop.surface(size=(600, 315), base=(15, 23, 42), accent=(200, 16, 46), rtl=rtl)
        for rtl in (True, False)
    )

    def apart(one: inking.Pixels, other: inking.Pixels) -> float:
        return float(np.abs(one.astype(int) - other).mean())

    assert apart(rtl[:, ::-1], ltr) < 1.5
    assert apart(rtl, ltr) > 2


@pytest.mark.parametrize("hero", [white(), noise(), None], ids=["white", "noise", "none"])
@pytest.mark.parametrize("words", ["موجز", CHIPS * 2])
@pytest.mark.parametrize("format", FORMATS)
def test_text_is_readable_on_every_photo(
    hero: bytes | None,
    words: str,
    format: Format,  # noqa: A002
    lossless: Callable[..., tuple[Image.Image, Image.Image]],
) -> None:
    """Behind each inked pixel of headline, date and site name the contrast is at least 4.5 to 1."""
    card, behind = lossless(arabic(words, label=""), hero=hero, format=format)
    text = [
        under
        for ink, under in zip(card.get_flattened_data(), behind.get_flattened_data(), strict=True)
        if ink == (255, 255, 255) and under != ink
    ]

    assert len(text) > 3000
    assert min(colour.contrast(colour.WHITE, pixel) for pixel in set(text)) >= 4.5  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["plain", "breaking", "correction"])
@pytest.mark.parametrize("theme", [THEME, PAPER])
@pytest.mark.parametrize("hero", [white(), None], ids=["white", "none"])
def test_the_label_is_readable(
    state: State,
    theme: Theme,
    hero: bytes | None,
    lossless: Callable[..., tuple[Image.Image, Image.Image]],
) -> None:
    """The label's words stand on a chip of one colour, at 4.5 to 1 or more, in every state."""
    text = replace(arabic("موجز", label="سياسة"), state=state)
    card, _ = lossless(text, hero=hero, theme=theme)
    colours = frame.palette(theme, photo=hero is not None)
    fill, ink = (
        (colours.text, colours.ground) if state == "correction" else (colours.accent, colours.on_accent)
    )
    found = card.getcolors(1 << 24)

    assert found is not None
    counts: dict[Any, int] = {pixel: count for count, pixel in found}
    assert counts[fill] > 2000
    assert counts[ink] > 100
    assert colour.contrast(fill, ink) >= 4.5


def test_a_dark_photo_keeps_more_of_itself_than_a_light_one() -> None:
    """The veil is as thick as the pixels under the words ask for."""
    zone = [frame.Zone(0, 50, 100, 20)]

    def left(level: int) -> float:
        canvas = np.full((100, 100, 3), level, np.uint8)
        veil.draw(canvas, zones=zone, text=colour.WHITE, veil=colour.BLACK, least=0.1, target=4.7)
        return float(canvas[55, 50, 0]) / level

    assert left(100) > left(180) > left(255)


@pytest.mark.parametrize("hero", [white(), None], ids=["photo", "plain"])
@pytest.mark.parametrize("state", ["plain", "breaking", "correction"])
def test_a_story_keeps_words_out_of_what_apps_cover(
    hero: bytes | None, state: State, lossless: Callable[..., tuple[Image.Image, Image.Image]]
) -> None:
    """Nothing but the strip or band is printed on the upper and lower 250 px of a story."""
    text = replace(arabic(CHIPS * 2), state=state)
    card, behind = lossless(text, hero=hero, format="story")
    strip = frame.palette(THEME, photo=hero is not None)
    fill = strip.text if state == "correction" else strip.accent

    assert ImageChops.difference(card, behind).crop((0, 0, 1080, 250)).getbbox() is None
    foot = card.crop((0, 1670, 1080, 1920))
    if state == "breaking":
        assert foot.getcolors() == [(1080 * 250, fill)]
    changed = ImageChops.difference(card, behind).crop((0, 1670, 1080, 1910)).getbbox()
    assert state == "breaking" or changed is None


def test_every_format_carries_the_whole_headline() -> None:
    """A usual headline is cut in no format, and set larger than the floor."""
    cards = core.draw(arabic(CHIPS), hero=noise(), focal=None, theme=THEME)

    assert [card.format for card in cards] == list(FORMATS)
    for card in cards:
        assert card.font_size > frame.MEASURES[card.format].sizes[0]
        assert 1 <= card.lines <= 4


def test_a_photo_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All formats come from one decoded photo, and each is what it would be alone."""
    opened: list[object] = []
    real = backdrop.opened

    def counted(*args: Any, **how: Any) -> backdrop.Photo:
        opened.append(args)
        return real(*args, **how)

    monkeypatch.setattr(backdrop, "opened", counted)
    cards = core.draw(arabic(CHIPS), hero=white(1000, 700), focal=(0.5, 0.4), theme=THEME)

    assert len(opened) == 1
    assert len({card.data for card in cards}) == 4


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_photos_are_turned_upright(orientation: int) -> None:
    """A camera's turned photo is drawn as its viewer sees it: sky above, however it is stored."""
    upright = Image.new("RGB", (1400, 1000), "#20242c")
    ImageDraw.Draw(upright).rectangle((0, 0, 1400, 60), fill="#ff2020")
    turns = {1: 0, 3: 180, 6: 90, 8: 270}
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    upright.rotate(turns[orientation], expand=True).save(file, "JPEG", exif=exif, quality=95)

    card = picture(drawn(arabic("خبر"), hero=file.getvalue(), focal=(0.5, 0.0)).data)

    red, green, _ = card.getpixel((600, 10))  # type: ignore[misc]
    assert red > 180
    assert green < 80


@pytest.mark.parametrize("accent", ["#ffff00", "#c8102e", "#0b1f3a", "#888888", "nonsense"])
@pytest.mark.parametrize("background", ["#000", "#fff", "#777777"])
def test_any_theme_stays_readable(accent: str, background: str) -> None:
    """Text and label get a legible colour whatever colours the site chose."""
    for photo in (True, False):
        chosen = frame.palette(Theme(accent, background, "#808080", ""), photo=photo)

        assert colour.contrast(chosen.text, chosen.ground) >= 4.5
        assert colour.contrast(chosen.on_accent, chosen.accent) >= 4.5
        assert colour.contrast(chosen.accent, chosen.ground) >= 1.5


def test_the_top_of_the_photo_stays_as_it_is() -> None:
    """The veil leaves the upper part of a photo with a short headline untouched."""
    card = picture(drawn(arabic("موجز"), hero=white()).data)

    assert min(card.getpixel((600, 20))) > 250  # type: ignore[arg-type]


def test_the_focal_point_stays_in_the_picture() -> None:
    """The crop keeps the focal point, above the words; without one it looks for it."""
    image = Image.new("RGB", (1280, 1920), "#556677")
    ImageDraw.Draw(image).ellipse((500, 1560, 700, 1760), fill="#ff0000")
    hero = jpeg(image)

    def has_red(card: Card) -> bool:
        red, green, _ = picture(card.data).crop((0, 0, 1200, 330)).split()
        return ImageChops.subtract(red, green).getextrema()[1] > 150  # type: ignore[operator]

    assert has_red(drawn(english("Found"), hero=hero, focal=(0.47, 0.86)))
    assert has_red(drawn(english("Found"), hero=hero))
    assert not has_red(drawn(english("Lost"), hero=hero, focal=(0.5, 0.1)))


def test_the_same_input_gives_the_same_bytes() -> None:
    """Drawing is a pure function: page bytes may depend on the card's hash."""
    first = drawn(arabic(CHIPS), hero=noise())

    assert drawn(arabic(CHIPS), hero=noise()).data == first.data
    assert drawn(arabic(CHIPS)).data == drawn(arabic(CHIPS)).data


@pytest.mark.parametrize("format", FORMATS)
def test_cards_are_jpegs_of_the_asked_size_below_300_kb(format: Format) -> None:  # noqa: A002
    """Even pure noise stays below what messengers refuse to preview."""
    card = drawn(arabic(CHIPS), hero=noise(), format=format)

    assert (card.width, card.height) == picture(card.data).size == SIZES[format]
    assert card.content_type == "image/jpeg"
    assert card.data[:3] == b"\xff\xd8\xff"
    assert len(card.data) <= jpeg_files.MAX_BYTES


def test_a_plain_card_is_light() -> None:
    """A card without a photo loads at once."""
    assert len(drawn(arabic(CHIPS)).data) <= 150_000


@pytest.mark.parametrize(
    "headline",
    [
        "Fish & <b>chips</b>: \"5 > 4\" 'quoted' &amp;",
        "\x00nul and \x1b[31m control \ud800 half",
        "",
        " \u200f\u200c\u00a0 ",
        "ا" * 66,
        "W" * 66,
        "Goal 🎉 👩‍👩‍👧 🇱🇧 1️⃣ !",
        "漢字のみ",
        "قُتِلَ رَجُلٌ قَتيلاً وَٱلسُّلْطانُ يُحَقِّقُ",
        "a" + "\u0301" * 80,
        "two\nlines\r\nand\u2028three",
        "x" * 100_000,
    ],
)
def test_no_headline_breaks_a_card(headline: str) -> None:
    """Markup, control characters, nothing, long words, emoji, foreign scripts: always a card."""
    for text in (arabic(headline, label=headline), english(headline, label=headline)):
        card = drawn(text)

        assert picture(card.data).size == SIZES["og"]
        assert card.lines <= layout.MAX_LINES


@given(st.text(max_size=80), st.text(max_size=20), st.sampled_from(["ar", "en", "ur", "<x>", ""]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_text_whatever_breaks_a_card(headline: str, label: str, language: str) -> None:
    """Any string of code points in any field gives a card."""
    text = CardText(headline, label, language, "rtl", label)

    assert drawn(text, theme=Theme(label, label, label, headline)).data


def test_a_short_headline_is_large_and_a_long_one_small() -> None:
    """The size follows the length between its bounds, in at most four lines."""
    short, middle, long = (drawn(arabic(text)) for text in ("موجز", CHIPS * 2, CHIPS * 6))

    assert short.font_size > middle.font_size > long.font_size == 40
    assert (short.lines, long.lines) == (1, 4)


def test_what_does_not_fit_ends_in_an_ellipsis() -> None:
    """300 characters are cut between two words, inside the box."""
    cut = lettering.fit((CHIPS + " ") * 6, style=ARABIC, sizes=(40, 74), box=(1056, 330), max_lines=4)
    whole = lettering.fit(CHIPS, style=ARABIC, sizes=(40, 74), box=(1056, 330), max_lines=4)

    assert (cut.size, cut.lines) == (40, 4)
    assert cut.width <= 1056
    assert whole.size > 40


@pytest.mark.parametrize("lines", [1, 2, 3, 4])
@pytest.mark.parametrize("line", ["سلام", "رِجلٍ", "---", "Ägypt", "“"])
def test_lines_are_counted_right(line: str, lines: int) -> None:
    """Whatever the last line's ink reaches, up to the lowest kasra, the count is exact."""
    for leading in (1.22, 1.34, 1.54):
        style = Style("rtl", "ar", size=60, leading=leading)
        text = "\n".join(["سلام"] * (lines - 1) + [line])

        assert ink_of(text, style=style).lines == lines


def test_long_words_are_broken_without_a_hyphen() -> None:
    """A 66-letter word wraps inside its box and no ink is added."""
    style = Style("ltr", "en", size=60)
    wrapped = ink_of("l" * 66, style=style, width=500)

    assert wrapped.width <= 500
    # A hyphen would be the only ink right of the last l of a line, and lower than wide.
    last = mask(wrapped).crop((wrapped.width - 8, 0, wrapped.width, 60)).getbbox()
    assert last is not None
    assert last[3] - last[1] > 30


@pytest.mark.parametrize("hero", [b"", b"<svg/>", b"GIF89a", white()[:2000]])
def test_a_broken_hero_is_named(hero: bytes) -> None:
    """What is no photo, or half a photo, raises UnreadableHero."""
    with pytest.raises(UnreadableHero, match="hero"):
        drawn(arabic("خبر"), hero=hero)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (200, 100)])
def test_tiny_heroes_are_enlarged(size: tuple[int, int]) -> None:
    """Any decodable photo fills the card."""
    assert drawn(arabic("خبر"), hero=white(*size), focal=(1.0, 0.0)).data


@pytest.mark.parametrize("mode", ["L", "RGBA", "LA", "P"])
def test_grey_and_transparent_heroes_are_drawn(mode: str) -> None:
    """Photos in other pixel formats come out as sRGB."""
    file = io.BytesIO()
    Image.new(mode, (640, 427)).save(file, "PNG")

    assert drawn(arabic("خبر"), hero=file.getvalue()).data


def png(size: tuple[int, int], fill: tuple[int, int, int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", size, fill).save(file, "PNG")
    return file.getvalue()


SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 30">
<circle cx="15" cy="15" r="15" fill="#fff"/><rect x="40" width="50" height="30" fill="#fff"/></svg>"""


def with_logo(logo: bytes | None) -> Card:
    return drawn(arabic("خبر"), theme=replace(THEME, background="#0f172a", logo=logo))


@pytest.mark.parametrize(
    "logo", [png((400, 100), (255, 255, 255, 255)), SVG, b"\xef\xbb\xbf<?xml version='1.0'?>" + SVG]
)
def test_a_wide_logo_replaces_the_name(logo: bytes) -> None:
    """PNG or SVG: it stands at the start of the foot, flush with the margin."""
    card = with_logo(logo)
    box = bright_box(picture(card.data).crop((600, 0, 1200, 630)), (550, 612))

    assert card.faults == ()
    assert 600 + box[2] == pytest.approx(1200 - 64, abs=2)
    assert box[2] - box[0] > 100


def test_logos_of_any_shape_weigh_about_the_same() -> None:
    """A wide one is drawn lower than a square one, and empty margins do not count."""
    wide, square = (logos.logo(png(size, (255, 0, 0, 255)), unit=1.0) for size in ((800, 100), (200, 200)))
    padded = Image.new("RGBA", (400, 400))
    padded.paste((255, 0, 0, 255), (100, 150, 300, 250))
    file = io.BytesIO()
    padded.save(file, "PNG")
    trimmed = logos.logo(file.getvalue(), unit=1.0)

    assert wide.shape[0] < square.shape[0]
    assert 0.3 < wide.size / square.size < 3
    assert trimmed.shape[1] == pytest.approx(2 * trimmed.shape[0], abs=2)


def test_a_dark_logo_gets_a_plate() -> None:
    """A logo that would drown in a dark card stands on a light plate."""
    plate = bright_box(picture(with_logo(png((400, 100), (10, 10, 30, 255))).data), (540, 620))

    assert plate[2] - plate[0] > 180


@pytest.mark.parametrize(
    ("logo", "says"),
    [
        (b"\x89PNG broken", "PNG or an SVG"),
        (b"GIF89a", "PNG or an SVG"),
        (b"<svg", "PNG or an SVG"),
        (png((40, 40), (0, 0, 0, 0)), "transparent"),
    ],
)
def test_an_unusable_logo_is_told(logo: bytes, says: str) -> None:
    """The name stands in its place, and the card says what was wrong."""
    card = with_logo(logo)

    assert card.data == with_logo(None).data
    assert card.faults[0].startswith("the logo: ")
    assert says in card.faults[0]


def test_breaking_news_looks_different() -> None:
    """A breaking card carries its accent in a band, another card in a strip."""
    breaking = picture(drawn(arabic("زلزال", label="عاجل", breaking=True)).data)
    calm = picture(drawn(arabic("زلزال")).data)

    assert breaking.getpixel((600, 560)) == pytest.approx((200, 16, 46), abs=12)
    assert calm.getpixel((600, 560)) != pytest.approx((200, 16, 46), abs=60)


def test_a_light_theme_gives_a_light_plain_card() -> None:
    """Without a photo the site's own colours rule."""
    card = picture(drawn(english("Paper"), theme=PAPER).data)

    assert min(card.getpixel((20, 500))) > 230  # type: ignore[arg-type]


def test_only_the_bundled_fonts_are_used() -> None:
    """No system font is opened, not even for a script that ours lack."""
    drawn(english("漢字 שלום ⴰⵎⴰⵣⵉⵖ Goal 🎉"))
    opened = {
        Path(line.split(maxsplit=5)[-1])
        for line in Path("/proc/self/maps").read_text().splitlines()
        if line.endswith((".ttf", ".otf", ".ttc"))
    }

    assert len(opened) > 2
    assert all(file.parent in fonts.FOLDERS for file in opened)
    assert not Path(os.environ["FONTCONFIG_FILE"]).exists()
