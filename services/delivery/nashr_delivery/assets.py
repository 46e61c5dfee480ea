"""The files of a site's look: style sheet, fonts, icons, each under the keyed hash of its bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from nashr.domain.site import Site

from nashr_delivery.chrome import Asset, SiteAssets
from nashr_delivery.fonts import FACES, woff2
from nashr_delivery.icons import png, svg
from nashr_delivery.theme import Palette, palette

FAMILY: Final = "Plex Arabic"
ASCENT, DESCENT = 1.085, 0.415
"""Of IBM Plex Sans Arabic, in em: its hhea table."""

STAND_INS: Final = (
    ("Stand-in Noto", ("Noto Sans Arabic UI", "Noto Sans Arabic"), 0.93),
    ("Stand-in", ("Segoe UI", "Geeza Pro", "Tahoma", "Arial"), 1.0),
)
"""Fonts of the reader's machine, and how much wider Plex sets the demo's Arabic texts; 1.0 is unmeasured."""


def site_assets(site: Site, *, name: Callable[[bytes], str]) -> SiteAssets:
    """Builds the assets of ``site``; ``name`` gives the keyed hash that a body is stored under."""
    colours = palette(site.theme)
    mirrored = site.direction == "rtl"
    fonts = [_asset(woff2(style), "woff2", name) for _, style in FACES]
    css = _asset(style_sheet(colours, [font.path for font in fonts]).encode(), "css", name)
    icon = _asset(svg(colours.brand, mirrored=mirrored), "svg", name)
    touch = _asset(png(colours.brand, size=192, mirrored=mirrored), "png", name)
    return SiteAssets(
        css=css.path,
        fonts=tuple(font.path for font in fonts),
        icon=icon.path,
        touch_icon=touch.path,
        files=(*fonts, css, icon, touch),
    )


_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "woff2": "font/woff2",
    "svg": "image/svg+xml",
    "png": "image/png",
}


def _asset(body: bytes, suffix: str, name: Callable[[bytes], str]) -> Asset:
    return Asset(f"/assets/{name(body)}.{suffix}", body, _TYPES[suffix])


def style_sheet(colours: Palette, fonts: list[str]) -> str:
    """The theme's properties and faces before the one style sheet. Fonts are its neighbours: plain names.

    ``optional``: a page that has begun to be read never changes its letters. The fonts are preloaded, so a
    reader gets them with the page or, on a slow line, from the second page on.
    """
    faces = "".join(
        f"@font-face{{font-family:'{FAMILY}';font-weight:{weight};font-display:optional;"
        f"src:url({path.rsplit('/', 1)[-1]}) format('woff2')}}"
        for (weight, _), path in zip(FACES, fonts, strict=True)
    )
    faces += "".join(_stand_in(name, sources, size) for name, sources, size in STAND_INS)
    light = f":root{{color-scheme:light dark;{_properties(colours.light)}}}"
    dark = f"@media screen and (prefers-color-scheme:dark){{:root{{{_properties(colours.dark)}}}}}"
    return f"{faces}\n{light}\n{dark}\n{_sheet()}"


def _stand_in(name: str, sources: tuple[str, ...], size: float) -> str:
    """A font of the reader's machine with the web font's line height and, nearly, its widths."""
    local = ",".join(f"local('{source}')" for source in sources)
    above, below = (f"{100 * part / size:.1f}%" for part in (ASCENT, DESCENT))
    return (
        f"@font-face{{font-family:'{name}';src:{local};size-adjust:{100 * size:.0f}%;"
        f"ascent-override:{above};descent-override:{below};line-gap-override:0%}}"
    )


def _properties(mode: Mapping[str, str]) -> str:
    return "".join(f"--{key}:{value};" for key, value in mode.items())


@cache
def _sheet() -> str:
    return files("nashr_delivery").joinpath("theme.css").read_text("utf-8")
