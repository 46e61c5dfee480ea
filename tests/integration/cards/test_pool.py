"""What the card pool promises when children hang, die, eat memory or lose their parent.

Hundreds of cards asked for at once stand for a card that never ends.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import fontpkg_ibm_plex_sans_arabic as plex
import pytest
from nashr.domain.cards import FORMATS, Format
from nashr.runtime.sandbox import Limits
from nashr_cards import sfnt
from nashr_cards.card import Card, CardText, Theme, UnreadableHero
from nashr_cards.handlers import drawn_at_last
from nashr_cards.pool import CardCrashed, CardPool
from PIL import Image

THEME = Theme("#c8102e", "#0f172a", "#ffffff", "خبر")
TEXT = CardText("البرلمان يقر قانون الرقائق (CHIPS Act)", "سياسة", "ar", "rtl", "٢٣ نوفمبر")
BOLD = Path(plex.ROOT) / "files" / "IBMPlexSansArabic-Bold.ttf"
ENDLESS = FORMATS * 400

Open = Callable[..., CardPool]


@pytest.fixture
def open_pool() -> Iterator[Open]:
    opened: list[CardPool] = []

    def start(**limits: Any) -> CardPool:
        opened.append(CardPool(limits=Limits(**limits)))
        return opened[-1]

    yield start
    for pool in opened:
        pool.close()
    assert not multiprocessing.active_children()


def draw(pool: CardPool, *, hero: bytes | None = None, formats: Sequence[Format] = ("og",)) -> Card:
    return pool.draw(TEXT, hero=hero, focal=None, theme=THEME, formats=formats)[0]


def photo(width: int, height: int, *, progressive: bool = False) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((width, height), 80).convert("RGB").save(file, "JPEG", progressive=progressive)
    return file.getvalue()


def only_child() -> int:
    (child,) = multiprocessing.active_children()
    assert child.pid
    return child.pid


def cpu_ticks(pid: int) -> int:
    """What a process has used: it rises while a card is drawn."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11])


def ended(pid: int, *, seconds: float) -> bool:
    """Waits for a process, ours or not, to end."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


def test_a_card_comes_back_whole(open_pool: Open) -> None:
    """Hero, text and theme reach the child, and its JPEG and measures return."""
    card = draw(open_pool(), hero=photo(1280, 854))

    assert Image.open(io.BytesIO(card.data)).size == (card.width, card.height) == (1200, 630)
    assert 0 < len(card.data) <= 300_000
    assert card.lines >= 1


def test_the_parent_never_loads_libvips() -> None:
    """Neither the pool, nor a card, nor a refused hero brings libvips into the worker."""
    script = (
        "import sys\n"
        "from nashr_cards.pool import CardPool\n"
        "from nashr_cards.card import CardText, Theme, UnreadableHero\n"
        "pool = CardPool(); pool.warm()\n"
        "try:\n"
        "    pool.draw(CardText('x', '', 'en', 'ltr'), hero=b'\\xff\\xd8\\xff', focal=None,\n"
        "              theme=Theme('', '', '', ''))\n"
        "except UnreadableHero:\n"
        "    print([name for name in sys.modules if 'vips' in name])\n"
        "pool.close()\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[]"
    assert run.stderr == ""


def test_a_broken_hero_is_the_callers_to_decide(open_pool: Open) -> None:
    """UnreadableHero passes through the process border, and the child goes on."""
    pool = open_pool()
    pool.warm()
    child = only_child()

    with pytest.raises(UnreadableHero, match="hero"):
        draw(pool, hero=b"no photo")
    assert draw(pool).data
    assert only_child() == child


def test_a_card_that_takes_too_long_is_stopped(open_pool: Open) -> None:
    """Past its time the child is killed, the card fails retryably, and the next one is drawn."""
    pool = open_pool(seconds=4)

    with pytest.raises(CardCrashed, match="4 s"):
        draw(pool, hero=photo(1280, 854), formats=ENDLESS)
    assert draw(pool).data


def test_a_card_that_wants_too_much_memory_is_refused(open_pool: Open) -> None:
    """Memory is bounded beyond what an idle child holds: a progressive JPEG is kept whole to be read.

    libjpeg says so; where GLib is refused first, it ends the child.
    """
    pool = open_pool(memory_bytes=80 << 20)

    with pytest.raises((CardCrashed, UnreadableHero), match=r"memory|exit code -6"):
        draw(pool, hero=photo(6000, 6000, progressive=True))
    assert draw(pool).data


def test_a_child_killed_while_it_draws_fails_only_its_card(open_pool: Open) -> None:
    """The out-of-memory killer costs one card."""
    pool = open_pool(seconds=60)
    pool.warm()
    with ThreadPoolExecutor(1) as threads:
        doomed = threads.submit(draw, pool, hero=photo(1280, 854), formats=ENDLESS)
        child = only_child()
        began = cpu_ticks(child)
        while cpu_ticks(child) < began + 10:
            pass
        os.kill(child, signal.SIGKILL)
        with pytest.raises(CardCrashed, match="exit code -9"):
            doomed.result()
    assert draw(pool).data


@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_a_photo_that_keeps_killing_is_left_out(open_pool: Open, attempt: int) -> None:
    """The third attempt gives the card without it, and the reason; those before it fail."""
    pool = open_pool(seconds=60)
    pool.warm()
    child = only_child()

    def draw_and_die(*, hero: bytes | None, focal: None) -> Sequence[Card]:
        if hero is None:
            return pool.draw(TEXT, hero=None, focal=focal, theme=THEME, formats=("og",))
        with ThreadPoolExecutor(1) as threads:
            doomed = threads.submit(draw, pool, hero=hero, formats=ENDLESS)
            began = cpu_ticks(child)
            while cpu_ticks(child) < began + 10:
                pass
            os.kill(child, signal.SIGKILL)
            return [doomed.result()]

    if attempt < 3:
        with pytest.raises(CardCrashed, match="exit code -9"):
            drawn_at_last(draw_and_die, photo(1280, 854), None, attempt=attempt)
        return
    tried = drawn_at_last(draw_and_die, photo(1280, 854), None, attempt=attempt)
    assert tried.cards[0].data
    assert not tried.photo
    assert "exit code -9" in (tried.reason or "")


def test_a_logo_that_keeps_killing_is_left_out(open_pool: Open) -> None:
    """A small SVG that never ends costs the cards of its site their logo, not their photo, and is told."""
    pool = open_pool(seconds=5)  # a child that is started anew imports its libraries within that
    pool.warm()
    look = partial(pool.draw, TEXT, theme=replace(THEME, logo=endless_logo()), formats=("og",))
    with pytest.raises(CardCrashed):
        drawn_at_last(look, photo(1280, 854), None, bare=THEME, attempt=2)
    tried = drawn_at_last(look, photo(1280, 854), None, bare=THEME, attempt=3)
    assert tried.photo
    assert "the logo" in tried.cards[0].faults[0]


def endless_logo() -> bytes:
    """Groups of groups of groups: a thousand million blurred squares. librsvg draws 500,000, for 40 s."""
    groups = '<filter id="f"><feGaussianBlur stdDeviation="3"/></filter>'
    groups += '<g id="g0"><rect width="9" height="9" filter="url(#f)"/></g>'
    for level in range(1, 10):
        groups += f'<g id="g{level}">' + f'<use xlink:href="#g{level - 1}"/>' * 10 + "</g>"
    names = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {names} width="30" height="30"><defs>{groups}</defs><use xlink:href="#g9"/></svg>'.encode()


def test_a_font_without_outlines_is_refused(open_pool: Open) -> None:
    """Refused while libraries still hold the file, and refused again: the child lives on."""
    pool = open_pool(seconds=8)
    pool.warm()
    child = only_child()
    for _ in range(2):
        theme = replace(THEME, font=hollow_font())
        (card,) = pool.draw(TEXT, hero=None, focal=None, theme=theme, formats=("og",))
        assert "outlines" in card.faults[0]
    assert only_child() == child


def hollow_font() -> bytes:
    """A bundled font whose outlines are all zeros."""
    data = bytearray(BOLD.read_bytes())
    offset, length = sfnt.tables(bytes(data))[b"glyf"]
    data[offset : offset + length] = bytes(length)
    return bytes(data)


def test_a_child_that_died_idle_is_replaced(open_pool: Open) -> None:
    """The card after an idle death is drawn or fails retryably, never hangs; then all is well."""
    pool = open_pool()
    pool.warm()
    child = only_child()
    os.kill(child, signal.SIGKILL)
    assert ended(child, seconds=60)

    with suppress(CardCrashed):
        draw(pool)
    assert draw(pool).data
    assert only_child() != child


def test_children_are_recycled_by_count(open_pool: Open) -> None:
    """No child grows old enough for a slow leak to matter."""
    pool = open_pool(tasks=2)
    pool.warm()
    first = only_child()
    for _ in range(3):
        draw(pool)

    assert ended(first, seconds=60)


def test_ctrl_c_is_the_parents_to_handle(open_pool: Open) -> None:
    """SIGINT, which a terminal sends to the whole group, ends no child."""
    pool = open_pool()
    pool.warm()
    child = only_child()
    os.kill(child, signal.SIGINT)

    assert draw(pool).data
    assert only_child() == child


def test_children_end_with_their_parent() -> None:
    """A parent that is killed outright leaves nobody behind."""
    script = (
        "import multiprocessing, time\n"
        "from nashr_cards.pool import CardPool\n"
        "pool = CardPool(); pool.warm()\n"
        "print(multiprocessing.active_children()[0].pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        parent.kill()

    assert ended(child, seconds=60)


def test_threads_share_a_pool(open_pool: Open) -> None:
    """Cards asked for at once are all drawn, one after another, each as if alone."""
    pool = open_pool()
    with ThreadPoolExecutor(4) as threads:
        cards = list(threads.map(lambda _: draw(pool).data, range(8)))

    assert len(set(cards)) == 1


def test_an_idle_pool_is_small(open_pool: Open) -> None:
    """One resident child below 110 MB, OpenCV among it: the whole stack has 1.2 GB."""
    pool = open_pool()
    for _ in range(3):
        draw(pool)
    resident = Path(f"/proc/{only_child()}/statm").read_text().split()[1]

    assert int(resident) * os.sysconf("SC_PAGESIZE") < 110 << 20


def test_a_pool_never_used_closes() -> None:
    """Closing early is no error."""
    CardPool().close()
