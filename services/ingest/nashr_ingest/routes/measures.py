"""``/metrics`` for Prometheus: what all processes have counted, and how things stand in the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate

from fastapi import APIRouter
from nashr.observability.metrics import REGISTRY, Metric
from nashr.store import measures
from nashr.store.database import statement
from nashr.store.measures import Sample
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector
from starlette.responses import PlainTextResponse, Response

from nashr_ingest.context import Admin, Process
from nashr_ingest.problems import responses

router = APIRouter(tags=["operations"])


class _Collected(Collector):
    """All samples at once, as prometheus_client wants them."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._of: dict[str, list[Sample]] = defaultdict(list)
        for sample in samples:
            self._of[sample.series].append(sample)

    def collect(self) -> Iterator[Family]:
        for metric in REGISTRY.values():
            yield self._histogram(metric) if metric.kind == "histogram" else self._plain(metric)

    def _plain(self, metric: Metric) -> Family:
        family = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
        made = family(metric.name.removesuffix("_total"), metric.meaning, labels=metric.labels)
        for sample in self._of[metric.name]:
            made.add_metric(_values(metric, sample), sample.value)
        return made

    def _histogram(self, metric: Metric) -> Family:
        made = HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
        counts: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
        for sample in self._of[f"{metric.name}_bucket"]:
            counts[_values(metric, sample)][sample.labels["le"]] = sample.value
        sums = {_values(metric, sample): sample.value for sample in self._of[f"{metric.name}_sum"]}
        bounds = [*map(str, metric.buckets), "+Inf"]
        for values, found in counts.items():
            sizes = accumulate(found.get(bound, 0.0) for bound in bounds)
            made.add_metric(values, list(zip(bounds, sizes, strict=True)), sum_value=sums.get(values, 0.0))
        return made


def _values(metric: Metric, sample: Sample) -> tuple[str, ...]:
    """Of the labels in the registry's order; a label that an older nashr did not have is empty."""
    return tuple(sample.labels.get(name, "") for name in metric.labels)


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=PlainTextResponse,
    responses=responses("unauthenticated", "forbidden", "unavailable"),
)
def read(_: Admin, process: Process) -> Response:
    """Every metric of docs/operations.md, in Prometheus' text format. Counts are at most 5 seconds old."""
    with statement(process.engine) as conn:
        samples = [*measures.kept(conn), *measures.current(conn)]
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(samples))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
