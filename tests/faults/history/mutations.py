"""Good histories made wrong, each in one way; a judge that lets one pass is no judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from tests.faults.history.promises import PUBLISHING, WRITING, accepted, certain, standing
from tests.faults.history.records import WORD, Call, History, PageRow, Read, Write

Mutation = Callable[[History], History]


def _dumped(history: History, **changes: Any) -> History:
    return replace(history, dump=replace(history.dump, **changes))


def _pages_written(history: History) -> list[Write]:
    return [w for w in certain(history.writes) if w.op == "put" and w.version and w.applied]


def _rewritten(history: History) -> list[Write]:
    """Writes of pages that replaced a version."""
    return [w for w in _pages_written(history) if w.previous]


def _swapped(history: History, old: Write, new: Write) -> History:
    return replace(history, writes=tuple(new if w is old else w for w in history.writes))


def _last_yes(history: History, ops: frozenset[str]) -> Call:
    return [call for call in accepted(history) if call.op in ops][-1]


def _live(history: History) -> tuple[str, str]:
    """The key and the word of a page that shows an article."""
    for shown in standing(history).values():
        if shown.word:
            return history.dump.articles[shown.article], shown.word
    raise ValueError("no article is live in this history")


def drop_revision(history: History) -> History:
    call = _last_yes(history, WRITING)
    gone = (call.article, call.revision)
    return _dumped(history, revisions=tuple(r for r in history.dump.revisions if r[:2] != gone))


def change_revision(history: History) -> History:
    call = _last_yes(history, WRITING)
    there = (call.article, call.revision)
    return _dumped(history, revisions=tuple(
        (*r[:2], "something else") if r[:2] == there else r for r in history.dump.revisions
    ))  # fmt: skip


def drop_publication(history: History) -> History:
    call = _last_yes(history, PUBLISHING)
    kept = {k: v for k, v in history.dump.publications.items() if k != call.publication}
    return _dumped(history, publications=kept)


def drop_correction(history: History) -> History:
    """One that was accepted; where a short storm had none, somebody was told so all the same."""
    told = [call.word for call in accepted(history) if call.op == "correct"]
    if not told:
        call = next(iter(accepted(history)))
        return replace(history, calls=(*history.calls, replace(call, op="correct", key="told", word="w0c0x")))
    return _dumped(history, corrections=tuple(text for text in history.dump.corrections if text != told[0]))


def show_older(history: History) -> History:
    """A page at rest that shows the revision before."""
    key, word = _live(history)
    found = WORD.fullmatch(word)
    assert found is not None
    older = word[: found.start(2)] + "0x"
    thing = replace(history.dump.objects[key], words=(older,))
    return _dumped(history, objects={**history.dump.objects, key: thing})


def show_elsewhere(history: History) -> History:
    """Some other page that still has an older headline."""
    key, word = _live(history)
    found = WORD.fullmatch(word)
    assert found is not None
    other = next(name for name in history.dump.objects if name != key)
    thing = history.dump.objects[other]
    stale = replace(thing, words=(*thing.words, word[: found.start(2)] + "0x"))
    return _dumped(history, objects={**history.dump.objects, other: stale})


def lose_page(history: History) -> History:
    key, _ = _live(history)
    return _dumped(history, objects={k: v for k, v in history.dump.objects.items() if k != key})


def change_bytes(history: History) -> History:
    """The right headline and the right version over other bytes."""
    key, _ = _live(history)
    thing = replace(history.dump.objects[key], sha256="0" * 64)
    return _dumped(history, objects={**history.dump.objects, key: thing})


def serve_older(history: History) -> History:
    first, *others = history.dump.pages
    return _dumped(history, pages=(replace(first, served="0" * 64), *others))


def leave_wanted(history: History) -> History:
    first, *others = history.dump.pages
    return _dumped(history, pages=(replace(first, wanted=first.live + 1), *others))


def lower_version(history: History) -> History:
    """A write whose version is below that of what it replaced."""
    write = next(write for write in reversed(_rewritten(history)) if write.previous > 1)
    return _swapped(history, write, replace(write, version=write.previous - 1))


def swap_writes(history: History) -> History:
    """Two versions of one page in the wrong order, by the store's own account of what was there."""
    later = _rewritten(history)[-1]
    earlier = [w for w in _pages_written(history) if w.key == later.key and w is not later][-1]
    order = [later if w is earlier else earlier if w is later else w for w in history.writes]
    return replace(history, writes=tuple(order))


def drop_write_between(history: History) -> History:
    """What was found there is newer than what was ever written."""
    write = _rewritten(history)[-1]
    return _swapped(history, write, replace(write, previous=write.version + 1))


def remove_asset(history: History) -> History:
    """An asset that a page names was never stored."""
    named = next(w for w in _pages_written(history) if w.names).names[0]
    kept = tuple(w for w in history.writes if w.key != named)
    return _dumped(replace(history, writes=kept), before=history.dump.before - {named})


def delete_asset(history: History) -> History:
    """An asset deleted under a page that names it."""
    page = next(w for w in reversed(_pages_written(history)) if w.names)
    gone = Write(t=page.t, wall=page.wall, op="delete", key=page.names[0])
    place = history.writes.index(page) + 1
    return replace(history, writes=(*history.writes[:place], gone, *history.writes[place:]))


def double_effect(history: History) -> History:
    step, fence, _ = history.dump.finishes[-1]
    return _dumped(history, finishes=(*history.dump.finishes, (step, fence, 2)))


def drop_effect(history: History) -> History:
    return _dumped(history, unfinished=(history.dump.finishes[-1][0],))


def announce_twice(history: History) -> History:
    return _dumped(history, lives={**history.dump.lives, next(iter(history.dump.publications)): 2})


def store_twice(history: History) -> History:
    write = _rewritten(history)[-1]
    place = history.writes.index(write) + 1
    again = replace(write, previous=write.version)
    return replace(history, writes=(*history.writes[:place], again, *history.writes[place:]))


def drop_purges(history: History) -> History:
    """No purge of one page after its last PUT."""
    write = _pages_written(history)[-1]
    kept = tuple(p for p in history.purges if write.key not in p.keys and not set(write.tags) & set(p.tags))
    return replace(history, purges=kept)


def publish_early(history: History) -> History:
    write = next(w for w in reversed(_pages_written(history)) if w.words)
    call = next(c for c in accepted(history) if c.word == write.words[0])
    embargoed = replace(call, due=write.wall + 60)
    return replace(history, calls=tuple(embargoed if c.key == call.key else c for c in history.calls))


def read_removed(history: History) -> History:
    key, word = _live(history)
    found = WORD.fullmatch(word)
    assert found is not None
    note = Call(t=1.0, op="removed", key="note", outcome="ok", number=int(found[1]))
    return replace(
        history, calls=(note, *history.calls), reads=(Read(t=2.0, path=key, status=200, words=(word,)),)
    )


def repeat_revision(history: History) -> History:
    article, number, headline = history.dump.revisions[-1]
    return _dumped(history, revisions=(*history.dump.revisions, (article, number + 1, headline)))


def answer_differently(history: History) -> History:
    call = _last_yes(history, PUBLISHING)
    return replace(history, calls=(*history.calls, replace(call, publication="pb_another")))


def publish_unasked(history: History) -> History:
    extra = {f"pb_{number}": ("ar_1", "live") for number in range(len(history.calls) + 1)}
    return _dumped(history, publications={**history.dump.publications, **extra})


def refuse(history: History) -> History:
    call = _last_yes(history, PUBLISHING)
    return replace(history, calls=(*history.calls, replace(call, key="new", outcome="fail", status=412)))


def never_answer(history: History) -> History:
    call = _last_yes(history, PUBLISHING)
    return replace(history, calls=(*history.calls, replace(call, key="new", outcome="unknown", status=0)))


def recover_late(history: History) -> History:
    return _dumped(history, recovered=31.0)


def never_recover(history: History) -> History:
    return _dumped(history, recovered=None)


def leave_dead(history: History) -> History:
    return _dumped(history, dead=("deliver 1: gave up",))


def let_in(history: History) -> History:
    call = _last_yes(history, PUBLISHING)
    return replace(history, calls=(*history.calls, replace(call, key="thief", op="intrude", status=202)))


def forget_page(history: History) -> History:
    """A page that the database has live and the bucket lacks."""
    page = PageRow(
        key="nowhere/index.html", wanted=1, live=1, stored=1, rendered="", served="", served_status=200
    )
    return _dumped(history, pages=(*history.dump.pages, page))


def lose_target(history: History) -> History:
    """A page that another one leads to."""
    objects = history.dump.objects
    lost = next(t.links[0] for t in objects.values() if t.status == 200 and t.links)
    return _dumped(history, objects={key: thing for key, thing in objects.items() if key != lost})


MUTATIONS: Final[Mapping[str, tuple[Mutation, str]]] = {
    "a revision is lost": (drop_revision, "lost"),
    "a revision holds other words": (change_revision, "lost"),
    "a publication is lost": (drop_publication, "lost"),
    "a correction is lost": (drop_correction, "lost"),
    "a page shows an older revision": (show_older, "stale"),
    "another page shows an older headline": (show_elsewhere, "stale"),
    "an article's page is gone": (lose_page, "stale"),
    "a page has other bytes": (change_bytes, "bytes"),
    "the edge serves other bytes": (serve_older, "bytes"),
    "a wanted version is not live": (leave_wanted, "bytes"),
    "a live page is not in the bucket": (forget_page, "bytes"),
    "a version is lowered": (lower_version, "back"),
    "two writes change places": (swap_writes, "back"),
    "a write replaces a newer one": (drop_write_between, "back"),
    "an asset is missing at a PUT": (remove_asset, "half pages"),
    "an asset is deleted in use": (delete_asset, "half pages"),
    "a link leads nowhere": (lose_target, "dead links"),
    "a claim has two effects": (double_effect, "double effects"),
    "a done step has no effect": (drop_effect, "double effects"),
    "a publication goes live twice": (announce_twice, "double effects"),
    "a version is stored twice": (store_twice, "double effects"),
    "a PUT is never purged": (drop_purges, "unpurged"),
    "an embargo is broken": (publish_early, "early"),
    "a removed article is read": (read_removed, "unremoved"),
    "a key makes two revisions": (repeat_revision, "repeated"),
    "a key has two answers": (answer_differently, "repeated"),
    "publications nobody asked for": (publish_unasked, "repeated"),
    "a sound request is refused": (refuse, "refused"),
    "a request is never answered": (never_answer, "slow"),
    "recovery takes too long": (recover_late, "slow"),
    "recovery never comes": (never_recover, "slow"),
    "a step is dead": (leave_dead, "slow"),
    "somebody gets in": (let_in, "intruded"),
}
"""Each with the promise that it breaks."""
