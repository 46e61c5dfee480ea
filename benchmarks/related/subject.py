"""nashr as these benchmarks see it: the only module that knows how it signs, stores, queries and draws."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

import numpy as np
from nashr_related import core
from nashr_related.analysis import term_hash, terms

from benchmarks.related.corpora import Text
from benchmarks.related.matrix import Array, Counts

SIGNATURE_TERMS: Final = core.SIGNATURE_TERMS
HEADLINE_SHARE: Final = core.TITLE_WEIGHT
RECENT_BASE: Final = 0.6
"""What of a score an article keeps however old it is."""
POSTED: Final = 32
READ_NEWEST: Final = 250
READ_HEAVIEST: Final = 250
CANDIDATES: Final = 200
SIGNED_AGAIN: Final = 8192
"""Articles up to which an archive is signed again at every doubling."""

_PROCESSES: Final = 2
_AT_ONCE: Final = 200


def counted(texts: Sequence[Text]) -> Counts:
    """Every article's terms by nashr's analysis, in two processes."""
    with ProcessPoolExecutor(_PROCESSES, mp_context=get_context("spawn")) as pool:
        each = [pair for some in pool.map(_counted, _parts(texts)) for pair in some]
    articles = [sorted({*headline, *body}) for headline, body in each]
    found = np.array([term for article in articles for term in article], dtype=np.int64)
    names, numbered = np.unique(found, return_inverse=True)
    return Counts(
        starts=np.concatenate(([0], np.cumsum([len(article) for article in articles]))),
        terms=numbered,
        headline=_times(articles, [headline for headline, _ in each]),
        body=_times(articles, [body for _, body in each]),
        width=len(names),
    )


def factors(frequencies: Array, *, documents: int) -> Array:
    """Inverse document frequencies, by nashr's formula."""
    return np.log(1 + (documents + 1) / (frequencies + 1))


def _parts(texts: Sequence[Text]) -> list[Sequence[Text]]:
    return [texts[at : at + _AT_ONCE] for at in range(0, len(texts), _AT_ONCE)]


def _counted(texts: Sequence[Text]) -> list[tuple[dict[int, int], dict[int, int]]]:
    return [(_hashes(text.headline, text.language), _hashes(text.body, text.language)) for text in texts]


def _hashes(text: str, language: str) -> dict[int, int]:
    return dict(Counter(term_hash(term) for term in terms(text, language=language)))


def _times(articles: Sequence[Sequence[int]], counts: Sequence[Mapping[int, int]]) -> Array:
    return np.array(
        [count.get(term, 0) for terms_, count in zip(articles, counts, strict=True) for term in terms_], float
    )
