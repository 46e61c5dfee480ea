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
from nashr_delivery.themes import sheet
from nashr_delivery.themes.bundle import NOTHING, Bundle

FAMILY: Final = "Plex Arabic"
ASCENT, DESCENT = 1.085, 0.415
"""Of IBM Plex Sans Arabic, in em: its hhea table."""

STAND_INS: Final = (
    ("Stand-in Noto", ("Noto Sans Arabic UI", "Noto Sans Arabic"), 0.93),
    ("Stand-in", ("Segoe UI", "Geeza Pro", "Tahoma", "Arial"), 1.0),
)
"""Fonts of the reader's machine, and how much wider Plex sets the demo's Arabic texts; 1.0 is unmeasured."""


def site_assets(site: Site, *, name: Callable[[bytes], str], theme: Bundle = NOTHING) -> SiteAssets:
    """Builds the assets of ``site``; ``name`` gives the keyed hash that a body is stored under.

    ``theme``: its folder's files, which stand in the place of ours or beside them.
    """
    colours = palette(site.theme)
    mirrored = site.direction == "rtl"
    fonts = [_asset(woff2(style), "woff2", name) for _, style in FACES]
    named = {path: _asset(body, path.rsplit(".", 1)[-1], name) for path, body in theme.files.items()}
    text = style_sheet(colours, [font.path for font in fonts], theme=theme, named=named)
    css = _asset(text.encode(), "css", name)
    icon = named.get(ICON) or _asset(svg(colours.brand, mirrored=mirrored), "svg", name)
    touch = named.get(TOUCH_ICON) or _asset(png(colours.brand, size=192, mirrored=mirrored), "png", name)
    return SiteAssets(
        css=css.path,
        fonts=tuple(font.path for font in fonts),
        icon=icon.path,
        touch_icon=touch.path,
        files=tuple({file.path: file for file in (*fonts, *named.values(), css, icon, touch)}.values()),
        templates=tuple(sorted(theme.templates.items())),
        texts=tuple(sorted({**theme.words(site.locale), **site.texts}.items())),
        named={path: file.path for path, file in named.items()},
        favicon=theme.files.get(FAVICON),
    )


ICON: Final = "icon.svg"
TOUCH_ICON: Final = "icon.png"
FAVICON: Final = "favicon.ico"
"""What a theme's own icons are called."""

TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "woff2": "font/woff2",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
    "ico": "image/x-icon",
}


def _asset(body: bytes, suffix: str, name: Callable[[bytes], str]) -> Asset:
    return Asset(f"/assets/{name(body)}.{suffix}", body, TYPES[suffix])


def style_sheet(
    colours: Palette, fonts: list[str], *, theme: Bundle = NOTHING, named: Mapping[str, Asset] | None = None
) -> str:
    """The site's properties and faces before our style sheet, then the theme's own.

    What sheets name are their neighbours: plain names. ``optional``: a page that has begun to be read never
    changes its letters. The fonts are preloaded, so a reader gets them with the page or, on a slow line,
    from the second page on.
    """
    faces = "".join(
        f"@font-face{{font-family:'{FAMILY}';font-weight:{weight};font-display:optional;"
        f"src:url({path.rsplit('/', 1)[-1]}) format('woff2')}}"
        for (weight, _), path in zip(FACES, fonts, strict=True)
    )
    faces += "".join(_stand_in(name, sources, size) for name, sources, size in STAND_INS)
    light = f":root{{color-scheme:light dark;{_properties(colours.light)}}}"
    dark = f"@media screen and (prefers-color-scheme:dark){{:root{{{_properties(colours.dark)}}}}}"
    ours = _sheet() if theme.sheet is None else theme.sheet
    own = sheet.linked(f"{ours}\n{theme.css}", {path: file.path for path, file in (named or {}).items()})
    return f"{faces}\n{light}\n{dark}\n{own}"


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
