"""Colours that can be read, fonts that shape, assets named by their bytes."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st
from nashr.domain.site import Site
from nashr_delivery.assets import site_assets
from nashr_delivery.chrome import SiteAssets
from nashr_delivery.fonts import woff2
from nashr_delivery.theme import contrast, palette

COLOUR = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)


@given(COLOUR, COLOUR, COLOUR)
def test_every_theme_can_be_read(accent: str, paper: str, dark: str) -> None:
    """Whatever colours a newsroom picks, text keeps 4.5:1 on paper and surface, light and dark."""
    found = palette({"accent": accent, "paper": paper, "paper_dark": dark})
    for mode in (found.light, found.dark):
        assert contrast(mode["ink"], mode["paper"]) >= 4.5
        for name in ("muted", "accent"):
            assert contrast(mode[name], mode["surface"]) >= 4.5
            assert contrast(mode[name], mode["paper"]) >= 4.5


@pytest.mark.parametrize("value", ["red", "#ffff", "#12345g", "#000000;}body{display:none"])
def test_only_hex_colours_reach_the_sheet(value: str) -> None:
    """A theme cannot write style rules: what is no ``#rgb`` or ``#rrggbb`` is the default."""
    assert palette({"accent": value}) == palette({})


def test_three_digits_are_six() -> None:
    """``#rgb`` means the same on pages and on cards."""
    assert palette({"accent": "#2AF"}) == palette({"accent": "#22aaff"}) != palette({})


@pytest.mark.parametrize("style", ["Regular", "Bold"])
def test_fonts_are_small_and_shape_arabic(style: str) -> None:
    """Each face is below 40 kB, has Arabic and Latin letters, and keeps joining forms and marks."""
    body = woff2(style)
    assert len(body) < 40_000
    font = TTFont(io.BytesIO(body))
    assert set(map(ord, "ابجدهوزحطيپچگABCabc«»،؟٠1")) <= set(font.getBestCmap())
    features = {record.FeatureTag for record in font["GSUB"].table.FeatureList.FeatureRecord}
    assert {"init", "medi", "fina"} <= features


def test_assets_are_named_by_their_bytes(site: Site, assets: SiteAssets) -> None:
    """A changed colour renames the style sheet and leaves the fonts alone."""
    other = site_assets(replace(site, theme={"accent": "#0b6e5f"}), name=lambda body: f"{hash(body):x}")
    again = site_assets(site, name=lambda body: f"{hash(body):x}")
    assert other.css != again.css
    assert other.fonts == again.fonts
    assert {file.path for file in assets.files} >= {assets.css, *assets.fonts, assets.icon, assets.touch_icon}


def test_the_sheet_names_fonts_and_turns_with_the_script(assets: SiteAssets) -> None:
    """Fonts are named as neighbours of the sheet; no rule says left or right; Arabic is never slanted."""
    sheet = next(file.body.decode() for file in assets.files if file.path == assets.css)
    assert [f"/assets/{name}" for name in re.findall(r"url\(([\w.]+)\)", sheet)] == list(assets.fonts)
    rules = re.sub(r"url\([^)]*\)", "", sheet)
    assert not re.search(r"(margin|padding|border|inset)-(left|right)|text-align:\s*(left|right)", rules)
    assert not re.search(r"[;{](left|right):", rules)
    assert "letter-spacing" not in rules
