"""Who sets the headlines right, line by line beside Chromium in the same font files, and who does not.

satori gets each line apart, in the words of Chromium's own line: so it is asked to shape and to order, not
to break lines, and only what the one font file that it has holds in letters.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Final

import pyvips
from fontTools.ttLib import TTFont

from benchmarks.cards import peers
from benchmarks.cards.peers import OURS, Talking
from benchmarks.figures import Report, Table, Verdict
from tests.lettering import broken, chromium, judge, ours
from tests.lettering.chromium import Reference
from tests.lettering.headlines import HEADLINES, Headline
from tests.lettering.judge import LIMITS, Measure
from tests.lettering.masks import Mask
from tests.lettering.ours import Set

_QUICKLY: Final = 8
_SATORI: Final = "satori + resvg"
_LANGUAGES: Final = {
    "ar": "Arabic", "fa": "Persian", "ur": "Urdu", "he": "Hebrew", "en": "English", "fr": "French",
    "de": "German", "tr": "Turkish", "vi": "Vietnamese", "es": "Spanish", "ru": "Russian", "el": "Greek",
    "zh-Hans": "Chinese, simplified", "zh-Hant": "Chinese, traditional", "ja": "Japanese", "ko": "Korean",
    "hi": "Hindi", "bn": "Bengali", "ta": "Tamil", "th": "Thai",
}  # fmt: skip

Faults = Mapping[str, Measure | None]
"""By headline, what is wrong first; None where it is right."""


@dataclass(frozen=True, order=True)
class Excess:
    """How many times its limit a headline's worst measure is, and whether any is over its limit."""

    limits: float
    over: bool
    name: str


def measure(folder: Path, *, quick: bool) -> Iterator[Report]:
    if chromium.program() is None:
        print("Nobody is judged: that needs Chromium. Install the package chromium.\n", flush=True)
        return
    headlines = HEADLINES[::_QUICKLY] if quick else HEADLINES
    settings = {one.name: ours.fitted(one) for one in headlines}
    with chromium.opened(folder, fonts=peers.FONTS) as page:
        orders = [ours.order(one, settings[one.name]) for one in headlines]
        references = chromium.set_all(page, orders, faces=ours.faces(), folder=folder)
    found = {OURS: _ours(headlines, settings, references)}
    if peers.has_satori():
        with closing(peers.talking_satori(_SATORI, "line", folder=folder)) as satori:
            found[_SATORI] = _satori(satori, headlines, settings, references, folder=folder)
    wrong = sum(fault is not None for fault in found[OURS].values())
    verdict = Verdict(f"of {len(headlines)} headlines, set otherwise than by Chromium", wrong, 0, "headlines")
    yield Report((_counts(headlines, found), *_faults(found)), (verdict,))
    yield _margins(headlines, settings, references)


def _ours(
    headlines: Sequence[Headline], settings: Mapping[str, Set], references: Mapping[str, Reference]
) -> Faults:
    return {one.name: _fault(one, settings[one.name], references[one.name],
                             lines=settings[one.name].lines) for one in headlines}  # fmt: skip


def _satori(
    satori: Talking,
    headlines: Sequence[Headline],
    settings: Mapping[str, Set],
    references: Mapping[str, Reference],
    *,
    folder: Path,
) -> Faults:
    with TTFont(peers.BOLD) as font:
        held = font.getBestCmap()
    found = {}
    for one in headlines:
        setting, reference = settings[one.name], references[one.name]
        if all(ord(char) in held for char in setting.text if char not in "\u200c\u200d\u00a0\u202f"):
            lines = [_line(satori, one, text, size=setting.size, folder=folder) for text in reference.texts]
            found[one.name] = _fault(one, setting, reference, lines=lines)
    return found


def _line(satori: Talking, headline: Headline, text: str, *, size: int, folder: Path) -> Mask:
    file = folder / "line.png"
    satori.ask(
        {
            "text": text,
            "language": headline.language,
            "direction": headline.direction,
            "size": size,
            "width": ours.BOX[0] + 2 * size,
            "file": str(file),
        }
    )
    image = pyvips.Image.new_from_buffer(file.read_bytes(), "")[1]
    return Mask.of_bytes(bytes(image.write_to_memory()), width=image.width, height=image.height)


def _fault(
    headline: Headline, setting: Set, reference: Reference, *, lines: Sequence[Mask]
) -> Measure | None:
    return next(judge.faults(lines, reference.lines, em=setting.size, direction=headline.direction), None)


def _counts(headlines: Sequence[Headline], found: Mapping[str, Faults]) -> Table:
    """By language, how many each engine sets right, of how many it was asked for."""
    groups: dict[str, list[str]] = defaultdict(list)
    for one in headlines:
        groups[_LANGUAGES[one.language]].append(one.name)
    groups["**all**"] = [one.name for one in headlines]
    rows = [
        [group, str(len(names)), *(_right(faults, names) for faults in found.values())]
        for group, names in groups.items()
    ]
    return Table(
        "Headlines set right",
        ("language", "headlines", *found),
        rows,
        (
            "Line by line beside Chromium in the same font files.",
            "satori sets one line at a time, and only what IBM Plex Sans Arabic Bold has letters for.",
        ),
    )


def _right(faults: Faults, names: Sequence[str]) -> str:
    asked = [name for name in names if name in faults]
    right = Counter(faults[name] is None for name in asked)[True]
    return f"{right} of {len(asked)}" if asked else "-"


def _faults(found: Mapping[str, Faults]) -> Iterator[Table]:
    for engine, faults in found.items():
        wrong = [[f"`{name}`", str(fault)] for name, fault in faults.items() if fault]
        if wrong:
            yield Table(f"What {engine} gets wrong", ("headline", "the first fault"), wrong)


def _margins(
    headlines: Sequence[Headline], settings: Mapping[str, Set], references: Mapping[str, Reference]
) -> Report:
    """How near right headlines come to the limits, and broken ones from the other side."""
    most: dict[str, tuple[float, str]] = {}
    least: dict[str, list[Excess]] = defaultdict(list)
    for one in headlines:
        right, reference = settings[one.name], references[one.name]
        for each in _measured(one, right, reference):
            most[each.name] = max(most.get(each.name, (0.0, "")), (each.value, one.name))
        for flaw, spoilt in broken.samples(one, right):
            least[flaw].append(_excess(list(_measured(one, spoilt, reference)), one.name))
    passed = sum(not one.over for found in least.values() for one in found)
    count = sum(map(len, least.values()))
    verdict = Verdict(f"of {count} broken headlines, not refused", passed, 0, "headlines")
    return Report((_near(most), _far(least)), (verdict,))


def _measured(headline: Headline, setting: Set, reference: Reference) -> Iterator[Measure]:
    return judge.measured(setting.lines, reference.lines, em=setting.size, direction=headline.direction)


def _excess(found: Sequence[Measure], name: str) -> Excess:
    limits = (one.value / one.limit for one in found if one.limit)
    return Excess(max(limits, default=inf), any(one.over for one in found), name)


def _near(most: Mapping[str, tuple[float, str]]) -> Table:
    rows = [
        [name, f"{limit:g}", f"{most[name][0]:.3g}", f"`{most[name][1]}`" if most[name][0] else "-"]
        for name, limit in LIMITS.items()
        if name in most
    ]
    return Table("What our headlines come to", ("measure", "limit", "at most", "in"), rows)


def _far(least: Mapping[str, Sequence[Excess]]) -> Table:
    rows = []
    for flaw, found in least.items():
        nearest, refused = min(found), sum(one.over for one in found)
        rows.append([flaw, f"{refused} of {len(found)}", f"{nearest.limits:.1f}", f"`{nearest.name}`"])
    return Table(
        "What broken headlines come to",
        ("what is wrong", "refused", "least excess", "in"),
        rows,
        ("Each is our own setting with that one flaw. An excess of 1 is the limit of its worst measure.",),
    )
