"""Alerts and the dashboard ask for what nashr measures, and the dashboard shows all of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nashr.observability.metrics import REGISTRY
from ruamel.yaml import YAML

INFRA = Path(__file__).resolve().parents[3] / "infra"
SERIES = {
    name: metric
    for metric in REGISTRY.values()
    for name in (
        [f"{metric.name}_{part}" for part in ("bucket", "sum", "count")] if metric.buckets else [metric.name]
    )
}


def _alerts() -> Iterator[tuple[str, str]]:
    for group in YAML(typ="safe").load(INFRA / "prometheus/alerts.yml")["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


def _panels() -> Iterator[tuple[str, str]]:
    board: dict[str, Any] = json.loads((INFRA / "grafana/nashr.json").read_text("utf-8"))
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


QUESTIONS = [*_alerts(), *_panels()]


@pytest.mark.parametrize(("where", "expression"), QUESTIONS)
def test_only_series_that_exist_are_asked_for(where: str, expression: str) -> None:
    """With labels that they have."""
    named = re.findall(r"\bnashr_\w+", expression)

    assert named, where
    for series, labels in re.findall(r"\b(nashr_\w+)(?:\{([^}]*)\})?", expression):
        assert series in SERIES, where
        assert set(re.findall(r"(\w+)\s*[!=]~?\"", labels)) <= set(SERIES[series].labels), where


def test_alerts_speak_of_labels_that_are_left() -> None:
    """What an alert's words name is neither summed away nor foreign to its series."""
    for group in YAML(typ="safe").load(INFRA / "prometheus/alerts.yml")["groups"]:
        for rule in group["rules"]:
            named = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
            kept = set(re.findall(r"\w+", " ".join(re.findall(r"\bby \(([^)]*)\)", rule["expr"]))))
            assert named <= kept, rule["alert"]


def test_the_dashboard_leaves_out_nothing_that_is_measured() -> None:
    """But for how many are unproven, which the age of the oldest says better."""
    shown = {
        SERIES[name].name for _, expression in _panels() for name in re.findall(r"\bnashr_\w+", expression)
    }

    assert set(REGISTRY) - shown == {"nashr_publications_unproven"}
