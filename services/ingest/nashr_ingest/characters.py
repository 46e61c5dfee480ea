"""Characters that nothing may store: where they stand in a JSON value. Bidi marks are clean.py's business."""

from __future__ import annotations

from typing import Any

from nashr.domain.errors import Fault
from nashr.domain.text import UNSTORABLE

from nashr_ingest.pointers import MOST_FAULTS, pointer


def character_fault(text: str, *, at: str) -> Fault | None:
    """The fault of a text that holds a control character or half a surrogate pair, if it does."""
    found = UNSTORABLE.search(text)
    if found is None:
        return None
    name = f"U+{ord(found[0]):04X}"
    return Fault(
        at, "bad_character", f"character {found.start() + 1} is {name}, which cannot be kept: remove it"
    )


def character_faults(value: Any, *, at: str = "") -> list[Fault]:
    """The faults of this kind in a parsed JSON value, keys included; ``at`` is the pointer of ``value``.

    At most MOST_FAULTS, in the order of the document. A plain loop: a body may hold 100,000 texts.
    """
    faults: list[Fault] = []
    waiting: list[tuple[Any, str, tuple[str | int, ...]]] = [(value, at, ())]
    while waiting and len(faults) < MOST_FAULTS:
        value, parent, step = waiting.pop()
        if isinstance(value, str):
            if UNSTORABLE.search(value) and (fault := character_fault(value, at=parent + pointer(step))):
                faults.append(fault)
        elif isinstance(value, dict):
            here = parent + pointer(step)
            if any(UNSTORABLE.search(key) for key in value):
                faults.append(
                    Fault(here, "bad_character", "a field's name holds a control character: remove it")
                )
            waiting += [(item, here, (key,)) for key, item in reversed(value.items())]
        elif isinstance(value, list):
            here = parent + pointer(step)
            waiting += [(item, here, (index,)) for index, item in reversed(list(enumerate(value)))]
    return faults
