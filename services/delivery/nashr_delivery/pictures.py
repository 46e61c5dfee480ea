"""Photos as markup needs them: sources by format, one fallback, sizes, focal point, blurred placeholder."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

from nashr_delivery.chrome import Links
from nashr_delivery.views import Photo, Rendition

HERO: Final = "(min-width: 66rem) 64rem, 100vw"
INLINE: Final = "(min-width: 46rem) 44rem, 100vw"
LEAD: Final = "(min-width: 60rem) 48rem, 100vw"
CARD: Final = "(min-width: 60rem) 24rem, (min-width: 36rem) 50vw, 8rem"
PORTRAIT: Final = "10rem"
ROW: Final = "(min-width: 36rem) 14rem, 8rem"

_WIDTH: Final = attrgetter("width")
_SMALL: Final = frozenset({CARD, ROW})
_ENOUGH: Final = 960  # pixels: what 24rem is on a screen of two and a half pixels to one
_MODERN: Final = ("image/avif", "image/webp")
_FALLBACKS: Final = ("image/jpeg", "image/png", "image/webp", "image/avif")
_TOLERANCE: Final = 0.03
_DATA_URI: Final = re.compile(r"data:image/[a-z+]+;base64,[A-Za-z0-9+/]+=*")
_USUAL_WIDTH: Final = 960
_TALLEST_REM: Final = 42  # of a photo in its whole height


@dataclass(frozen=True)
class Image:
    """One ``<picture>``: (type, srcset) of each source, then the ``<img>``'s own attributes.

    ``look``: its class in the page's style element, which has the placeholder; empty where it needs none.
    ``moves``: the sources are animations, which readers who asked for calm do not get.
    """

    sources: tuple[tuple[str, str], ...]
    moves: bool
    src: str
    srcset: str
    sizes: str
    width: int
    height: int
    alt: str
    look: str
    first: bool


def image(photo: Photo, links: Links, *, sizes: str, first: bool = False) -> Image | None:
    """The uncropped photo; ``first`` is for what stands on the first screen. None without a single file.

    A photo that is never shown large is offered in small files only: fewer words in the page.
    """
    family = _whole(photo)
    if sizes in _SMALL:
        family = [one for one in family if one.width <= _ENOUGH] or family
    sorts = _by_type(family)
    kind = _fallback(sorts)
    if kind is None:
        return None
    plain = sorts[kind]
    whole = _is_tall(photo) and sizes in {HERO, INLINE}
    usual = min(plain, key=lambda one: (abs(one.width - _USUAL_WIDTH), one.width))
    return Image(
        sources=tuple(
            (name, _srcset(sorts[name], links)) for name in _MODERN if name != kind and name in sorts
        ),
        moves=any(one.frames > 1 for one in family),
        src=links.asset(usual.path),
        srcset=_srcset(plain, links),
        sizes=_tall_sizes(photo) if whole else sizes,
        width=plain[-1].width,
        height=plain[-1].height,
        alt="" if photo.decorative else photo.alt,
        look=links.look(style) if (style := _style(photo, whole=whole)) else "",
        first=first,
    )


def fallback_type(renditions: Iterable[Rendition]) -> str | None:
    """The type that every reader and crawler understands, out of those there are."""
    return _fallback({one.content_type for one in renditions})


def _fallback(there: Collection[str]) -> str | None:
    return next((kind for kind in _FALLBACKS if kind in there), None)


def largest(photo: Photo) -> Rendition | None:
    """The widest uncropped file in the fallback type: for feeds, sitemaps and previews."""
    sorts = _by_type(_whole(photo))
    kind = _fallback(sorts)
    return sorts[kind][-1] if kind else None


def crops(photo: Photo) -> tuple[Rendition, ...]:
    """The widest fallback file of each shape that structured data wants: 16:9, 4:3, 1:1, the photo's."""
    kind = fallback_type(photo.renditions)
    shapes = (16 / 9, 4 / 3, 1.0, photo.width / max(photo.height, 1))
    widest = sorted((one for one in photo.renditions if one.content_type == kind), key=_WIDTH, reverse=True)
    best = [next((one for one in widest if _like(one, shape)), None) for shape in shapes]
    return tuple(dict.fromkeys(filter(None, best)))


def _whole(photo: Photo) -> list[Rendition]:
    """The uncropped files."""
    return [one for one in photo.renditions if one.crop is None]


def _like(rendition: Rendition, ratio: float) -> bool:
    return abs(rendition.width / max(rendition.height, 1) - ratio) <= _TOLERANCE * ratio


def _by_type(renditions: Iterable[Rendition]) -> Mapping[str, list[Rendition]]:
    """The files of each type, the narrowest first."""
    found: dict[str, list[Rendition]] = {}
    for one in sorted(renditions, key=_WIDTH):
        found.setdefault(one.content_type, []).append(one)
    return found


def _srcset(renditions: Sequence[Rendition], links: Links) -> str:
    """Candidates; a comma inside a path would end one, so it is escaped."""
    named = links.assets([one.path for one in renditions])
    return ", ".join(
        [f"{url.replace(',', '%2C')} {one.width}w" for url, one in zip(named, renditions, strict=True)]
    )


def _is_tall(photo: Photo) -> bool:
    return photo.height > photo.width > 0


def _tall_sizes(photo: Photo) -> str:
    """Of a photo that ``_style`` keeps within the window."""
    return f"(min-width: 46rem) {round(_TALLEST_REM * photo.width / photo.height)}rem, 100vw"


def _style(photo: Photo, *, whole: bool) -> str:
    """The placeholder behind the photo, and where a narrower frame cuts it.

    ``whole``: it is taller than wide and shown uncut, no taller than the window. By its width, which is
    known before the file is there: nothing moves when it comes.
    """
    parts = []
    if whole:
        ratio = photo.width / photo.height
        parts.append(f"max-width:calc(min(80vh,{_TALLEST_REM}rem)*{ratio:.3f})")
    if _DATA_URI.fullmatch(photo.placeholder):
        parts.append(f"background-image:url({photo.placeholder})")
    if (photo.focal_x, photo.focal_y) != (0.5, 0.5):
        parts.append(f"object-position:{photo.focal_x:.0%} {photo.focal_y:.0%}")
    return ";".join(parts)
