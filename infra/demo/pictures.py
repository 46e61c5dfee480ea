"""Draws the demo's pictures: `python pictures.py OUTDIR [NAME.jpg ...]`.

`PICTURES` says which scene stands behind each file name. Every picture is computed from its seed, so
every machine gets the same one; files that exist are left alone. Nothing here is a photograph.
"""

import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pyvips import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from infra.demo.scenes import indoors, land, tabletop, town, water
from infra.demo.scenes.canvas import Finish, develop, save

SOFT = Finish(bloom=0.2, vignette=0.35, grain=4.5)
CLEAR = Finish(bloom=0.12, vignette=0.3, grain=4.0)
NIGHT = Finish(bloom=0.45, vignette=0.5, grain=6.5)


@dataclass(frozen=True)
class Scene:
    """What to draw, from which seed, and how to develop it."""

    paint: Callable[[int], Image]
    seed: int
    finish: Finish = SOFT


def _screening(seed: int) -> Image:
    """The open-air cinema shows a sea at dusk."""
    shown = water.sea(seed, hour=water.DUSK, near="#3a2d4a", far="#d08a66", shine="#ffb868", isles=True)
    return indoors.open_air(seed, shown)


_harbour_night = partial(water.harbour, hour=water.NIGHT, cranes=3, iron="#04070d", lights=90, lamp="#ffc070")
_harbour_noon = partial(water.harbour, hour=water.NOON, cranes=3, iron="#37414b", lights=0)
_cargo = partial(water.sea, hour=water.DUSK, boat="ship", near="#43334f", far="#c98a6a", shine="#ffb060")
_ferry_dusk = partial(
    water.sea, hour=water.DAWN, boat="ferry", near="#35506e", far="#d8a888", shine="#ffd9a0", sun=0.8
)
_storm = partial(water.sea, hour=water.STORM, rough=0.9, near="#1f3138", far="#66777a")
_champions = partial(
    town.stadium, hour="#4a3a5a", crowd="#8a7fb0", confetti=("#ffd34d", "#ffffff", "#2f6fd0")
)
_green_ridges = partial(land.ridges, hour=water.NOON, haze="#c9dbe0", rock="#24402c", road=True, sun=0.2)
_dry_field = partial(land.field, hour=water.NOON, dry=0.8, leaf="#8a8a4a", soil="#6e5138")
_blue_chip = partial(tabletop.circuit, board="#12264a", copper="#5f93d6")
_amber_lab = partial(tabletop.lab, wall="#3c2a58", liquid="#f2b46a", cap="#3f7fbf")
_blue_cells = partial(tabletop.cells, deep="#06202e", tone="#2f8fa8", pale="#d0f4f0")
_turquoise = partial(water.coast, deep="#0a3d62", shallow="#6fe0cf", sand="#f0e2c0")
_grey_coast = partial(water.coast, deep="#123c4c", shallow="#5aa6a0", sand="#c9b28a")
_silver = partial(tabletop.coins, metal="#b9bfc6", rim="#4f5862", wall="#1c2440")

PICTURES: dict[str, Scene] = {
    "port-berth-dawn.jpg": Scene(water.harbour, 11),
    "port-containers.jpg": Scene(town.containers, 6),
    "port-noon.jpg": Scene(_harbour_noon, 23, CLEAR),
    "port-night.jpg": Scene(_harbour_night, 5, NIGHT),
    "cargo-ship-dusk.jpg": Scene(_cargo, 4),
    "assembly-hall.jpg": Scene(indoors.hall, 6),
    "stadium-night.jpg": Scene(town.stadium, 7, NIGHT),
    "stadium-champions.jpg": Scene(_champions, 8, NIGHT),
    "training-net.jpg": Scene(town.pitch, 9),
    "academy-pitch.jpg": Scene(partial(town.pitch, hour=water.NOON, net=False), 14, CLEAR),
    "academy-goal-dawn.jpg": Scene(partial(town.pitch, hour=water.DAWN), 27),
    "vaccine-vials.jpg": Scene(tabletop.lab, 1, CLEAR),
    "vaccine-vials-amber.jpg": Scene(_amber_lab, 12, CLEAR),
    "mountain-road.jpg": Scene(_green_ridges, 2, CLEAR),
    "cells-pink.jpg": Scene(tabletop.cells, 2),
    "cells-blue.jpg": Scene(_blue_cells, 16),
    "forest-fog.jpg": Scene(land.forest, 8),
    "wafer-rainbow.jpg": Scene(tabletop.wafer, 3, CLEAR),
    "wafer-close.jpg": Scene(partial(tabletop.wafer, close=2.1, turn=140), 13, CLEAR),
    "cleanroom.jpg": Scene(indoors.cleanroom, 5, CLEAR),
    "circuit-green.jpg": Scene(tabletop.circuit, 4),
    "circuit-blue.jpg": Scene(_blue_chip, 24),
    "chip-plant-dusk.jpg": Scene(partial(town.factory, modern=True), 3),
    "cracked-earth.jpg": Scene(land.cracked, 4, CLEAR),
    "reservoir-low.jpg": Scene(land.reservoir, 5, CLEAR),
    "reservoir-dawn.jpg": Scene(partial(land.reservoir, hour=water.DAWN, bank="#a8876a"), 25),
    "field-rows.jpg": Scene(land.field, 6),
    "field-withered.jpg": Scene(_dry_field, 26, CLEAR),
    "desalination-coast.jpg": Scene(_grey_coast, 4, CLEAR),
    "dunes-dusk.jpg": Scene(land.dunes, 3),
    "open-air-cinema.jpg": Scene(_screening, 7, NIGHT),
    "velvet-seats.jpg": Scene(indoors.seats, 8),
    "gala-lights.jpg": Scene(indoors.gala, 9, NIGHT),
    "gala-violet.jpg": Scene(partial(indoors.gala, gold="#ff9fc4", deep="#0d1640"), 29, NIGHT),
    "projector-beam.jpg": Scene(indoors.projector, 10, NIGHT),
    "bank-columns.jpg": Scene(town.columns, 5, CLEAR),
    "coins-gold.jpg": Scene(tabletop.coins, 11),
    "coins-silver.jpg": Scene(_silver, 31),
    "market-screen.jpg": Scene(tabletop.charts, 12, CLEAR),
    "ferry-noon.jpg": Scene(partial(water.sea, boat="ferry"), 3, CLEAR),
    "ferry-dawn.jpg": Scene(_ferry_dusk, 33),
    "ferry-wake.jpg": Scene(water.wake, 6, CLEAR),
    "island-cove.jpg": Scene(_turquoise, 44, CLEAR),
    "islands-morning.jpg": Scene(partial(water.sea, isles=True), 6, CLEAR),
    "storm-sea.jpg": Scene(_storm, 9),
    "volcano-night.jpg": Scene(land.volcano, 7, NIGHT),
    "capital-dusk.jpg": Scene(town.skyline, 1, NIGHT),
    "souk-stalls.jpg": Scene(town.market, 4),
    "night-sky.jpg": Scene(land.night, 9, NIGHT),
    "ridges-dawn.jpg": Scene(land.ridges, 21),
}


def draw_all(folder: Path, names: Iterable[str] = PICTURES) -> None:
    """Draws those of `names` that `folder` lacks, one line of progress for each picture."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in names if not (folder / name).exists()]
    for number, name in enumerate(missing, start=1):
        started = time.monotonic()
        scene = PICTURES[name]
        save(develop(scene.paint(scene.seed), scene.seed, scene.finish), folder / name)
        took = time.monotonic() - started
        print(f"[{number}/{len(missing)}] {name} ({took:.1f} s)", flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python pictures.py OUTDIR [NAME.jpg ...]")
    draw_all(Path(sys.argv[1]), sys.argv[2:] or PICTURES)
