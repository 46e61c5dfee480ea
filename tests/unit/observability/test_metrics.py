"""What a process counts, until it has told the database."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from nashr.observability import metrics


@pytest.fixture(autouse=True)
def _nothing_else() -> Iterator[None]:
    before = metrics.drain()
    yield
    metrics.drain()
    metrics.undo(before)


def test_counts_are_taken_once() -> None:
    """What was drained is gone; what is given back is there again, beside what came meanwhile."""
    metrics.STORE_AHEAD.add()
    metrics.STORE_AHEAD.add(2)
    told = metrics.drain()
    assert told == {("nashr_store_ahead_total", "{}"): 3.0}
    assert metrics.drain() == {}
    metrics.STORE_AHEAD.add()
    metrics.undo(told)
    assert metrics.drain() == {("nashr_store_ahead_total", "{}"): 4.0}


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(0.0, "0.05"), (0.05, "0.05"), (0.051, "0.1"), (300.0, "300.0"), (301.0, "+Inf")]
)
def test_a_measurement_is_in_the_first_bucket_that_holds_it(seconds: float, bucket: str) -> None:
    """Bounds are inclusive, as Prometheus has them."""
    metrics.STEP_SECONDS.observe(seconds, kind="deliver")
    told = metrics.drain()
    (labels,) = (json.loads(labels) for series, labels in told if series.endswith("_bucket"))
    assert labels == {"kind": "deliver", "le": bucket}
    assert told["nashr_step_seconds_sum", '{"kind":"deliver"}'] == seconds


@pytest.mark.parametrize(
    "labels", [{}, {"kind": "deliver"}, {"kind": "deliver", "outcome": "x", "more": "y"}]
)
def test_labels_are_the_registrys(labels: dict[str, str]) -> None:
    """One too few or too many is a mistake of the code, not a new series."""
    with pytest.raises(ValueError, match="nashr_steps_ended_total has the labels"):
        metrics.STEPS.add(1, **labels)
    assert metrics.drain() == {}


def test_names_are_prometheus_own() -> None:
    """Counters end in _total, seconds say so, and no two metrics share a name."""
    assert len(metrics.REGISTRY) == len({id(metric) for metric in metrics.REGISTRY.values()})
    for metric in metrics.REGISTRY.values():
        assert (metric.kind == "counter") == metric.name.endswith("_total"), metric.name
        assert (metric.kind == "histogram") == bool(metric.buckets), metric.name
        assert list(metric.buckets) == sorted(set(metric.buckets)), metric.name
