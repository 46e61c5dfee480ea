"""One trace per publication: from the caller's own span to the edge's answer, also past a dead worker."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import until

if TYPE_CHECKING:
    from tests.faults.collector import Collector, Span
    from tests.faults.lab import Lab

WAY = {
    ("nashr-ingest", "publishArticle"),
    ("nashr-delivery", "deliver"),
    ("nashr-delivery", "render"),
    ("nashr-delivery", "store.put"),
    ("nashr-delivery", "edge.purge"),
    ("nashr-delivery", "purge"),
    ("nashr-delivery", "edge.fetch"),
}


def published(lab: Lab) -> tuple[str, str, dict[str, Any]]:
    """The trace and span of a caller who publishes a new story, and the publication."""
    trace, caller = secrets.token_hex(16), secrets.token_hex(8)
    answer = lab.editor.post(
        f"/v1/articles/{lab.create()['id']}/publish", json={},
        headers={"traceparent": f"00-{trace}-{caller}-01"},
    )  # fmt: skip
    assert answer.status_code == 202, answer.text
    return trace, caller, lab.wait_proven(answer.json()["id"])


def whole(collector: Collector, trace: str) -> list[Span]:
    """The trace's spans, once the edge's answer is among them."""

    def there() -> list[Span] | None:
        found = collector.of(trace)
        return found if {(span.service, span.name) for span in found} >= WAY else None

    return until(there, what="every span of the way to the edge")


def page_spans(spans: list[Span], path: str) -> list[Span]:
    """The spans from the edge's answer for that page up to the caller."""
    by_id = {span.id: span for span in spans}
    last = next(span for span in spans if span.name == "edge.fetch" and span.about["url"].endswith(path))
    way = [last]
    while way[-1].parent in by_id:
        way.append(by_id[way[-1].parent])
    return way


def test_a_publication_is_one_trace_up_to_the_edge(lab: Lab, collector: Collector) -> None:
    """Each span hangs from what caused it, and the first from the caller's own."""
    trace, caller, publication = published(lab)

    way = page_spans(whole(collector, trace), publication["url"].removeprefix(lab.site))

    assert [span.name for span in way] == ["edge.fetch", "purge", "deliver", "publishArticle"]
    assert way[-1].parent == caller
    assert not any(span.failed for span in way)


@pytest.mark.parametrize("failpoint", ["deliver.after_put"])
def test_a_trace_goes_on_after_a_worker_died(lab: Lab, collector: Collector, failpoint: str) -> None:
    """The row knows whose work it is: the next attempt stands in the same trace and says which it is."""
    lab.quiet()
    before = lab.ready("delivery")
    lab.arm(failpoint)
    trace, _, publication = published(lab)
    lab.ready("delivery", restarts=before.restarts + 1)

    way = page_spans(whole(collector, trace), publication["url"].removeprefix(lab.site))

    assert lab.fired(failpoint)
    assert way[-1].name == "publishArticle"
    assert max(span.about.get("attempt", 0) for span in collector.of(trace)) > 1


def test_logs_name_the_trace(lab: Lab) -> None:
    """From a line of a log to the trace, and back."""
    trace, _, _ = published(lab)
    logs = [line for path in lab.data.glob("logs/delivery*") for line in path.read_text().splitlines()]

    named = {entry["event"] for line in logs if (entry := _entry(line)).get("trace") == trace}

    assert "step.done" in named


def _entry(line: str) -> dict[str, Any]:
    return dict(json.loads(line)) if line.startswith("{") else {}
