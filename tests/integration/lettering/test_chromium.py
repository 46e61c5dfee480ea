"""Headlines beside Chromium in the same font files: all of ours pass the judge, and nothing broken does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from tests.lettering import broken, chromium, judge, ours
from tests.lettering.chromium import Reference
from tests.lettering.headlines import HEADLINES, Headline
from tests.lettering.judge import Measure
from tests.lettering.ours import Set

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium.program() is None, reason=chromium.ABSENT),
]


@dataclass(frozen=True)
class Pair:
    """One headline by us and by Chromium."""

    headline: Headline
    ours: Set
    reference: Reference

    def first_fault(self, setting: Set) -> Measure | None:
        """What the judge says of a setting beside this reference."""
        found = judge.faults(
            setting.lines, self.reference.lines, em=setting.size, direction=self.headline.direction
        )
        return next(found, None)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Pair]:
    """Every headline, set by both."""
    folder = tmp_path_factory.mktemp("chromium")
    settings = {one.name: ours.fitted(one) for one in HEADLINES}
    faces = ours.faces()
    with chromium.opened(folder, fonts=faces[0].file.parent) as page:
        orders = [ours.order(one, settings[one.name]) for one in HEADLINES]
        references = chromium.set_all(page, orders, faces=faces, folder=folder)
    return {one.name: Pair(one, settings[one.name], references[one.name]) for one in HEADLINES}


@pytest.mark.parametrize("name", [one.name for one in HEADLINES])
def test_a_headline_is_set_as_chromium_sets_it(name: str, pairs: Mapping[str, Pair]) -> None:
    """Same lines, same letters in the same places: what differs is less than rounding can explain."""
    pair = pairs[name]
    assert pair.first_fault(pair.ours) is None, "\n".join(pair.reference.texts)


def test_nothing_broken_passes(pairs: Mapping[str, Pair]) -> None:
    """Every way to spoil a headline is refused, each tried on every other of those that it can befall.

    benchmarks/cards tries all of them on all.
    """
    passed, tried = [], Counter[str]()
    for at, pair in enumerate(pairs.values()):
        flaws = [flaw for number, flaw in enumerate(broken.FLAWS, at) if number % 2 or flaw in broken.RARE]
        for flaw, spoilt in broken.samples(pair.headline, pair.ours, flaws=flaws):
            tried[flaw] += 1
            if pair.first_fault(spoilt) is None:
                passed.append(f"{pair.headline.name}: {flaw}")
    assert passed == []
    assert set(tried) == set(broken.FLAWS)
    assert min(tried.values()) >= 2
    assert tried.total() > 500


def test_the_headlines_are_many_enough() -> None:
    """At least forty headlines in at least nine languages, no two of one name."""
    assert len({one.name for one in HEADLINES}) == len(HEADLINES) >= 40
    assert len({one.language for one in HEADLINES}) >= 9
