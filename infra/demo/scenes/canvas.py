"""The painter's materials: gradients, noise, masks, vector shapes and the final development.

Every scene works on a float sRGB image of `WIDTH` x `HEIGHT` (0 to 255) and hands it to `develop`,
which enlarges it to the size of a camera's file and adds bloom, vignette and grain. Knows no scene.
"""

from dataclasses import dataclass
from pathlib import Path

import pyvips

Image = pyvips.Image

WIDTH, HEIGHT = 1416, 944
ENLARGE = 3
_TILE = 512
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
    t = clamp((image - low) / (high - low))
    return t * t * (3 - t * 2)


def gradient(*stops: tuple[float, str], size: int = HEIGHT) -> Image:
    """A vertical gradient through `(position 0..1, colour)` stops, `WIDTH` wide."""
    rows = [[round(at * (size - 1)), *rgb(colour)] for at, colour in stops]
    return Image.new_from_array(rows).buildlut().rot90().replicate(WIDTH, 1)


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
    narrow = round(width / stretch) + 1
    total, weight = 0, 1.25
    for octave in range(octaves):
        layer = Image.perlin(narrow, height, cell_size=max(2, cell >> octave), seed=seed * 31 + octave)
        total = layer * weight + total
        weight *= 0.5
    if stretch != 1:
        total = total.resize(stretch, vscale=1, kernel="linear")
    return total.crop(0, 0, width, height).copy_memory()


def line(seed: int, base: float, height: float, cell: int, *, octaves: int = 5) -> Image:
    """A wavering horizon: for each x the y at which it stands, one pixel high."""
    wave = noise(seed, cell, octaves=octaves, size=(WIDTH, cell)).crop(0, cell // 2, WIDTH, 1)
    return base - wave * height


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
    return base + (base * -1 + top) * mask


def light(base: Image, colour: str, mask: Image) -> Image:
    """Light added the way a screen blends: bright places don't burn out at once."""
    lamp = mask.bandjoin([mask, mask]) * rgb(colour)
    return base + lamp * (base * (-1 / 255) + 1)


def vector(body: str, *, blur: float = 0) -> tuple[Image, Image]:
    """SVG elements drawn on a clear page: their colours and their mask of 0..1."""
    page = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">{body}</svg>'
    drawn = Image.svgload_buffer(page.encode(), unlimited=True).premultiply()
    if blur:
        drawn = drawn.gaussblur(blur)
    drawn = drawn.unpremultiply().copy_memory()
    return drawn.extract_band(0, n=3), drawn[3] / 255


def draw(base: Image, body: str, *, blur: float = 0) -> Image:
    """SVG elements drawn over the picture, out of focus by `blur` pixels."""
    colours, mask = vector(body, blur=blur)
    return over(base, colours, mask)


def ground(seed: int, horizon: float, *, wide: float = 1.0, long: float = 1.0) -> Image:
    """Noise lying on a plane that runs to the horizon, about -1..1; above it, the plane's edge.

    `wide` and `long` set the size of its grain across and into the picture.
    """
    texture = noise(seed, 64, octaves=5, size=(_TILE, _TILE))
    texture = texture.join(texture.fliphor(), "horizontal")
    texture = texture.join(texture.flipver(), "vertical").copy_memory()
    depth = (down() - horizon).clamp(min=3, max=HEIGHT)
    x = (across() - WIDTH * 0.37) / depth * (260 / wide) + _TILE * 16
    y = (depth**-1) * (60000 / long)
    return texture.mapim(x.bandjoin(y) % (2 * _TILE - 2)).copy_memory()


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
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd0-ImageDescription", _NOTICE)
    image.set_type(pyvips.GValue.blob_type, "xmp-data", _xmp().encode())
    part = path.with_suffix(".part.jpg")
    image.jpegsave(str(part), Q=90, optimize_coding=False)
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
