"""The judged texts beside the checkout: read, never copied. Where there are none, a line says so."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

ABSENT: Final = "Skipped: this needs the judged corpora, a folder shared/corpora beside the checkout.\n"
_BESIDE: Final = Path(__file__).resolve().parents[3] / "shared"


@dataclass(frozen=True)
class Text:
    """One article of a corpus. ``written`` is None where the corpus knows no dates."""

    id: str
    headline: str
    body: str
    language: str
    written: datetime | None


@dataclass(frozen=True)
class Corpus:
    """Texts in the order they were written, and for some of them which others are related (1 or 2)."""

    name: str
    texts: Sequence[Text]
    judged: Mapping[str, Mapping[str, int]]
    pool: frozenset[str]

    @property
    def queries(self) -> Sequence[str]:
        return list(self.judged)


def folder() -> Path | None:
    """Where the corpora are: shared/corpora beside the checkout, or below NASHR_TEST_SHARED."""
    found = Path(os.environ.get("NASHR_TEST_SHARED") or _BESIDE) / "corpora"
    return found if (found / "evaluate.py").is_file() else None


def arabic(*, queries: int = 600, pool_only: bool = False) -> Corpus:
    """News of 14 papers over three weeks; related are those that an editor gave a tag in common.

    ``pool_only``: just the articles that were judged.
    """
    return _read("ar_saudinews", "qrels_ar_tags_dev", name="Arabic", queries=queries, pool_only=pool_only)


def english(*, queries: int | None = None) -> Corpus:
    """ECB+: short reports, 2 for the same event and 1 for one of its siblings."""
    return _read("en_ecbplus", "qrels_en_ecbplus", name="ECB+", queries=queries, pool_only=False)


def evaluate(corpus: Corpus, run: Mapping[str, Sequence[str]]) -> Mapping[str, float]:
    """nDCG@5 of each query, by the corpora's own evaluator: what nobody judged is left out."""
    judged = {"queries": corpus.judged, "pool": sorted(corpus.pool)}
    _, each = _evaluator().evaluate(judged, run)
    return {one["q"]: one["nDCG@5"] for one in each}


def _read(texts: str, judgements: str, *, name: str, queries: int | None, pool_only: bool) -> Corpus:
    found = folder()
    if found is None:
        raise FileNotFoundError(ABSENT)
    with gzip.open(found / f"{judgements}.json.gz", "rt", encoding="utf-8") as file:
        judged = json.load(file)
    pool = frozenset(judged["pool"])
    with gzip.open(found / f"{texts}.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    kept = [_text(row) for row in rows if not pool_only or row["id"] in pool]
    kept.sort(key=lambda text: (text.written or datetime.min, text.id))  # noqa: DTZ901 - the corpus has no zone
    return Corpus(name, kept, dict(list(judged["queries"].items())[:queries]), pool)


def _text(row: Mapping[str, Any]) -> Text:
    written = datetime.fromisoformat(row["date"]) if row.get("date") else None
    return Text(row["id"], row["title"], row["body"], row["lang"], written)


@cache
def _evaluator() -> Any:
    found = folder()
    assert found is not None
    spec = importlib.util.spec_from_file_location("evaluate", found / "evaluate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
