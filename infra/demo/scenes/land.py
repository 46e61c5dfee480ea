"""Mountains, deserts, fields, forests and the night above them."""

import random

from pyvips import Image

from infra.demo.scenes.canvas import (
    HEIGHT,
    WIDTH,
    across,
    below,
    down,
    draw,
    flat,
    glow,
    gradient,
    ground,
    lamps,
    light,
    line,
    mirror,
    noise,
    over,
    plates,
    sky,
    smooth,
    stars,
)
from infra.demo.scenes.water import DAWN, DUSK, NOON, Stops


def _blend(first: str, second: str, share: float) -> str:
    """The colour that lies `share` of the way from the first to the second."""
    mixed = [
        round(int(first[at : at + 2], 16) * (1 - share) + int(second[at : at + 2], 16) * share)
        for at in (1, 3, 5)
    ]
    return "#" + "".join(f"{value:02x}" for value in mixed)


def ridges(
    seed: int,
    *,
    hour: Stops = DAWN,
    haze: str = "#e8b89a",
    rock: str = "#1f2a3a",
    layers: int = 5,
    sun: float = 0.7,
    road: bool = False,
) -> Image:
    """Mountain chains, each paler than the one before it, with mist between them."""
    image = sky(seed, *hour, cloud=haze, cover=0.15, dark=hour[0][1])
    image = light(image, "#ffe9c4", glow(sun * WIDTH, 0.42 * HEIGHT, 110))
    for layer in range(layers):
        share = layer / (layers - 1)
        base = HEIGHT * (0.42 + 0.5 * share**1.25)
        edge = line(seed + layer, base, 90 + 130 * share, 300 + 120 * layer, octaves=7)
        slope = over(flat(_blend(haze, rock, 0.15 + 0.85 * share)), haze, _mist(base, share))
        leaves = noise(seed + 50 + layer, 70, octaves=5)
        slope = over(slope, "#05080c", smooth(leaves, -0.6, 0.9) * (0.7 * share))
        image = over(image, slope, below(edge, soft=1.6))
    return draw(image, _road(), blur=0.8) if road else image


def _mist(base: float, share: float) -> Image:
    """Mist that gathers at the foot of a chain."""
    return smooth((down() - base) / (HEIGHT * 0.22), 0.1, 1.0) * (0.75 * (1 - share))


def _road() -> str:
    """A winding road on the nearest slope with its white edge lines."""
    path = "M{} 944C{} 890 980 880 900 850S640 815 720 790 940 772 905 752"
    return (
        f'<path d="{path.format(330, 420)}" fill="none" stroke="#6b6a68" stroke-width="26"/>'
        f'<path d="{path.format(330, 420)}" fill="none" stroke="#e9dcc0" stroke-width="2.5"'
        ' stroke-dasharray="26 18"/>'
    )


def dunes(seed: int, *, hour: Stops = DUSK, lit: str = "#e9a765", shade: str = "#5b2f2e") -> Image:
    """Dunes with one side in the sun, one in shadow, and wind ripples."""
    image = sky(seed, *hour, cloud="#ffd7ae", cover=0.25)
    image = light(image, "#ffe0b0", glow(0.2 * WIDTH, 0.43 * HEIGHT, 100))
    for layer in range(5):
        base = HEIGHT * (0.5 + 0.11 * layer)
        edge = line(seed + layer, base, 70 + 34 * layer, 520 + 140 * layer, octaves=2)
        wide = noise(seed + 20 + layer, 330 + 60 * layer, octaves=2, size=(WIDTH + 26, HEIGHT + 12))
        swell = wide.crop(0, 0, WIDTH, HEIGHT)
        side = smooth(swell - wide.crop(26, 12, WIDTH, HEIGHT), -0.09, 0.07) * 0.65
        side = side + smooth(_rise(edge), -0.1, 0.1).replicate(1, HEIGHT) * 0.35
        ripple = (down() * 2.2 + swell * 130 + across() * 0.4) * (20 - 2 * layer)
        sand = over(flat(shade), lit, side * 0.9 + ripple.sin() * 0.05)
        sand = over(sand, hour[2][1], 0.42 - 0.1 * layer)
        image = over(image, sand, below(edge))
    return image


def _rise(edge: Image) -> Image:
    """How steeply a horizon line climbs from left to right."""
    before = edge.embed(8, 0, WIDTH, 1, extend="copy")
    return (before - edge) / 8


def cracked(seed: int, *, hour: Stops = NOON, mud: str = "#b08d68") -> Image:
    """A dried lake bed: polygons of mud that run to the horizon."""
    horizon = 0.4 * HEIGHT
    image = sky(seed, *hour, cloud="#fff6e6", cover=0.2, dark="#b9a58a")
    image = over(image, "#8d7f78", below(line(seed, horizon - 24, 40, 240)) * 0.7)
    pattern = plates(seed, 8, 96)
    depth = (down() - horizon).clamp(min=4, max=HEIGHT)
    wander = noise(seed, 50, octaves=4) * 0.3
    x = ((across() - WIDTH * 0.4) / depth + wander * 0.25 + 20) * 280
    y = ((depth / 500) ** -1 + wander * 0.5) * 360
    gap = pattern.mapim(x.bandjoin(y) % 766)
    tone = ground(seed, horizon, wide=1.4, long=0.5)
    earth = over(gradient((0, "#d9c2a0"), (0.45, "#d2b48c"), (1, mud)), "#6e5138", smooth(tone, 0, 1))
    earth = over(earth, "#fff0d8", smooth(gap, 0.05, 0.5) * 0.3)
    earth = over(earth, "#3a2718", smooth(gap * -1, -0.16, -0.02) * 0.5)
    earth = over(earth, "#1d110a", smooth(gap * -1, -0.075, -0.035) * smooth(depth, 6, 90) * 0.95)
    return over(image, earth, below(horizon))


def reservoir(seed: int, *, hour: Stops = NOON, bank: str = "#b79a72") -> Image:
    """A lake far below its old level: pale rings on the banks, little water."""
    shore = 0.6 * HEIGHT
    image = sky(seed, *hour, cloud="#fffaf0", cover=0.12, dark="#8fa3b3")
    image = over(image, "#7d8b92", below(line(seed, 0.4 * HEIGHT, 90, 330, octaves=7)))
    hills = line(seed + 1, 0.47 * HEIGHT, 70, 300, octaves=7)
    trees = over(flat("#55603f"), "#2c3522", smooth(noise(seed, 30, octaves=4), -0.1, 0.5) * 0.8)
    image = over(image, trees, below(hills))
    level = down() + noise(seed + 2, 260, octaves=5) * 34
    rings = over(flat(bank), "#8a6f4e", smooth((level * 13).sin(), -0.2, 0.9) * 0.55)
    rings = over(rings, "#f0e0c0", smooth(noise(seed + 3, 40, octaves=4), 0.1, 0.7) * 0.35)
    image = over(image, rings, below(line(seed + 4, 0.515 * HEIGHT, 24, 400, octaves=6)))
    edge = line(seed + 5, shore, 16, 420, octaves=5)
    water = over(mirror(image, shore, seed, ripple=20), "#2e6076", 0.45)
    image = over(image, water, below(edge))
    near = line(seed + 6, 0.93 * HEIGHT, 70, 520, octaves=6)
    mud = over(rings, "#4a3826", smooth(noise(seed + 7, 90, octaves=6), -0.1, 0.6) * 0.6)
    return over(image, mud, below(near))


def field(
    seed: int, *, hour: Stops = DAWN, leaf: str = "#5f8a3a", soil: str = "#4a3425", dry: float = 0.0
) -> Image:
    """Rows of a crop that meet at the horizon; `dry` of 0..1 lets them wither."""
    horizon = 0.45 * HEIGHT
    image = sky(seed, *hour, cloud="#ffeeda", cover=0.1, dark=hour[1][1])
    image = light(image, "#ffe6ba", glow(0.34 * WIDTH, horizon - 40, 90))
    image = over(image, hour[1][1], below(line(seed, horizon - 30, 50, 260)) * 0.8)
    depth = (down() - horizon).clamp(min=2, max=HEIGHT)
    rows = ((across() - 0.52 * WIDTH) / depth * 1500).sin()
    tufts = ground(seed, horizon, wide=0.5, long=0.12)
    crop = over(flat(leaf), "#c2a25a", dry)
    crop = over(crop, "#14200c", smooth(tufts * -1, -0.1, 0.7) * 0.75)
    crop = over(crop, "#e9dc9a", smooth(tufts, 0.25, 0.9) * 0.55)
    earth = over(flat(soil), "#1d140e", smooth(tufts, -0.3, 0.6) * 0.6)
    land = over(earth, crop, smooth(rows + tufts * 0.9, -0.35 + dry * 0.5, 0.25 + dry * 0.5))
    land = over(land, hour[2][1], smooth(depth * -1, -150, 0) * 0.6)
    return over(image, land, below(horizon))


def volcano(seed: int) -> Image:
    """A cone at night with a burning summit and a leaning plume."""
    x, top = 0.46 * WIDTH, 0.36 * HEIGHT
    image = gradient((0, "#0b0e1c"), (0.6, "#3a2230"), (1, "#5a2c28"))
    image = light(image, "#ffffff", stars(seed) * 0.7)
    rise = ((down() - top) * -1).clamp(min=-40, max=HEIGHT) / HEIGHT
    lean = across() - x - rise * 0.5 * WIDTH
    puff = noise(seed, 200, octaves=7)
    body = (lean / WIDTH / (rise * 0.42 + 0.05)) ** 2 * -1
    plume = smooth(body.exp() + puff * 0.75, 0.42, 0.95) * smooth(rise, -0.02, 0.03)
    image = over(image, "#4a4148", plume * 0.95)
    image = over(image, "#1c181f", plume * smooth(puff * -1, -0.2, 0.5) * 0.8)
    image = light(image, "#ff5a1c", plume * smooth(rise * -1, -0.34, 0.0))
    image = light(image, "#ff6a20", glow(x, top, 105) * 1.2)
    flank = (across() - x).abs()
    cone = flank * 0.5 + top + noise(seed + 1, 180, octaves=6) * 46 + (flank * -0.02).exp() * 16
    mask = smooth(down() - cone, -1, 2)
    ash = over(flat("#171217"), "#33242a", smooth(noise(seed + 2, 60, octaves=5), 0, 0.6) * 0.7)
    image = over(image, ash, mask)
    gully = noise(seed + 3, 300, octaves=5, size=(WIDTH, HEIGHT))
    stream = ((across() - x - 60 - gully * 120 * ((down() - top) / 300)) / 11) ** 2 * -1
    run = smooth(down() * -1, -0.86 * HEIGHT, -0.36 * HEIGHT)
    image = light(image, "#ff7a26", stream.exp() * mask * run)
    image = light(image, "#ff4a10", (stream / 40).exp() * mask * run * 0.4)
    return over(image, "#08070a", below(line(seed + 4, 0.9 * HEIGHT, 60, 200, octaves=7)))


def forest(seed: int, *, mist: str = "#cfd9d2", bark: str = "#1c2420") -> Image:
    """Trunks fading into fog, with light falling between them."""
    dice = random.Random(seed)
    image = gradient((0, "#eef2e4"), (0.55, mist), (0.8, "#8fa08c"), (1, "#4c5a45"))
    image = light(image, "#fff4cc", glow(0.6 * WIDTH, 0.1 * HEIGHT, 330))
    for layer in range(4):
        share = layer / 3
        colour = _blend(mist, bark, 0.18 + 0.8 * share)
        trunks = "".join(_trunk(dice, colour, 8 + 34 * share**1.5) for _ in range(20 - 4 * layer))
        image = draw(image, trunks, blur=2.2 - 1.7 * share)
        crown = noise(seed + layer, 90 + 30 * layer, octaves=6) - down() / HEIGHT * (2.6 - share)
        image = over(image, colour, smooth(crown, -0.75, -0.3) * 0.75)
        floor = line(seed + 9 + layer, HEIGHT * (0.7 + 0.07 * layer), 22, 240, octaves=6)
        fern = smooth(noise(seed + 30 + layer, 24, octaves=4), -0.2, 0.6) * 0.5
        image = over(image, over(flat(_blend(colour, "#51633a", 0.5)), bark, fern), below(floor, soft=30))
        image = over(image, mist, 0.12 * (1 - share))
    rays = ((across() * 0.9 + down() * 0.7 + noise(seed, 300, octaves=2) * 60) * 1.3).sin()
    fade = smooth(down() * -1, -0.8 * HEIGHT, 0)
    return light(image, "#fff2c8", smooth(rays, -0.6, 1) * fade * 0.16)


def _trunk(dice: random.Random, colour: str, width: float) -> str:
    x, lean = dice.uniform(-20, WIDTH + 20), dice.uniform(-30, 30)
    width *= dice.uniform(0.7, 1.3)
    return (
        f'<path d="M{x - width / 2:.0f} 944L{x + lean - width / 3:.0f} 0h{width * 0.66:.0f}'
        f'L{x + width / 2:.0f} 944z" fill="{colour}"/>'
    )


def night(seed: int, *, dome: bool = True) -> Image:
    """The Milky Way over dark hills, and an observatory's dome with its slit of light."""
    image = gradient((0, "#05081a"), (0.55, "#15264a"), (0.85, "#3f4a66"), (1, "#7a6358"))
    cloud = noise(seed, 260, octaves=7)
    band = ((across() * 0.62 + down() - 0.86 * HEIGHT + cloud * 90) / 150) ** 2 * -1
    dust = smooth(noise(seed + 1, 120, octaves=7), -0.05, 0.35)
    milk = band.exp() * (dust * -0.75 + 1)
    image = light(image, "#aebbe6", milk * 0.55)
    image = light(image, "#ffdcc0", (band * 4).exp() * (dust * -0.8 + 1) * 0.35)
    image = light(image, "#ffffff", stars(seed, rare=3.3) * 0.9 + stars(seed + 1, rare=2.6) * milk)
    image = over(image, "#0b0f1c", below(line(seed + 2, 0.8 * HEIGHT, 90, 380, octaves=6)))
    if not dome:
        return image
    shape = (
        '<path d="M930 760V640H1190V760z" fill="#10141f"/>'
        '<path d="M924 642A136 136 0 0 1 1196 642z" fill="#1a2131"/>'
        '<path d="M1030 642Q1034 560 1048 508L1082 506Q1072 560 1074 642z" fill="#ffb45e"'
        ' fill-opacity=".85"/><rect x="1000" y="690" width="30" height="70" fill="#ffc47c"/>'
    )
    image = draw(image, shape, blur=0.8)
    image = lamps(image, [(1056, 560), (1015, 720)], "#ffb060", size=4)
    return over(image, "#06080f", below(line(seed + 3, 0.82 * HEIGHT, 60, 300, octaves=7)))
