"""Things seen close: vials, cells, silicon, coins and a screen of prices."""

import random

from pyvips import Image

from infra.demo.scenes.canvas import (
    HEIGHT,
    WIDTH,
    across,
    bokeh,
    clamp,
    down,
    draw,
    flat,
    glow,
    gradient,
    light,
    noise,
    over,
    smooth,
)


def lab(seed: int, *, wall: str = "#0f3b4a", liquid: str = "#7fd3d8", cap: str = "#c9483e") -> Image:
    """Rows of vials on a steel table; only the front row is in focus."""
    dice, table = random.Random(seed), 0.7 * HEIGHT
    image = gradient((0, wall), (0.6, "#d5e6e4"), (0.72, "#8aa7aa"), (1, "#3f585c"))
    lights = bokeh(seed, 34, ["#ffffff", "#c8f0f0", liquid], top=0.0, bottom=0.55)
    image = draw(image, lights, blur=7)
    for row in range(4):
        size = 0.5 + 0.24 * row**1.3
        foot, gap = table + 20 + 40 * row**1.3, 205 * size
        vials = "".join(
            _vial(i * gap + dice.uniform(-8, 8) - 60 * row, foot, size, liquid, cap)
            for i in range(int(WIDTH / gap) + 2)
        )
        shine = f'<g transform="translate(0 {2 * foot}) scale(1 -1)" opacity=".22">{vials}</g>'
        image = draw(image, shine + vials, blur=(9, 5, 2, 0.7)[row])
    return light(image, "#dffaff", glow(0.2 * WIDTH, 0, 500) * 0.4)


def _vial(x: float, y: float, size: float, liquid: str, cap: str) -> str:
    """A small glass bottle with a rubber stopper, its foot at (x, y)."""
    return (
        f'<g transform="translate({x:.0f} {y:.0f}) scale({size:.2f})">'
        '<path d="M-52 0V-170Q-52-195-28-204V-226H28V-204Q52-195 52-170V0Q0 14-52 0z"'
        ' fill="#eefafa" fill-opacity=".5" stroke="#ffffff" stroke-opacity=".55" stroke-width="3"/>'
        f'<path d="M-47-4V-118H47V-4Q0 9-47-4z" fill="{liquid}" fill-opacity=".8"/>'
        '<ellipse cx="0" cy="-118" rx="47" ry="8" fill="#ffffff" fill-opacity=".45"/>'
        '<rect x="-46" y="-104" width="92" height="66" fill="#fbfdfc" fill-opacity=".93"/>'
        '<path d="M-34-88h52M-34-76h66M-34-64h44" stroke="#53656b" stroke-width="4"/>'
        f'<path d="M-34-52h30" stroke="{cap}" stroke-width="7"/>'
        f'<rect x="-34" y="-258" width="68" height="36" rx="5" fill="{cap}"/>'
        '<rect x="-34" y="-234" width="68" height="14" fill="#c7cdd0"/>'
        '<rect x="-22" y="-258" width="9" height="36" fill="#fff" fill-opacity=".35"/>'
        '<rect x="-43" y="-186" width="9" height="182" fill="#fff" fill-opacity=".55"/>'
        '<rect x="32" y="-180" width="12" height="176" fill="#16353c" fill-opacity=".22"/></g>'
    )


def cells(seed: int, *, deep: str = "#34103f", tone: str = "#d8619b", pale: str = "#ffd0dc") -> Image:
    """Round bodies under a microscope at three depths of focus."""
    dice = random.Random(seed)
    image = over(flat(deep), tone, glow(0.42 * WIDTH, 0.4 * HEIGHT, 620) * 0.8)
    image = over(image, "#12041a", smooth(noise(seed, 260, octaves=6), 0, 0.9) * 0.5)
    for count, size, blur in ((26, 42, 9.0), (16, 78, 3.5), (8, 125, 0.8)):
        bodies = "".join(_body(dice, size, tone, pale) for _ in range(count))
        image = draw(image, bodies, blur=blur)
    speck = smooth(noise(seed + 1, 12, octaves=3), 0.25, 0.7)
    return over(image, pale, speck * 0.22)


def _body(dice: random.Random, size: float, tone: str, pale: str) -> str:
    x, y = dice.uniform(0, WIDTH), dice.uniform(0, HEIGHT)
    size *= dice.uniform(0.75, 1.25)
    name = f"b{int(x * 97 + y * 13)}"
    grains = "".join(
        f'<circle cx="{x + dice.gauss(0, size * 0.3):.0f}" cy="{y + dice.gauss(0, size * 0.3):.0f}"'
        f' r="{size * dice.uniform(0.04, 0.12):.1f}" fill="{pale}" fill-opacity=".35"/>'
        for _ in range(9)
    )
    return (
        f'<radialGradient id="{name}" cx=".4" cy=".36" r=".66"><stop offset="0" stop-color="{pale}"/>'
        f'<stop offset=".55" stop-color="{tone}" stop-opacity=".85"/>'
        '<stop offset=".93" stop-color="#4c1240" stop-opacity=".9"/>'
        f'<stop offset="1" stop-color="{pale}" stop-opacity=".5"/></radialGradient>'
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{size:.0f}" fill="url(#{name})"/>{grains}'
    )


def wafer(seed: int, *, close: float = 1.0, turn: float = 0.0) -> Image:
    """A silicon wafer whose dies break the light into colours; `close` moves towards it."""
    x, y = (across() - 0.52 * WIDTH) / close, (down() - 0.54 * HEIGHT) / close * 1.25
    u, v = x * 0.94 + y * 0.34, y * 0.94 - x * 0.34
    radius = (u * u + v * v) ** 0.5
    disc = smooth(radius * -1, -540, -537)
    die, lane = (62.0, 46.0), 3.2
    street = clamp(smooth((u % die[0]) * -1, -lane, 0) + smooth((v % die[1]) * -1, -lane, 0))
    phase = u * 0.42 + v * 0.95 + noise(seed, 500, octaves=2) * 90 + turn
    hue = [((phase + shift) * 0.95).cos() * 0.5 + 0.5 for shift in (0, 105, 235)]
    colours = hue[0].bandjoin(hue[1:]) * [215, 190, 235] + 14
    detail = Image.gaussnoise(WIDTH // 7 + 1, HEIGHT // 5 + 1, mean=0, sigma=1, seed=seed).zoom(7, 5)
    colours = over(colours, "#0c1020", smooth(detail.crop(0, 0, WIDTH, HEIGHT), -0.5, 1.6) * 0.45)
    sheen = (((u * 0.7 + v * 0.5 - 40) / 190) ** 2 * -1).exp()
    plate = light(over(flat("#20283a"), colours, sheen * 0.55 + 0.35), "#ffffff", sheen * 0.35)
    plate = over(plate, "#e7edf7", street * 0.6)
    plate = over(plate, "#c3cad6", smooth(radius, 505, 509) * 0.8)
    image = over(gradient((0, "#05070e"), (1, "#161d2e")), "#3c2a66", glow(200, 800, 420) * 0.6)
    image = over(image, "#000000", smooth(radius * -1, -610, -530) * 0.5)
    image = over(image, plate, disc)
    return light(image, "#8fc7ff", glow(1180, 120, 260) * 0.45)


def circuit(seed: int, *, board: str = "#0c3a35", copper: str = "#4fae8f") -> Image:
    """Traces, pads and chips on a board; sharp in the middle, soft towards us."""
    dice = random.Random(seed)
    image = over(flat(board), "#020b0b", smooth(noise(seed, 300, octaves=5), -0.3, 0.8) * 0.6)
    traces = "".join(_trace(dice, copper) for _ in range(110))
    image = draw(image, traces, blur=0.5)
    chips = "".join(
        _chip(x + dice.uniform(-30, 30), y + dice.uniform(-20, 20), dice.uniform(0.7, 1.0))
        for x, y in ((330, 300), (1120, 230), (1010, 700), (240, 760))
    )
    image = draw(image, chips + _chip(700, 470, 1.7), blur=0.6)
    image = light(image, "#bff5ff", glow(420, 120, 330) * 0.5)
    image = light(image, "#ffb46a", glow(1240, 640, 260) * 0.4)
    soft = image.cast("uchar").gaussblur(7, precision="integer")
    focus = smooth(((down() - 470).abs()), 190, 460)
    return over(image, soft, focus)


def _trace(dice: random.Random, copper: str) -> str:
    x, y = dice.randrange(0, WIDTH, 18), dice.randrange(0, HEIGHT, 18)
    path, turn = f"M{x} {y}", dice.choice((-1, 1))
    for _ in range(3):
        run, slope = dice.randrange(36, 260, 18), dice.randrange(18, 108, 18)
        path += f"h{run * turn}l{slope * turn} {slope * dice.choice((-1, 1))}"
    alpha = dice.uniform(0.35, 0.9)
    return (
        f'<path d="{path}" fill="none" stroke="{copper}" stroke-opacity="{alpha:.2f}"'
        f' stroke-width="{dice.choice((2.5, 4, 6))}"/><circle cx="{x}" cy="{y}" r="7" fill="#caa45a"/>'
        f'<circle cx="{x}" cy="{y}" r="3" fill="#0a1513"/>'
    )


def _chip(x: float, y: float, size: float) -> str:
    pins = "".join(
        f'<rect x="{-84 + i * 14}" y="-112" width="7" height="224"/>'
        f'<rect y="{-84 + i * 14}" x="-112" height="7" width="224"/>'
        for i in range(13)
    )
    return (
        f'<g transform="translate({x:.0f} {y:.0f}) scale({size:.2f})"><g fill="#c9ced2">{pins}</g>'
        '<rect x="-97" y="-97" width="194" height="194" rx="5" fill="#15181c"/>'
        '<path d="M-97-97H97L-97 97z" fill="#2d333a"/>'
        '<rect x="-88" y="-88" width="176" height="176" rx="3" fill="#1b1f24"/>'
        '<circle cx="-66" cy="-66" r="8" fill="#0b0d0f"/>'
        '<path d="M-40-14h86M-40 8h64M-40 30h76" stroke="#7d858c" stroke-width="5"/></g>'
    )


def coins(seed: int, *, metal: str = "#d9a63c", rim: str = "#7d5414", wall: str = "#14302a") -> Image:
    """Stacks of coins on a dark table, growing towards the right."""
    dice = random.Random(seed)
    image = gradient((0, wall), (0.62, "#2e5a4a"), (0.7, "#3b2c1a"), (1, "#120d08"))
    image = draw(image, bokeh(seed, 40, ["#ffe6a8", "#7fd8b0", "#ffffff"], top=0, bottom=0.6), blur=8)
    image = image.copy_memory()
    for x, y, size, count, blur in (
        (330, 650, 0.75, 5, 4.0),
        (860, 640, 0.75, 9, 4.0),
        (1270, 660, 0.8, 13, 4.0),
        (200, 800, 1.1, 4, 0.7),
        (560, 810, 1.1, 8, 0.7),
        (920, 820, 1.1, 12, 0.7),
        (1260, 835, 1.15, 16, 1.0),
    ):
        pile = "".join(
            _coin(x + dice.uniform(-7, 7), y - i * 27 * size, size, metal, rim) for i in range(count)
        )
        image = draw(image, pile, blur=blur)
    image = over(image, "#2a1a06", smooth(noise(seed, 30, octaves=4), 0, 0.9) * 0.25)
    return light(image, "#fff0c4", glow(300, 150, 420) * 0.4)


def _coin(x: float, y: float, size: float, metal: str, rim: str) -> str:
    ridges = "".join(
        f'<path d="M{i * 6 - 138} {26 - abs(i - 23) * 0.2:.1f}v24" stroke="{rim}" stroke-width="2"/>'
        for i in range(47)
    )
    return (
        f'<g transform="translate({x:.0f} {y:.0f}) scale({size:.2f})">'
        f'<path d="M-142 0V26A142 42 0 0 0 142 26V0z" fill="{metal}"/>{ridges}'
        '<path d="M30 0H142V26Q120 56 30 66z" fill="#000" fill-opacity=".35"/>'
        '<path d="M-110 20Q-90 46-60 56V30z" fill="#fff" fill-opacity=".35"/>'
        f'<ellipse rx="142" ry="42" fill="#efc968"/><ellipse rx="124" ry="34" fill="{metal}"/>'
        f'<ellipse rx="60" ry="15" fill="{rim}" fill-opacity=".55"/></g>'
    )


def charts(seed: int, *, up: str = "#2fd08a", fall: str = "#ef5350") -> Image:
    """A trading screen seen at an angle: candles, a moving average, a grid."""
    dice, price = random.Random(seed), 520.0
    candles, average, trail = "", "", price
    for x in range(-20, WIDTH + 20, 30):
        move = dice.gauss((price - 430) * -0.12, 58)
        top, bottom = sorted((price, price + move))
        colour = up if move < 0 else fall
        candles += (
            f'<path d="M{x} {top - dice.uniform(4, 40):.0f}V{bottom + dice.uniform(4, 40):.0f}"'
            f' stroke="{colour}" stroke-width="2.5"/><rect x="{x - 10}" y="{top:.0f}" width="20"'
            f' height="{max(5, bottom - top):.0f}" fill="{colour}"/>'
            f'<rect x="{x - 8}" y="{900 - abs(move) * 2.2:.0f}" width="16" height="200" fill="{colour}"'
            ' fill-opacity=".4"/>'
        )
        price = min(760.0, max(160.0, price + move))
        trail = trail * 0.8 + price * 0.2
        average += f"{'L' if average else 'M'}{x} {trail:.0f}"
    grid = "".join(
        f'<path d="M0 {y}H1416" stroke="#6f8fb8" stroke-opacity=".2"/>' for y in range(40, 944, 90)
    )
    curve = f'<path d="{average}" fill="none" stroke="#ffd257" stroke-width="4"/>'
    image = over(gradient((0, "#10203a"), (1, "#0a1426")), "#1f4d80", glow(900, 300, 520) * 0.7)
    image = draw(image, f'<g transform="rotate(-4 708 472)">{grid}{candles}{curve}</g>', blur=0.7)
    image = image.copy_memory()
    soft = image.cast("uchar").gaussblur(8, precision="integer")
    image = over(image, soft, smooth((across() - 860).abs(), 260, 760))
    dots = ((across() % 3) < 1).ifthenelse(0.82, 1) * ((down() % 3) < 1).ifthenelse(0.86, 1)
    return image * dots * 1.6
