"""Cities, markets, factories, banks and stadiums."""

import random
from collections.abc import Sequence

from pyvips import Image

from infra.demo.scenes.canvas import (
    HEIGHT,
    WIDTH,
    across,
    below,
    bokeh,
    clamp,
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
    rgb,
    sky,
    smooth,
)
from infra.demo.scenes.water import DUSK, NOON, Stops


def _windows(seed: int, width: int, height: int, lit: float) -> Image:
    """A mask of lit windows on a grid; `lit` is the share of them that burn."""
    cells = Image.gaussnoise(WIDTH // width + 1, HEIGHT // height + 1, mean=0, sigma=1, seed=seed)
    on = clamp((cells - (1.3 - lit * 2.2)) * 3).zoom(width, height).crop(0, 0, WIDTH, HEIGHT)
    frame = ((across() % width) > width * 0.4) & ((down() % height) > height * 0.42)
    return on * (frame / 255)


def _blocks(dice: random.Random, base: float, tall: float, colour: str) -> str:
    """A row of buildings standing on `base`, up to `tall` pixels high."""
    shapes, x = [], -20.0
    while x < WIDTH:
        width, height = dice.uniform(36, 110), tall * dice.uniform(0.3, 1.0) ** 1.4
        shapes.append(f'<rect x="{x:.0f}" y="{base - height:.0f}" width="{width:.0f}" height="900"/>')
        if dice.random() < 0.3:
            shapes.append(
                f'<rect x="{x + width / 2:.0f}" y="{base - height - 40:.0f}" width="2.5" height="40"/>'
            )
        x += width + dice.uniform(-12, 6)
    return f'<g fill="{colour}">{"".join(shapes)}</g>'


def skyline(
    seed: int, *, hour: Stops = DUSK, lit: float = 0.5, wall: str = "#141a2b", glass: str = "#ffcf87"
) -> Image:
    """A city across the water when its windows light up."""
    dice, shore = random.Random(seed), 0.68 * HEIGHT
    image = sky(seed, *hour, cloud=hour[3][1], cover=0.1, dark=hour[0][1])
    image = over(image, hour[1][1], below(line(seed, shore - 130, 90, 400)) * 0.8)
    for layer, (tall, tone) in enumerate(((430, 0.45), (330, 0.2), (210, 0.0))):
        town = draw(flat("#000000"), _blocks(dice, shore, tall, "#ffffff"), blur=0.5)[0] / 255
        front = over(flat(wall), hour[2][1], tone)
        burn = _windows(seed + layer, 8 + layer * 2, 11 + layer * 3, lit)
        front = over(front, glass, burn * (0.95 - tone))
        image = over(image, front, town)
    points = [(dice.uniform(0, WIDTH), shore - 5) for _ in range(38)]
    image = lamps(image, points, glass, size=2.6)
    water = over(mirror(image, shore, seed, ripple=22), hour[0][1], 0.25)
    return over(image, water, below(shore))


def factory(seed: int, *, hour: Stops = DUSK, modern: bool = False) -> Image:
    """Halls and chimneys against the evening, or a long glazed hall on a plain."""
    dice, base = random.Random(seed), 0.74 * HEIGHT
    image = sky(seed, *hour, cloud=hour[3][1], cover=0.05, dark=hour[0][1])
    image = light(image, hour[3][1], glow(0.75 * WIDTH, base - 120, 150))
    image = over(image, hour[1][1], below(line(seed, base - 50, 60, 300)) * 0.8)
    image = _glazed_hall(image, base) if modern else _chimneys(image, dice, base, seed)
    lights = [(dice.uniform(60, WIDTH - 60), base - dice.uniform(8, 60)) for _ in range(26)]
    image = lamps(image, lights, "#ffc680", size=2.6)
    plain = over(flat("#1b1a20"), hour[2][1], smooth(ground(seed, base, wide=1, long=0.3), 0, 1) * 0.35)
    return over(image, plain, below(base))


def _chimneys(image: Image, dice: random.Random, base: float, seed: int) -> Image:
    shapes = _blocks(dice, base, 150, "#191820")
    puff = noise(seed, 150, octaves=7)
    for x in (260, 380, 840, 1130):
        top = base - dice.uniform(240, 330)
        shapes += f'<path d="M{x} {base}L{x + 9} {top}h24l9 {base - top}z" fill="#201d26"/>'
        rise = ((down() - top) * -1).clamp(min=-9, max=HEIGHT) / HEIGHT
        lean = (across() - x - 20 - rise * 520) / WIDTH / (rise * 0.3 + 0.012)
        smoke = smooth((lean**2 * -1).exp() + puff * 0.8, 0.45, 1.05) * smooth(rise, 0, 0.02)
        image = over(image, "#e2b9ab", smoke * (rise * -1.6 + 1).clamp(min=0, max=1) * 0.7)
    return draw(image.copy_memory(), shapes, blur=0.7)


def _glazed_hall(image: Image, base: float) -> Image:
    panes = "".join(
        f'<rect x="{x}" y="{base - 150}" width="36" height="112" fill="#ffe1a6"'
        f' fill-opacity="{0.55 + 0.4 * ((x * 7) % 5) / 5:.2f}"/>'
        for x in range(150, 1200, 42)
    )
    return draw(
        image,
        f'<rect x="110" y="{base - 190}" width="1130" height="200" fill="#2a3040"/>'
        f'<rect x="90" y="{base - 200}" width="1170" height="22" fill="#3d4558"/>{panes}'
        f'<rect x="1010" y="{base - 290}" width="150" height="100" fill="#323a4b"/>'
        f'<path d="M110 {base - 38}h1130v12H110z" fill="#1a1e29"/>',
        blur=0.7,
    )


def market(seed: int) -> Image:
    """Stalls under striped awnings with lamps and heaps of fruit."""
    dice = random.Random(seed)
    image = gradient((0, "#1c1410"), (0.4, "#5b3620"), (0.7, "#7a4a28"), (1, "#2b1a12"))
    crowd = bokeh(seed, 70, ["#ffcf7a", "#ff9a4a", "#ffe6b8", "#d66a3a"], top=0.22, bottom=0.6)
    image = draw(image, crowd, blur=4)
    paints = (("#a8322d", "#f0e3cf"), ("#1f5f6b", "#efe2c8"), ("#b9792a", "#f3e6cd"))
    awnings = "".join(_awning(i * 480 - 40, 150 + 22 * (i % 2), 500, paints[i]) for i in range(3))
    image = draw(image, awnings, blur=1.2)
    image = lamps(image, [(x, 285 + 30 * (x % 3)) for x in range(90, 1400, 165)], "#ffb45a", size=9)
    for row in range(5):
        fruit = "".join(_fruit(dice, row, column) for column in range(34 - 4 * row))
        image = draw(image, fruit, blur=abs(row - 3) * 0.9 + 0.4)
    return over(image, "#140c08", smooth(noise(seed, 200, octaves=4), 0, 1) * 0.35)


def _awning(x: float, y: float, width: float, paint: tuple[str, str]) -> str:
    strips, step = [], width / 12
    for i in range(12):
        left, fill = x + i * step, paint[i % 2]
        strips.append(
            f'<path d="M{left * 0.9 + 70:.0f} {y - 130}h{step * 0.9:.0f}L{left + step:.0f} {y + 90}'
            f'a{step / 2:.1f} 22 0 0 1-{step:.1f} 0z" fill="{fill}"/>'
        )
    shade = f'<rect x="{x}" y="{y + 50}" width="{width}" height="62" fill="#000" fill-opacity=".25"/>'
    return "".join(strips) + shade


def _fruit(dice: random.Random, row: int, column: int) -> str:
    size = 22 + 11 * row
    x = column * size * 1.75 + dice.uniform(-6, 6) - 30
    y = 590 + row * 74 + dice.uniform(-12, 12)
    group = int(x // 330) % 4
    deep, bright = (
        ("#8f2a1c", "#f0764a"),
        ("#b8860b", "#ffd968"),
        ("#4f6b1f", "#b9d45f"),
        ("#a84f0c", "#ffae4d"),
    )[group]
    return (
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{size}" fill="{deep}"/>'
        f'<circle cx="{x - size * 0.14:.0f}" cy="{y - size * 0.18:.0f}" r="{size * 0.74:.0f}"'
        f' fill="{bright}" fill-opacity=".45"/>'
        f'<circle cx="{x - size * 0.26:.0f}" cy="{y - size * 0.34:.0f}" r="{size * 0.34:.0f}"'
        f' fill="{bright}" fill-opacity=".75"/>'
    )


def columns(seed: int, *, stone: str = "#d9c7a6", hour: Stops = NOON) -> Image:
    """The fluted columns of an old institution, lit from the left."""
    image = sky(seed, *hour, cloud="#ffffff", cover=0.1)
    pitch = WIDTH / 5.2
    turn = ((across() + 60) % pitch) / pitch
    round_ = ((turn - 0.36) / 0.3) ** 2 * -1 + 1
    shaft = smooth(round_, 0, 0.03)
    flutes = ((turn - 0.36) / 0.3).clamp(min=-1, max=1).asin().cos() * 0.55 + 0.3
    flutes = flutes + ((turn - 0.36) * 8600).sin() * 0.07 - (turn - 0.36) * 0.8
    grit = noise(seed, 70, octaves=6)
    wall = over(flat("#3b3128"), stone, smooth(grit, -0.6, 1.2) * 0.3)
    wall = over(wall, "#120d09", smooth(down(), 300, 900) * 0.5)
    pillar = over(flat("#2e2419"), stone, flutes.clamp(min=0, max=1))
    pillar = over(pillar, "#8d7753", smooth(grit, -0.4, 1.0) * 0.35)
    front = over(wall, pillar, shaft)
    front = draw(front, _entablature(stone), blur=0.6)
    front = over(front, "#6d5a3e", smooth(grit, -0.3, 1.0) * 0.2)
    slant = smooth(across() * 0.55 + down(), 500, 1500)
    front = over(front, "#1a1420", slant * 0.45)
    roof = (across() * 0.13 + 40).clamp(min=0, max=400)
    return over(image, front, smooth(down() - roof, 0, 2))


def _entablature(stone: str) -> str:
    teeth = "".join(
        f'<rect x="{x}" y="246" width="20" height="22" fill="#7d6a4c"/>' for x in range(0, WIDTH, 40)
    )
    steps = "".join(
        f'<rect x="0" y="{830 + 30 * i}" width="{WIDTH}" height="30" fill="{stone}"/>'
        f'<rect x="0" y="{852 + 30 * i}" width="{WIDTH}" height="8" fill="#54452f"/>'
        for i in range(4)
    )
    return (
        f'<path d="M0 40L{WIDTH} 224V300H0z" fill="{stone}"/><path d="M0 268H{WIDTH}v32H0z"'
        f' fill="#a08c68"/><path d="M0 300H{WIDTH}v16H0z" fill="#4a3c29"/>{teeth}{steps}'
    )


_PAINTS = ("#a3402f", "#2d5d86", "#8e9296", "#b8742c", "#2f6e58", "#7a2c2c", "#d0c6b2", "#34495e")


def containers(seed: int) -> Image:
    """A wall of stacked containers: corrugated steel, rust and dust."""
    wide, high = 354, 158
    dice = random.Random(seed)
    tints = [rgb(dice.choice(_PAINTS)) for _ in range(5 * 7)]
    bands = [Image.new_from_array([[t[b] for t in tints[r::7]] for r in range(7)]) for b in range(3)]
    steel = bands[0].bandjoin(bands[1:]).zoom(wide, high).crop(60, 70, WIDTH, HEIGHT)
    x, y = (across() + 60) % wide, (down() + 70) % high
    fold = (x * 15).sin()
    image = steel * (smooth(fold, -0.7, 0.7) * 0.35 + 0.72)
    gap = smooth(x * -1, -7, -3) + smooth(y * -1, -7, -3) + smooth(x, wide - 6, wide - 3)
    image = over(image, "#0c0a0a", clamp(gap) * 0.85)
    rail = smooth(((y - 14).abs()) * -1, -7, -5) + smooth(((y - high + 8).abs()) * -1, -6, -4)
    image = over(image, steel * 0.6, clamp(rail) * 0.8)
    rust = noise(seed, 90, octaves=7)
    image = over(image, "#5c3420", smooth(rust, 0.15, 0.7) * 0.75)
    streak = noise(seed + 1, 14, octaves=3, size=(WIDTH, HEIGHT)).resize(1, vscale=6)
    image = over(image, "#d8cbb6", smooth(streak.crop(0, 0, WIDTH, HEIGHT), 0.1, 0.9) * 0.35)
    beam = smooth(across() * 0.8 + down() * -1, -300, 700)
    return over(image * 1.15, "#0a1020", beam * 0.55)


def stadium(
    seed: int, *, hour: str = "#0a1222", crowd: str = "#5b6f96", confetti: Sequence[str] = ()
) -> Image:
    """A full ground under floodlights, seen from the stand behind the goal."""
    dice, touch = random.Random(seed), 0.56 * HEIGHT
    image = gradient((0, hour), (0.35, "#1f2c4a"), (1, "#1f2c4a"))
    bowl = ((across() - WIDTH / 2) / WIDTH) ** 2 * -240 + 0.2 * HEIGHT
    for tier in range(3):
        edge = bowl + tier * 105 + 20
        seats = _crowd(seed + tier, crowd, 5 - tier)
        seats = over(seats, "#05070d", smooth(down() - edge, 70, 130) * 0.75)
        image = over(image, seats, smooth(down() - edge, 0, 2))
        image = over(image, "#dfe8ff", smooth(((down() - edge + 3).abs()) * -1, -4, -2) * 0.75)
    image = over(image, _turf(seed, touch), below(touch))
    image = draw(image, _markings(touch), blur=0.7)
    points = [(WIDTH * (0.06 + 0.08 * i) + dice.uniform(-6, 6), 70 + 20 * (i % 2)) for i in range(12)]
    image = lamps(image, points, "#cfe0ff", size=11)
    image = light(image, "#9db8ff", glow(WIDTH / 2, 40, 560, squash=0.5) * 0.35)
    return draw(image.copy_memory(), _paper(dice, confetti), blur=1.4) if confetti else image


def _crowd(seed: int, colour: str, size: int) -> Image:
    """Spectators as dots: bright faces and shirts on a dark stand."""
    dots = Image.gaussnoise(WIDTH // size + 1, HEIGHT // size + 1, mean=0, sigma=1, seed=seed)
    dots = dots.copy_memory().resize(size, kernel="linear").crop(0, 0, WIDTH, HEIGHT).copy_memory()
    tint = noise(seed, 60, octaves=2)
    seats = over(flat("#141a28"), colour, smooth(dots, -0.2, 1.2))
    seats = over(seats, "#e8c9a8", smooth(dots + tint, 1.0, 1.5) * 0.8)
    return over(seats, "#c23b34", smooth(dots * -1 + tint * 1.5, 1.0, 1.5) * 0.75)


def _turf(seed: int, touch: float) -> Image:
    depth = (down() - touch).clamp(min=2, max=HEIGHT)
    stripes = smooth(((depth + 60) ** -1 * 190000).sin(), -0.15, 0.15)
    grass = over(flat("#2f7a34"), "#43983f", stripes)
    blades = ground(seed, touch, wide=0.5, long=0.1)
    grass = over(grass, "#123d17", smooth(blades, -0.1, 0.8) * 0.5)
    return over(grass, "#d9f2c0", glow(WIDTH / 2, touch + 120, 420, squash=0.35) * 0.3)


def _markings(touch: float) -> str:
    y = touch
    return (
        '<g fill="none" stroke="#f2f7ee" stroke-opacity=".85" stroke-width="4">'
        f'<path d="M0 {y + 8}H{WIDTH}" stroke-width="2"/>'
        f'<path d="M460 {y + 8}L400 {y + 60}H1016L956 {y + 8}"/>'
        f'<path d="M560 {y + 60}Q708 {y + 92} 856 {y + 60}"/>'
        f'<path d="M-40 {y + 235}H{WIDTH + 40}" stroke-width="7"/>'
        f'<ellipse cx="708" cy="{y + 235}" rx="300" ry="74" stroke-width="6"/></g>'
        f'<g stroke="#ffffff" fill="none"><path d="M650 {y + 8}V{y - 34}H766V{y + 8}"'
        f' stroke-width="4"/><path d="M650 {y - 34}l10 12v28M766 {y - 34}l-10 12v28'
        f'" stroke-width="1.5" stroke-opacity=".6"/></g>'
    )


def _paper(dice: random.Random, colours: Sequence[str]) -> str:
    return "".join(
        f'<rect x="{dice.uniform(0, WIDTH):.0f}" y="{dice.uniform(0, HEIGHT):.0f}"'
        f' width="{dice.uniform(4, 16):.0f}" height="{dice.uniform(3, 9):.0f}"'
        f' transform="rotate({dice.uniform(-25, 25):.0f} 700 470)" fill="{dice.choice(colours)}"/>'
        for _ in range(420)
    )


def pitch(seed: int, *, hour: Stops = DUSK, net: bool = True) -> Image:
    """The training ground at grass height: a chalk line, a net, a low sun."""
    horizon = 0.5 * HEIGHT
    image = sky(seed, *hour, cloud="#ffe3c2", cover=0.12, dark=hour[1][1])
    image = light(image, "#fff0c8", glow(0.24 * WIDTH, horizon - 80, 110))
    trees = line(seed, horizon - 36, 60, 90, octaves=6)
    image = over(image, "#1d2b22", below(trees, soft=9) * 0.92)
    blades = ground(seed, horizon, wide=0.35, long=0.06)
    grass = over(gradient((0, "#7d9a4a"), (0.5, "#7d9a4a"), (1, "#2c5a25")), "#0f2a10", 0.0)
    grass = over(grass, "#0e260e", smooth(blades, -0.2, 0.7) * 0.7)
    grass = over(grass, "#d8e39a", smooth(blades * -1, 0.2, 0.8) * 0.5)
    chalk = "".join(f'<path d="M{-80} 800L{WIDTH} 610v12L{-80} 846z" fill="#f4f4ea"/>' for _ in "a")
    grass = draw(grass, chalk, blur=1.5)
    grass = over(grass, "#17330f", smooth(blades, 0.15, 0.5) * 0.55)
    image = over(image, grass, below(horizon))
    image = light(image, "#ffcf8a", glow(0.24 * WIDTH, horizon, 420, squash=0.6) * 0.4)
    return draw(image.copy_memory(), _net(), blur=0.8) if net else image


def _net() -> str:
    mesh = "".join(
        f'<path d="M{640 + i * 26} 150Q{650 + i * 27} 480 {720 + i * 25} 742"/>' for i in range(28)
    ) + "".join(
        f'<path d="M{640 + i * 4} {150 + i * 27}Q1000 {170 + i * 27} 1400 {150 + i * 27}"/>'
        for i in range(22)
    )
    return (
        '<g fill="none" stroke="#f2efe6" stroke-opacity=".55" stroke-width="1.6">' + mesh + "</g>"
        '<path d="M628 764V138H1430" fill="none" stroke="#fbf9f2" stroke-width="15"/>'
        '<path d="M632 764V142H1430" fill="none" stroke="#b9b4a4" stroke-width="4"/>'
    )
