"""Rooms: the factory's corridor, the assembly, cinemas and halls."""

import random

from pyvips import Image

from infra.demo.scenes.canvas import (
    HEIGHT,
    WIDTH,
    across,
    bokeh,
    down,
    draw,
    glow,
    gradient,
    lamps,
    light,
    noise,
    over,
    smooth,
    stars,
)


def cleanroom(seed: int, *, tint: str = "#ffd447") -> Image:
    """The yellow corridor of a chip factory, its machines left and right."""
    horizon, x0 = 0.44 * HEIGHT, 0.5 * WIDTH
    image = gradient((0, "#6b5516"), (0.44, "#fff2b8"), (0.5, "#fff2b8"), (1, "#7d6418"))
    shapes = ""
    for step in range(12):
        near, far = 1.45**step * 9, 1.45 ** (step + 0.62) * 9
        for side in (-1, 1):
            shapes += _bay(x0, horizon, side, near, far, step)
        shapes += (
            f'<path d="M{x0 - near * 1.3} {horizon - near * 3.1}H{x0 + near * 1.3}L{x0 + far * 1.3}'
            f' {horizon - far * 3.1}H{x0 - far * 1.3}z" fill="#fffbe0"/>'
        )
    image = draw(image, shapes, blur=0.8)
    image = over(image, "#3a2e08", smooth(noise(seed, 240, octaves=5), 0, 1) * 0.3)
    gloss = image.flipver().wrap(x=0, y=int(2 * horizon)).copy_memory()
    floor = smooth(down() - horizon - (across() - x0).abs() * 0.72, 4, 12)
    image = over(image, gloss, floor * 0.3)
    return light(image * 0.92, tint, glow(x0, horizon, 300) * 0.8)


def _bay(x: float, y: float, side: int, near: float, far: float, step: int) -> str:
    steel = ("#8d7a3a", "#a8924a", "#7b6a33")[step % 3]
    return (
        f'<path d="M{x + side * near * 2.6} {y - near * 2.3}L{x + side * far * 2.6} {y - far * 2.3}'
        f'V{y + far * 1.9}L{x + side * near * 2.6} {y + near * 1.9}z" fill="{steel}"/>'
        f'<path d="M{x + side * near * 2.6} {y - near * 1.1}L{x + side * far * 2.6} {y - far * 1.1}'
        f'V{y - far * 0.2}L{x + side * near * 2.6} {y - near * 0.2}z" fill="#3d3415"/>'
        f'<path d="M{x + side * near * 2.6} {y + near * 0.3}L{x + side * far * 2.6} {y + far * 0.3}'
        f'V{y + far * 0.42}L{x + side * near * 2.6} {y + near * 0.42}z" fill="#7df0c0"/>'
    )


def hall(seed: int, *, velvet: str = "#5b1f24", wood: str = "#7a4c2a") -> Image:
    """An assembly's empty chamber: curved benches with desk lamps, a rostrum below."""
    image = gradient((0, "#2a1c14"), (0.35, "#8a6238"), (0.5, "#6a4526"), (1, "#1d120c"))
    panels = "".join(
        f'<rect x="{x}" y="70" width="54" height="330" fill="{wood}"/>'
        f'<rect x="{x + 8}" y="90" width="38" height="290" fill="#94643a"/>'
        for x in range(-10, WIDTH, 66)
    )
    rostrum = (
        f'<path d="M500 400L540 250H876L916 400z" fill="{wood}"/><path d="M600 330h216v80H600z"'
        ' fill="#4a2c18"/><path d="M540 250h336v14H540z" fill="#d8b070"/>'
    )
    image = draw(image, panels + rostrum, blur=1.4)
    image = light(image, "#ffd79a", glow(708, 180, 380) * 0.8)
    points = []
    for row in range(7):
        rx, ry, y = 560 + 175 * row, 60 + 26 * row, 360 + 12 * row + 44 * row**1.12
        seats, angle = "", -64.0 + 2 * row
        while angle < 66:
            seats += _desk(708, y, rx, ry, angle, 0.6 + 0.2 * row, velvet)
            angle += 10.5 - 0.55 * row
        bench = (
            f'<path d="M{708 - rx} {y}A{rx} {ry} 0 0 0 {708 + rx} {y}v{34 + 9 * row}'
            f'A{rx} {ry} 0 0 1 {708 - rx} {y + 34 + 9 * row}z" fill="{wood}"/>'
        )
        image = draw(image, bench + seats, blur=0.4 + abs(row - 3) * 0.5)
        points += [(708 + rx * 0.1 * i, y + ry * (1 - (0.1 * i) ** 2) ** 0.5) for i in (-6, -2, 3, 7)]
    image = lamps(image, points, "#ffcf86", size=4)
    grain = noise(seed, 40, octaves=4, stretch=6)
    return over(image, "#120a06", smooth(grain, -0.2, 0.9) * 0.35)


def _desk(x: float, y: float, rx: float, ry: float, angle: float, size: float, velvet: str) -> str:
    sine = angle / 66
    left, top = x + rx * 0.98 * sine, y + ry * max(0.0, 1 - sine * sine) ** 0.5
    return (
        f'<g transform="translate({left:.0f} {top:.0f}) scale({size:.2f})">'
        f'<rect x="-26" y="-44" width="52" height="58" rx="12" fill="{velvet}"/>'
        '<rect x="-19" y="-40" width="38" height="22" rx="9" fill="#fff" fill-opacity=".1"/>'
        '<rect x="-32" y="6" width="64" height="12" fill="#caa06a"/></g>'
    )


def open_air(seed: int, screen: Image) -> Image:
    """A cinema by the sea at night; `screen` is the picture that is shown."""
    dice = random.Random(seed)
    image = gradient((0, "#0a1030"), (0.5, "#2b2f63"), (0.62, "#8a5a78"), (1, "#120e1a"))
    image = light(image, "#ffffff", stars(seed) * 0.8)
    shown = screen.clamp(min=0, max=255).cast("uchar").resize(0.53)
    at = (330, 150)
    placed = shown.cast("float").embed(*at, WIDTH, HEIGHT)
    mask = (shown[0] * 0 + 255).embed(*at, WIDTH, HEIGHT) / 255
    image = light(image, "#ffd9a8", glow(708, 400, 330) * 0.7)
    image = over(image, placed * 1.1, mask)
    frame = (
        f'<rect x="{at[0] - 8}" y="{at[1] - 8}" width="{shown.width + 16}" height="{shown.height + 16}"'
        ' fill="none" stroke="#0b0a12" stroke-width="16"/><path d="M380 655V760M1030 655V760"'
        ' stroke="#0b0a12" stroke-width="16"/>'
    )
    image = draw(image, frame, blur=0.6)
    for row in range(4):
        heads = "".join(
            _head(i * (62 + 22 * row) + dice.uniform(-14, 14), 735 + 58 * row, 0.62 + 0.26 * row, row)
            for i in range(24 - 4 * row)
        )
        image = draw(image, heads, blur=0.6 + 0.9 * row)
    cord = [(x, 70 + ((x - 708) / 708) ** 2 * -46 + 40) for x in range(20, WIDTH, 76)]
    wire = f'<path d="M0 62Q708 162 {WIDTH} 62" fill="none" stroke="#0a0a12" stroke-width="2.5"/>'
    return lamps(draw(image, wire, blur=0.5), cord, "#ffc873", size=7)


def _head(x: float, y: float, size: float, row: int) -> str:
    shade = ("#1d1830", "#171326", "#100d1b", "#09070f")[row]
    return (
        f'<g transform="translate({x:.0f} {y:.0f}) scale({size:.2f})" fill="{shade}">'
        '<ellipse cx="0" cy="0" rx="30" ry="37"/><path d="M-72 150Q-70 52-22 42H22Q70 52 72 150z"/></g>'
    )


def seats(seed: int, *, velvet: str = "#a3212c") -> Image:
    """Rows of empty velvet seats in the light of the stage."""
    image = gradient((0, "#120608"), (0.3, "#4d1a1a"), (1, "#0d0506"))
    image = light(image, "#ffcf98", glow(708, 40, 330))
    for row in range(8):
        size = 0.42 * 1.2**row
        y, gap = 190 + 70 * (1.28**row - 1) * 1.8, 150 * size
        start = -((row % 2) * gap / 2) - 40
        line_ = "".join(_seat(start + i * gap, y, size, velvet) for i in range(int(WIDTH / gap) + 3))
        image = draw(image, line_, blur=(2.4, 1.6, 1.0, 0.5, 0.5, 1.4, 3.0, 5.0)[row])
        image = over(image, "#1a0408", 0.1)
    weave = noise(seed, 10, octaves=3)
    image = over(image, "#000000", smooth(weave, -0.2, 0.8) * 0.3)
    return light(image, "#ffb27a", glow(708, 120, 420) * 0.35)


def _seat(x: float, y: float, size: float, velvet: str) -> str:
    return (
        f'<g transform="translate({x:.0f} {y:.0f}) scale({size:.2f})">'
        f'<path d="M-66 200V12Q-66-34-20-38H20Q66-34 66 12V200z" fill="{velvet}"/>'
        '<path d="M-66 30V12Q-66-34-20-38H20Q66-34 66 12V30Q66-12 20-16H-20Q-66-12-66 30z"'
        ' fill="#ff9f8f" fill-opacity=".45"/><path d="M-46 200V60Q0 44 46 60V200z" fill="#000"'
        ' fill-opacity=".18"/><rect x="-82" y="70" width="18" height="130" rx="8" fill="#2a1210"/></g>'
    )


def gala(seed: int, *, gold: str = "#ffc861", deep: str = "#1a1030") -> Image:
    """Beams and golden lights over a crowd: an opening or a prize-giving."""
    dice = random.Random(seed)
    image = gradient((0, deep), (0.6, "#4a2850"), (1, "#0c0814"))
    image = light(image, gold, glow(708, 640, 460) * 0.7)
    beams = "".join(
        f'<path d="M{x} -30L{x + lean - wide} 800H{x + lean + wide}z" fill="{colour}" fill-opacity=".16"/>'
        for x in range(80, 1400, 140)
        for lean, wide in [(dice.uniform(-420, 420), dice.uniform(50, 120))]
        for colour in [dice.choice((gold, "#ffffff", "#c58bff"))]
    )
    image = draw(image, beams, blur=9)
    discs = bokeh(seed, 120, [gold, "#fff0c0", "#ff9a5a", "#d58bff"], top=0.25, bottom=0.85)
    image = draw(image, discs, blur=1.2)
    points = [(x, 26 + 8 * (x % 3)) for x in range(80, 1400, 140)]
    image = lamps(image, points, "#fff3d8", size=9)
    for row in range(3):
        crowd = "".join(
            _head(dice.uniform(-20, WIDTH), 770 + 62 * row + dice.uniform(-16, 16), 0.7 + 0.3 * row, 3)
            for _ in range(19 - 4 * row)
        )
        image = draw(image, crowd, blur=1 + row)
    return image


def projector(seed: int) -> Image:
    """A beam of light through the dust of a dark room."""
    x, y = 0.16 * WIDTH, 0.3 * HEIGHT
    image = gradient((0, "#0d1018"), (1, "#1d1c2a"))
    along = ((across() - x) / WIDTH).clamp(min=0, max=1)
    offset = (down() - y - (across() - x) * 0.16) / HEIGHT
    dust = noise(seed, 220, octaves=7)
    beam = smooth((offset / (along * 0.34 + 0.006)) ** 2 * -1, -1, -0.55) * (along > 0).ifthenelse(1, 0)
    beam = beam * (along * -0.75 + 1)
    streaks = ((offset / (along * 0.34 + 0.006)) * 520 + dust * 60).sin() * 0.18 + 0.72
    image = light(image, "#cfe2ff", beam * streaks * (dust * 0.5 + 1.15))
    image = light(image, "#ffffff", stars(seed, rare=2.5) * beam * 0.6)
    image = light(image, "#f2f6ff", glow(x, y, 46) * 1.5)
    body = (
        '<path d="M-60 175H170L214 235V330L170 372H-60z" fill="#22242d"/><circle cx="118" cy="110"'
        ' r="98" fill="#2c2f3b"/><circle cx="118" cy="110" r="70" fill="#0c0d12"/><g fill="#454a5a">'
        '<circle cx="118" cy="70" r="17"/><circle cx="118" cy="150" r="17"/><circle cx="78" cy="110"'
        ' r="17"/><circle cx="158" cy="110" r="17"/></g><path d="M170 250h52v66h-52z" fill="#3a3e4c"/>'
        '<path d="M40 372L-10 944H60L100 372z" fill="#0d0e13"/>'
    )
    return draw(image, body, blur=1.1)
