"""The painter's materials: gradients, noise, masks, vector shapes and the final development.

Every scene works on a float sRGB image of `WIDTH` x `HEIGHT` (0 to 255) and hands it to `develop`,
which enlarges it to the size of a camera's file and adds bloom, vignette and grain. Knows no scene.
libvips computes an image anew for each use of it, hence `copy_memory` wherever one is used twice.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pyvips import GValue, Image

WIDTH, HEIGHT = 1416, 944
ENLARGE = 3
_TILE = 1024
_GRAIN = 720
_COARSE = 4  # light has no edges: it is computed this much smaller
_DIGITAL_SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"
_NOTICE = "Generated picture: drawn by infra/demo/pictures.py of nashr, not a photograph"


def rgb(colour: str) -> list[float]:
    """`#rrggbb` as three numbers from 0 to 255."""
    return [float(int(colour[at : at + 2], 16)) for at in (1, 3, 5)]


def across() -> Image:
    """The x coordinate of each pixel."""
    return Image.xyz(WIDTH, HEIGHT)[0]


def down() -> Image:
    """The y coordinate of each pixel."""
    return Image.xyz(WIDTH, HEIGHT)[1]


def clamp(image: Image) -> Image:
    """The image held between 0 and 1."""
    return image.clamp(min=0, max=1)


def smooth(image: Image, low: float, high: float) -> Image:
    """0 below `low`, 1 above `high`, a soft S between them."""
    t = clamp((image - low) / (high - low)).copy_memory()
    return t * t * (3 - t * 2)


def gradient(*stops: tuple[float, str], size: int = HEIGHT) -> Image:
    """A vertical gradient through `(position 0..1, colour)` stops, `WIDTH` wide."""
    rows = [[round(at * (size - 1)), *rgb(colour)] for at, colour in stops]
    return Image.new_from_array(rows).buildlut().rot90().cast("float").replicate(WIDTH, 1)


def flat(colour: str) -> Image:
    """One colour everywhere."""
    return Image.black(WIDTH, HEIGHT) + rgb(colour)


def noise(
    seed: int,
    cell: int,
    *,
    octaves: int = 4,
    stretch: float = 1.0,
    size: tuple[int, int] = (WIDTH, HEIGHT),
) -> Image:
    """Fractal Perlin noise, about -1..1; `stretch` widens its grain along x."""
    width, height = size
    total = _fractal(seed, cell, octaves, (round(width / stretch) + 1, height))
    if stretch != 1:
        total = total.resize(stretch, vscale=1, kernel="linear")
    return total.crop(0, 0, width, height).copy_memory()


def _fractal(seed: int, cell: int, octaves: int, size: tuple[int, int]) -> Image:
    total, weight = 0, 1.25
    for octave in range(octaves):
        layer = Image.perlin(*size, cell_size=max(2, cell >> octave), seed=seed * 31 + octave)
        total = layer * weight + total
        weight *= 0.5
    return total


def plates(seed: int, cells: int, cell: int) -> Image:
    """Distance to the border between cells of a Voronoi pattern, in cells; it tiles."""
    spots = [
        Image.gaussnoise(cells, cells, mean=0.5, sigma=0.22, seed=seed + band)
        .clamp(min=0.05, max=0.95)
        .copy_memory()
        for band in (0, 1)
    ]
    grid = Image.xyz(cells * cell, cells * cell) / cell
    inside = grid - grid.floor()
    first = second = grid[0] * 0 + 9
    for row in (-1, 0, 1):
        for column in (-1, 0, 1):
            x, y = (s.wrap(x=-column, y=-row).zoom(cell, cell) for s in spots)
            far = ((x + column - inside[0]) ** 2 + (y + row - inside[1]) ** 2) ** 0.5
            second = second.minpair(first.maxpair(far))
            first = first.minpair(far)
    return (second - first).copy_memory()


def line(seed: int, base: float, height: float, cell: int, *, octaves: int = 5) -> Image:
    """A wavering horizon: for each x the y at which it stands, one pixel high."""
    wave = _fractal(seed, cell, octaves, (WIDTH, cell)).crop(0, cell // 2, WIDTH, 1)
    return (base - wave * height).copy_memory()


def below(edge: Image | float, *, soft: float = 2.0) -> Image:
    """A mask of everything under `edge` (a number or a `line`)."""
    if not isinstance(edge, (int, float)):
        edge = edge.replicate(1, HEIGHT)
    return clamp((down() - edge) / soft)


def glow(x: float, y: float, radius: float, *, squash: float = 1.0, power: float = 2.0) -> Image:
    """Light that falls off from a point: 1 at its centre, 0 far away; `squash` flattens it."""
    grid = Image.xyz(WIDTH // _COARSE, HEIGHT // _COARSE) * _COARSE
    dx, dy = (grid[0] - x) / radius, (grid[1] - y) / (radius * squash)
    return ((dx * dx + dy * dy + 1) ** -power).resize(_COARSE, kernel="linear").copy_memory()


def over(base: Image, layer: Image | str, mask: Image | float = 1.0) -> Image:
    """`layer` (an image or a colour) laid over `base` through a mask of 0..1."""
    top = rgb(layer) if isinstance(layer, str) else layer
    return (base + (base * -1 + top) * mask).copy_memory()


def light(base: Image, colour: str, mask: Image) -> Image:
    """Light added the way a screen blends: bright places don't burn out at once."""
    mask = mask.copy_memory()
    lamp = mask.bandjoin([mask, mask]) * rgb(colour)
    return (base + lamp * (base * (-1 / 255) + 1)).copy_memory()


def vector(body: str, *, blur: float = 0) -> Image:
    """SVG elements on a clear page: premultiplied red, green, blue and alpha, 0 to 255."""
    page = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">{body}</svg>'
    drawn = Image.svgload_buffer(page.encode(), unlimited=True).copy_memory()
    drawn = drawn.premultiply().cast("uchar")
    if blur:
        drawn = drawn.gaussblur(blur, precision="integer")
    return drawn.copy_memory()


def draw(base: Image, body: str, *, blur: float = 0) -> Image:
    """SVG elements drawn over the picture, out of focus by `blur` pixels."""
    drawn = vector(body, blur=blur)
    seen = drawn[3] * (-1 / 255) + 1
    return (base * seen + drawn.extract_band(0, n=3)).copy_memory()


def lamps(base: Image, points: Iterable[tuple[float, float]], colour: str, *, size: float) -> Image:
    """Small lights with a halo, `size` pixels wide."""
    dots = "".join(f'<circle cx="{x}" cy="{y}" r="{size}" fill="#fff"/>' for x, y in points)
    core = vector(dots, blur=size / 4)[3] / 255
    halo = vector(dots, blur=size * 2.5)[3] / 100
    return over(light(base, colour, halo), "#fffaf0", core)


@lru_cache(maxsize=1)
def _plane() -> Image:
    """The texture of every plane, mirrored at its edges so that it can repeat."""
    texture = noise(41, 64, octaves=6, size=(_TILE, _TILE))
    texture = texture.join(texture.fliphor(), "horizontal")
    return texture.join(texture.flipver(), "vertical").copy_memory()


def ground(seed: int, horizon: float, *, wide: float = 1.0, long: float = 1.0) -> Image:
    """Noise lying on a plane that runs to the horizon, about -1..1; above it, the plane's edge.

    `wide` and `long` set the size of its grain across and into the picture.
    """
    dice = random.Random(seed)
    nearness = _column(horizon)
    x = (across() - WIDTH * 0.37) * nearness.replicate(WIDTH, 1) * (260 / wide)
    x = (x + (_TILE * 16 + dice.uniform(380, 460))) % (2 * _TILE - 2)
    y = (nearness * (60000 / long) + dice.uniform(0, 2 * _TILE)) % (2 * _TILE - 2)
    return _plane().mapim(x.bandjoin(y.replicate(WIDTH, 1)).cast("float")).copy_memory()


def _column(horizon: float) -> Image:
    """One over the distance below the horizon, for each row."""
    depth = (Image.xyz(1, HEIGHT)[1] - horizon).clamp(min=3, max=HEIGHT)
    return (depth**-1).cast("float").copy_memory()


def mirror(base: Image, waterline: float, seed: int, *, ripple: float = 14.0) -> Image:
    """What stands above the waterline, reflected below it in moving water."""
    waves = ground(seed, waterline, wide=2.2, long=0.35)
    depth = (down() - waterline).clamp(min=0, max=HEIGHT)
    shake = waves * (depth / HEIGHT + 0.15) * ripple
    y = (depth * -1.15 + waterline - 2 + shake * 3).clamp(min=0, max=waterline - 2)
    x = (across() + shake).clamp(min=0, max=WIDTH - 2)
    return base.copy_memory().mapim(x.bandjoin(y)).copy_memory()


def sky(
    seed: int, *stops: tuple[float, str], cloud: str = "#ffffff", cover: float = 0.1, dark: str = ""
) -> Image:
    """A gradient with clouds; `cover` is the noise level above which there is cloud."""
    base = gradient(*stops)
    height = noise(seed, 300, octaves=6, stretch=2.6)
    body = smooth(height, cover, cover + 0.55)
    lit = smooth(height - height.wrap(x=0, y=-26), -0.25, 0.2)
    if dark:
        base = over(base, dark, body * (lit * -1 + 1) * 0.8)
    return over(base, cloud, body * (lit * 0.7 + 0.3) * 0.85).copy_memory()


def bokeh(seed: int, count: int, colours: list[str], *, top: float, bottom: float) -> str:
    """SVG discs of lights far out of focus, between two heights given as shares of the picture."""
    dice = random.Random(seed)
    discs = []
    for _ in range(count):
        x, y = dice.uniform(-0.02, 1.02) * WIDTH, dice.uniform(top, bottom) * HEIGHT
        size, colour = dice.uniform(8, 46), dice.choice(colours)
        alpha = dice.uniform(0.12, 0.5)
        discs.append(
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{size:.0f}" fill="{colour}"'
            f' fill-opacity="{alpha:.2f}" stroke="{colour}" stroke-opacity="{alpha * 0.7:.2f}"'
            ' stroke-width="2.5"/>'
        )
    return "".join(discs)


def stars(seed: int, *, rare: float = 3.4) -> Image:
    """A mask of single bright pixels, the rarer the larger `rare` (in standard deviations)."""
    dots = Image.gaussnoise(WIDTH, HEIGHT, mean=0, sigma=1, seed=seed)
    return clamp((dots - rare) * 2).gaussblur(1.0) * 5


@dataclass(frozen=True)
class Finish:
    """How a picture is developed: strengths of bloom, vignette and film grain."""

    bloom: float = 0.25
    vignette: float = 0.45
    grain: float = 5.0


def develop(image: Image, seed: int, finish: Finish) -> Image:
    """The finished picture, 8 bits, `ENLARGE` times the working size."""
    image = image.clamp(min=0, max=255).cast("uchar").copy_memory()
    image = (image + _halo(image) * finish.bloom) * _vignette(finish.vignette)
    large = image.cast("uchar").copy_memory().resize(ENLARGE, kernel="linear")
    return (large + _grain(seed, finish.grain)).cast("uchar").copy(interpretation="srgb")


def _halo(image: Image) -> Image:
    small = image.resize(1 / 8, kernel="linear").cast("float")
    halo = ((small - 150) * 2.4).clamp(min=0, max=255).gaussblur(7) * (1 - small / 280)
    return halo.resize(8, kernel="linear").crop(0, 0, WIDTH, HEIGHT)


def _vignette(strength: float) -> Image:
    far = glow(WIDTH / 2, HEIGHT / 2, WIDTH * 0.75, squash=0.75)
    return far * strength + (1 - strength)


def _grain(seed: int, strength: float) -> Image:
    """Film grain: a tile of noise is enough, nobody finds the seam of a random pattern."""
    tile = Image.gaussnoise(_GRAIN, _GRAIN, mean=0, sigma=strength * 1.6, seed=seed).gaussblur(0.6)
    tile = tile.cast("char").copy_memory()
    width, height = WIDTH * ENLARGE, HEIGHT * ENLARGE
    return tile.replicate(width // _GRAIN + 1, height // _GRAIN + 1).crop(0, 0, width, height)


def save(image: Image, path: Path) -> None:
    """Writes a JPEG that says in EXIF and XMP that no camera made it."""
    image = image.copy()
    image.set_type(GValue.gstr_type, "exif-ifd0-ImageDescription", _NOTICE)
    image.set_type(GValue.blob_type, "xmp-data", _xmp().encode())
    part = path.with_suffix(".part.jpg")
    image.jpegsave(str(part), Q=92, optimize_coding=False)
    part.replace(path)


def _xmp() -> str:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">'
        f"<Iptc4xmpExt:DigitalSourceType>{_DIGITAL_SOURCE}</Iptc4xmpExt:DigitalSourceType>"
        f'<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{_NOTICE}</rdf:li></rdf:Alt>'
        "</dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
