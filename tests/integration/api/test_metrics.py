"""``/metrics``: what it shows of work that was done, who may ask, and that Prometheus can read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from tests.conftest import Stack

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(stack: Stack) -> Series:
    """Every sample by its name and labels."""
    answer = stack.client("admin").get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(series: Series, name: str, **labels: str) -> float:
    return series.get((name, frozenset(labels.items())), 0.0)


def test_a_publication_is_counted_on_its_whole_way(stack: Stack) -> None:
    """Accepted, delivered, stored, proven: each has one more, in every process that took part."""
    before = scraped(stack)
    made = stack.create()
    stack.wait_proven(stack.publish(made["id"])["id"])
    watched: tuple[tuple[str, dict[str, str]], ...] = (
        ("nashr_publications_accepted_total", {"priority": "normal"}),
        ("nashr_publish_lag_seconds_count", {"priority": "normal"}),
        ("nashr_proof_lag_seconds_count", {"priority": "normal"}),
        ("nashr_steps_ended_total", {"kind": "deliver", "outcome": "done"}),
        ("nashr_steps_ended_total", {"kind": "related", "outcome": "done"}),
        ("nashr_step_seconds_count", {"kind": "deliver"}),
        ("nashr_requests_total", {"operation": "publishArticle", "status": "202"}),
        ("nashr_hints_total", {}),
        ("nashr_relay_seconds_count", {}),
    )

    def grown() -> bool:
        now = scraped(stack)
        return all(of(now, name, **labels) > of(before, name, **labels) for name, labels in watched)

    stack.until(grown, what="every process to have told what it counted")


def test_a_histogram_adds_up(stack: Stack) -> None:
    """Buckets grow with their bounds, and the last holds all."""
    stack.wait_proven(stack.publish(stack.create()["id"])["id"])
    stack.until(
        lambda: "nashr_proof_lag_seconds_count" in {name for name, _ in scraped(stack)}, what="a proof"
    )
    series = scraped(stack)
    buckets = sorted(
        (float(dict(labels)["le"]), value)
        for (name, labels), value in series.items()
        if name == "nashr_proof_lag_seconds_bucket" and ("priority", "normal") in labels
    )
    counts = [count for _, count in buckets]
    assert counts == sorted(counts)
    assert counts[-1] == of(series, "nashr_proof_lag_seconds_count", priority="normal") > 0
    assert of(series, "nashr_proof_lag_seconds_sum", priority="normal") > 0


def test_the_clocks_agree(stack: Stack) -> None:
    """API and database run on one machine here."""
    assert abs(of(scraped(stack), "nashr_clock_skew_seconds")) < 1


def test_an_editor_may_not_ask(stack: Stack) -> None:
    """Nor anybody without a token: how much a newsroom does is its own affair."""
    assert stack.client("editor").get("/metrics").status_code == 403
    assert stack.client("nobody").get("/metrics").status_code == 401
