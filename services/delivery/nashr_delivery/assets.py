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
    """The theme's properties and faces before the one style sheet. Fonts are its neighbours: plain names."""
    faces = "".join(
        f"@font-face{{font-family:'{FAMILY}';font-weight:{weight};font-display:swap;"
        f"src:url({path.rsplit('/', 1)[-1]}) format('woff2')}}"
        for (weight, _), path in zip(FACES, fonts, strict=True)
    )
    light = f":root{{color-scheme:light dark;{_properties(colours.light)}}}"
    dark = f"@media screen and (prefers-color-scheme:dark){{:root{{{_properties(colours.dark)}}}}}"
    return f"{faces}\n{light}\n{dark}\n{_sheet()}"


def _properties(mode: Mapping[str, str]) -> str:
    return "".join(f"--{key}:{value};" for key, value in mode.items())


@cache
def _sheet() -> str:
    return files("nashr_delivery").joinpath("theme.css").read_text("utf-8")
