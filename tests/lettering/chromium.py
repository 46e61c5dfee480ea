"""The same headlines set by headless Chromium, in the same font files: the reference.

Where a line is broken is asked of Chromium too: it sets each headline in every column up to the one that
the judged setting had, and the setting whose lines are as long as the judged ones is the reference. A break
that Chromium makes in no column has no such reference, and the comparison fails.
"""

from __future__ import annotations

import html
import math
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyvips
from playwright.sync_api import Page, sync_playwright

from tests.lettering.headlines import Direction
from tests.lettering.masks import Mask

ABSENT: Final = "needs Chromium: install the package chromium"
LEADING: Final = 3
"""em from line to line: so far apart that no ink reaches into another line."""
_ARGUMENTS: Final = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_CSS: Final = {
    "zh": "line-break:strict",
    "ja": "line-break:strict",
}
"""Of the rules that a language leaves open, the ones that cards follow."""
_JOINED: Final = re.compile("[^ \u2060]?(?:\u2060[^ \u2060])+")
"""What we keep on one line by joiners: Chromium gets it without them, as an element that does not wrap."""
_FONTS: Final = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{folder}</cachedir></fontconfig>"""
"""Without any font of its own Chromium loads none for a page either; so it has the faces' folder."""
_REFUSED: Final = """
document.fonts.ready.then((fonts) =>
  [...fonts].filter((face) => face.status === "error").map((face) => face.family))
"""
_COLUMNS: Final = """
(orders) => orders.map(([name, most, lead]) => {
  const box = document.getElementById(name), text = document.createRange(), found = [];
  text.selectNodeContents(box);
  for (let width = most, last = ""; width >= lead / 3; width -= 4) {
    box.style.width = `${width}px`;
    const lines = new Map(), { top } = box.getBoundingClientRect();
    for (const rect of text.getClientRects()) {
      const at = Math.floor((rect.top + rect.height / 2 - top) / lead);
      const [left, right] = lines.get(at) ?? [rect.left, rect.right];
      lines.set(at, [Math.min(left, rect.left), Math.max(right, rect.right)]);
    }
    const widths = [...lines.values()].map(([left, right]) => right - left);
    if (`${widths}` !== last) found.push({ width, widths });
    last = `${widths}`;
  }
  return found;
})
"""
_PLACES: Final = """
(columns) => {
  for (const [name, width] of columns) document.getElementById(name).style.width = `${width}px`;
  return columns.map(([name, width, lead]) => {
    const box = document.getElementById(name), { top, height } = box.getBoundingClientRect();
    const letter = document.createRange(), texts = [];
    let at = 0;
    for (const nodes = document.createTreeWalker(box, NodeFilter.SHOW_TEXT); nodes.nextNode();) {
      let index = 0;
      for (const char of nodes.currentNode.data) {
        letter.setStart(nodes.currentNode, index);
        letter.setEnd(nodes.currentNode, (index += char.length));
        const rect = [...letter.getClientRects()].find(({ width }) => width);
        if (rect) at = Math.floor((rect.top + rect.height / 2 - top) / lead);
        texts[at] = (texts[at] ?? "") + char;
      }
    }
    return [top + scrollY, height, texts];
  });
}
"""
_STRIP: Final = 8000
"""px of height that one screenshot takes in."""


@dataclass(frozen=True)
class Order:
    """What Chromium is to set: ``families`` in their order, ``widths`` the px of the judged lines.

    U+2060 in ``text`` forbids a break where Chromium would make one and cards do not.
    """

    name: str
    text: str
    language: str
    direction: Direction
    families: Sequence[str]
    size: int
    column: int
    widths: Sequence[int]


@dataclass(frozen=True)
class Reference:
    """A headline as Chromium sets it: ink and text of each line."""

    lines: Sequence[Mask]
    texts: Sequence[str]


@dataclass(frozen=True)
class Face:
    """A font file, the weights in it and the code points it is for, as CSS has them."""

    family: str
    file: Path
    weights: str = "100 900"
    codes: str = "U+0-10FFFF"

    def css(self) -> str:
        return (
            f"@font-face{{font-family:'{self.family}';font-weight:{self.weights};"
            f"unicode-range:{self.codes};src:url('{self.file.as_uri()}')}}"
        )


def program() -> str | None:
    """The browser's path; None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


@contextmanager
def opened(folder: Path, *, fonts: Path) -> Iterator[Page]:
    """A page of a fresh Chromium that sees no font of this machine; ``fonts`` is a folder of font files."""
    conf = folder / "fonts.conf"
    conf.write_text(_FONTS.format(fonts=fonts, folder=folder))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program(),
            args=list(_ARGUMENTS),
            env={**os.environ, "FONTCONFIG_FILE": str(conf)},
        )
        yield browser.new_page(viewport={"width": 1200, "height": 800})
        browser.close()


def set_all(
    page: Page, orders: Sequence[Order], *, faces: Sequence[Face], folder: Path
) -> Mapping[str, Reference]:
    """Each order by its name; masks are as wide as the page and LEADING em high."""
    file = folder / "headlines.html"
    file.write_text(_page(orders, faces), "utf-8")
    page.goto(file.as_uri())
    refused = page.evaluate(_REFUSED)
    assert not refused, f"Chromium refused {refused}"
    places = page.evaluate(_PLACES, _columns(page, orders))
    shot = _shot(page, height=max(top + height for top, height, _ in places))
    return {
        order.name: Reference(
            cut(shot.crop(0, top, shot.width, height), lead=LEADING * order.size),
            [text.strip() for text in texts],
        )
        for order, (top, height, texts) in zip(orders, places, strict=True)
    }


def _columns(page: Page, orders: Sequence[Order]) -> Sequence[tuple[str, float, int]]:
    """Name, width in px and leading of each; what is wider by an eighth of an em is rounding."""
    asked = [[one.name, one.column + one.size // 8, LEADING * one.size] for one in orders]
    found = page.evaluate(_COLUMNS, asked)
    return [
        (order.name, _nearest(columns, order.widths), LEADING * order.size)
        for order, columns in zip(orders, found, strict=True)
    ]


def _shot(page: Page, *, height: float) -> Any:
    """One band of the whole page; a single screenshot of it would be beyond Chromium."""
    strips = [
        page.screenshot(
            clip={"x": 0, "y": top, "width": 1200, "height": min(_STRIP, height - top)}, full_page=True
        )
        for top in range(0, math.ceil(height), _STRIP)
    ]
    images = [pyvips.Image.new_from_buffer(strip, "")[1] for strip in strips]
    return pyvips.Image.arrayjoin(images, across=1).copy_memory()


def _page(orders: Sequence[Order], faces: Sequence[Face]) -> str:
    styles = "".join(face.css() for face in faces)
    return f"""<!doctype html><meta charset="utf-8"><style>{styles}
body{{margin:0;background:#000;color:#fff;width:1200px}}
div{{padding:0 50px;overflow:hidden}}
p{{margin:0;font-weight:700;font-synthesis:none;overflow-wrap:anywhere;text-spacing-trim:space-all}}
span{{white-space:nowrap}}
</style>{"".join(map(_paragraph, orders))}"""


def _paragraph(order: Order) -> str:
    families = ",".join(f"'{family}'" for family in order.families)
    text = _JOINED.sub(lambda run: f"<span>{run[0]}</span>".replace("\u2060", ""), html.escape(order.text))
    extra = _CSS.get(order.language.partition("-")[0], "")
    return (
        f'<div dir="{order.direction}"><p id="{order.name}" lang="{order.language}" style="'
        f"font-family:{families};font-size:{order.size}px;line-height:{LEADING * order.size}px;"
        f'{extra}">{text}</p></div>\n'
    )


def _nearest(columns: Sequence[Mapping[str, Any]], widths: Sequence[int]) -> float:
    """The column whose lines are as many as the judged ones, and most nearly as long."""

    def apart(column: Mapping[str, Any]) -> tuple[int, float]:
        found = column["widths"]
        lines = abs(len(found) - len(widths))
        return lines, sum(abs(a - b) for a, b in zip(found, widths, strict=False))

    return float(min(columns, key=apart)["width"])


def cut(image: Any, *, lead: int, top: int = 0) -> Sequence[Mask]:
    """The lines of a one-band image whose first row lies ``top`` px below the first line's top."""
    data = bytes(image.copy(interpretation="b-w").cast("uchar").write_to_memory())
    whole = Mask.of_bytes(data, width=image.width, height=image.height)
    last = (top + image.height - 1) // lead
    lines = [whole.cut(0, at * lead - top, image.width, (at + 1) * lead - top) for at in range(last + 1)]
    return [line for line in lines if line.area]
