"""Seas, coasts and harbours."""

import random
from collections.abc import Sequence

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
    sky,
    smooth,
)

Stops = Sequence[tuple[float, str]]

DAWN: Stops = ((0, "#31507f"), (0.3, "#9a86a0"), (0.48, "#f2a878"), (0.58, "#ffdca0"), (1, "#ffd090"))
NOON: Stops = ((0, "#2b6fb3"), (0.35, "#79b3dd"), (0.58, "#d8ebf2"), (1, "#e8f2f5"))
DUSK: Stops = ((0, "#1d2748"), (0.3, "#5b4a78"), (0.48, "#d4695a"), (0.58, "#ffb169"), (1, "#ffa050"))
NIGHT: Stops = ((0, "#070c1c"), (0.4, "#132240"), (0.58, "#2c4468"), (1, "#2c4468"))
STORM: Stops = ((0, "#2a3036"), (0.35, "#4d565c"), (0.58, "#9aa3a1"), (1, "#8c9797"))


def _swell(base: Image, seed: int, horizon: float, near: str, far: str, rough: float) -> Image:
    """Open water below the horizon: long swell, short chop, dark troughs."""
    top = horizon / HEIGHT
    water = gradient((0, far), (top, far), (min(1, top + 0.12), near), (1, near))
    swell = ground(seed, horizon, wide=3.2, long=0.5)
    chop = ground(seed + 1, horizon, wide=1.1, long=0.22)
    relief = swell * 0.9 + chop * 0.5
    water = over(water, far, smooth(relief, 0.0, 0.75) * 0.6)
    water = over(water, "#050d14", smooth(relief * -1, 0.05, 0.9) * 0.55)
    if rough > 0:
        foam = smooth(chop + swell * 0.7, 0.8 - rough * 0.35, 1.15 - rough * 0.2)
        water = over(water, "#e4ecec", foam * 0.8)
    return over(base, water, below(horizon))


def _glitter(base: Image, seed: int, horizon: float, x: float, colour: str) -> Image:
    """The sun's path: sparks of light in a column that widens towards us."""
    chop = ground(seed + 7, horizon, wide=0.9, long=0.16)
    depth = (down() - horizon) / HEIGHT
    width = depth * 0.22 + 0.045
    aside = ((across() - x) / WIDTH / width).copy_memory()
    near = (aside * aside * -1).exp().copy_memory()
    sparks = smooth(chop + near * 0.55, 0.5, 0.85) * near
    return light(base, colour, (sparks * 0.95 + near * 0.16) * below(horizon))


def _hull(x: float, y: float, size: float) -> str:
    """A loaded container ship seen from the side, `size` pixels long, on its waterline."""
    dice = random.Random(int(x + y))
    paints = ("#7d3b31", "#2f5d7c", "#a8763a", "#55606a", "#3d6a55", "#8d8f90")
    boxes = "".join(
        f'<rect x="{(0.09 + column * 0.047):.3f}" y="{-0.115 - 0.028 * row:.3f}" width="0.045"'
        f' height="0.027" fill="{dice.choice(paints)}"/>'
        for column in range(14)
        for row in range(dice.choice((2, 3, 3, 4)))
    )
    return (
        f'<g transform="translate({x} {y}) scale({size})">{boxes}'
        '<path d="M.01-.09H.9L.985-.1.94 0H.05z" fill="#27323d"/>'
        '<path d="M.03-.018H.955L.94 0H.05z" fill="#7b2f2a"/>'
        '<path d="M.78-.09v-.15h.075v.15z" fill="#d9d6cf"/><path d="M.77-.225h.1v.022h-.1z"'
        ' fill="#3c4650"/><path d="M.8-.24v-.05h.02v.05z" fill="#44403c"/></g>'
    )


def _ferry(x: float, y: float, size: float) -> str:
    """A white two-decked ferry on its waterline."""
    windows = "".join(
        f'<rect x="{0.16 + 0.034 * i:.3f}" y="{y0}" width=".02" height=".016" fill="#2d4a60"/>'
        for i in range(17)
        for y0 in (-0.105, -0.15)
    )
    return (
        f'<g transform="translate({x} {y}) scale({size})">'
        '<path d="M.02-.075H.93L.99-.09.95 0H.06z" fill="#f1efe9"/>'
        '<path d="M.036-.03H.965L.95 0H.06z" fill="#1f5a86"/>'
        '<path d="M.1-.075V-.12H.84L.88-.075z" fill="#fbf9f4"/>'
        '<path d="M.14-.12V-.165H.76L.8-.12z" fill="#efece4"/>'
        '<path d="M.64-.165V-.2H.73L.76-.165z" fill="#fdfbf7"/>'
        '<path d="M.3-.165l.01-.07h.07l-.01.07z" fill="#1f5a86"/>'
        f'<path d="M.695-.2v-.07h.006v.07z" fill="#777"/>{windows}</g>'
    )


def sea(  # noqa: PLR0913 - each is one thing to see
    seed: int,
    *,
    hour: Stops = NOON,
    near: str = "#1d4f6b",
    far: str = "#7fb0c4",
    sun: float = 0.68,
    shine: str = "#fff0d0",
    boat: str = "",
    rough: float = 0.0,
    isles: bool = False,
) -> Image:
    """Open sea under the sky of an hour, with a ship, a ferry or islands if asked."""
    horizon = 0.56 * HEIGHT
    cover = -0.7 if rough > 0.5 else 0.12
    image = sky(seed, *hour, cloud=shine if rough <= 0.5 else "#a9b2b4", cover=cover, dark=near)
    if rough <= 0.5:
        image = light(image, shine, glow(sun * WIDTH, horizon - 70, 90))
    if isles:
        image = over(image, far, below(line(seed, horizon - 8, 60, 300)) * 0.75)
        image = over(image, near, below(line(seed + 3, horizon + 22, 120, 420)) * 0.8)
    image = _swell(image, seed, horizon, near, far, rough)
    if rough <= 0.5:
        image = _glitter(image, seed, horizon, sun * WIDTH, shine)
    if boat:
        image = _afloat(image, boat, horizon)
    return image


def _afloat(image: Image, boat: str, horizon: float) -> Image:
    """The vessel, its dark reflection and a line of foam at its waterline."""
    x, y, size = 0.16 * WIDTH, horizon + 56, 0.56 * WIDTH
    shape = _ferry(x, y, size) if boat == "ferry" else _hull(x, y, size)
    shadow = (
        f'<ellipse cx="{x + size / 2}" cy="{y + 16}" rx="{size * 0.47}" ry="16" fill="#0b1c28"'
        ' fill-opacity=".55"/>'
    )
    foam = (
        f'<path d="M{x + size * 0.03} {y}H{x + size * 1.0}l-30 5H{x - 90}z" fill="#f4f8f8"'
        ' fill-opacity=".75"/>'
    )
    image = draw(image, shadow, blur=6)
    image = draw(image, shape, blur=0.6)
    return draw(image, foam, blur=2)


def _crane(x: float, y: float, size: float, colour: str) -> str:
    """A ship-to-shore crane: legs, boom, tower and stays; feet at (x, y), `size` pixels high."""
    return (
        f'<g transform="translate({x} {y}) scale({size})" stroke="{colour}" fill="none"'
        ' stroke-width=".022">'
        '<path d="M-.2 0V-.62M.12 0V-.62M-.2-.3H.12M-.2-.3.12-.6M.12-.3-.2-.6"/>'
        '<path d="M-.45-.62H.75M-.45-.66H.75" stroke-width=".018"/>'
        '<path d="M-.2-.62-.06-1 .12-.62M-.06-1 .7-.66M-.06-1 .35-.66M-.06-1-.42-.66"'
        ' stroke-width=".011"/>'
        f'<path d="M-.34-.62h.16v-.12h-.16z" fill="{colour}"/>'
        '<path d="M.45-.62v.3" stroke-width=".005"/>'
        f'<path d="M.39-.32h.12v.05H.39z" fill="{colour}"/></g>'
    )


def _quay(dice: random.Random, y: float, colour: str) -> str:
    """The quay's edge with stacked containers on it."""
    stacks = "".join(
        f'<rect x="{x}" y="{y - 17 * rows}" width="{width}" height="{17 * rows}" fill="{colour}"/>'
        for x in range(-10, WIDTH, 62)
        for rows, width in [(dice.choice((0, 1, 2, 3, 3, 4)), dice.choice((56, 62)))]
    )
    return f'{stacks}<rect x="0" y="{y}" width="{WIDTH}" height="22" fill="{colour}"/>'


def harbour(
    seed: int,
    *,
    hour: Stops = DAWN,
    cranes: int = 4,
    iron: str = "#1c2530",
    lamp: str = "#ffce8a",
    lights: int = 14,
    sun: float = 0.3,
) -> Image:
    """Cranes and stacked containers against the sky, mirrored in the basin."""
    dice, quay = random.Random(seed), 0.62 * HEIGHT
    image = sky(seed, *hour, cloud=hour[2][1], cover=0.1, dark=hour[0][1])
    image = light(image, lamp, glow(sun * WIDTH, quay - 90, 120) * (0.25 if hour is NIGHT else 1))
    image = over(image, hour[1][1], below(line(seed, quay - 70, 70, 330)) * 0.85)
    step = WIDTH / cranes
    far = "".join(
        _crane(i * step * 0.8 + dice.uniform(0, 90), quay, dice.uniform(190, 230), iron)
        for i in range(cranes + 2)
    )
    image = over(draw(image, far, blur=1.6), hour[2][1], 0.28 * below(quay - 330, soft=250))
    near = "".join(
        _crane(step * (i + 0.45) + dice.uniform(-50, 50), quay, dice.uniform(360, 470), iron)
        for i in range(cranes)
    )
    image = draw(image, near + _quay(dice, quay, iron), blur=0.5)
    points = [(dice.uniform(0, WIDTH), quay - 4 - dice.expovariate(1 / 55)) for _ in range(lights)]
    image = lamps(image, points, lamp, size=3.2)
    water = over(mirror(image, quay + 22, seed), hour[0][1], 0.3)
    return over(image, water, below(quay + 22))


def coast(seed: int, *, deep: str = "#0d4a6b", shallow: str = "#4fc3c0", sand: str = "#e2cfa6") -> Image:
    """A shore from straight above: deep water, shallows, surf, sand, scrub."""
    tilt = (across() / WIDTH - 0.55) * 1.9 + (down() / HEIGHT - 0.5) * 0.5
    land = tilt + noise(seed, 420, octaves=7) * 0.75
    grain = noise(seed + 2, 40, octaves=4)
    image = over(flat(deep), shallow, smooth(land + grain * 0.05, -0.75, -0.08))
    reef = smooth(noise(seed + 3, 90, octaves=5), 0.1, 0.5) * smooth(land * -1, 0.1, 0.4)
    image = over(image, deep, reef * 0.5)
    for level, strength in ((-0.05, 1.0), (-0.16, 0.75), (-0.27, 0.45)):
        crest = smooth(((land + grain * 0.1 - level).abs()) * -1, -0.035, -0.004)
        image = over(image, "#f6fbfa", crest * strength * smooth(grain, -0.5, 0.2))
    image = over(image, "#b59c72", smooth(land, -0.01, 0.03))
    image = over(image, sand, smooth(land, 0.03, 0.16))
    scrub = smooth(land + noise(seed + 4, 60, octaves=5) * 0.5, 0.38, 0.55)
    image = over(image, "#5d6b3d", scrub)
    image = over(image, "#2f3b22", scrub * smooth(grain, 0.0, 0.4) * 0.8)
    return over(image, "#000000", smooth(grain * -1, 0, 0.7) * 0.18)


def wake(seed: int, *, deep: str = "#0c3c5c") -> Image:
    """A boat from above and the white fan it draws on dark water."""
    ripples = noise(seed, 70, octaves=6, stretch=1.6)
    image = over(flat(deep), "#3c86a0", smooth(ripples, -0.1, 0.9) * 0.7)
    image = over(image, "#04121f", smooth(ripples * -1, 0.1, 0.8) * 0.6)
    behind = (across() - 0.66 * WIDTH) * -1
    along = (behind / WIDTH).clamp(min=0, max=1)
    offset = ((down() - 0.47 * HEIGHT - behind * 0.12).abs()) / HEIGHT
    churn = noise(seed + 1, 50, octaves=6)
    fan = ((offset - along * 0.42).abs() / (along * 0.12 + 0.012)) ** 2 * -1
    core = (offset / (along * 0.1 + 0.02)) ** 2 * -1
    foam = (fan.exp() * 0.8 + core.exp()) * (behind > 0).ifthenelse(1, 0) * (along * -0.8 + 1)
    image = over(image, "#eaf6f6", smooth(foam + churn * 0.55, 0.35, 0.85) * 0.95)
    x, y = 0.66 * WIDTH, 0.47 * HEIGHT
    hull = (
        f'<g transform="translate({x} {y}) rotate(-7)"><path d="M-80-30H70Q130-24 150 0 130 24 70'
        ' 30H-80z" fill="#f7f6f2"/><path d="M-66-22H52v44H-66z" fill="#d9dee0"/>'
        '<path d="M20-18H56Q66 0 56 18H20z" fill="#2b4558"/>'
        '<path d="M-50-12h46v24h-46z" fill="#b9482f"/></g>'
    )
    return draw(image, hull, blur=0.7)
