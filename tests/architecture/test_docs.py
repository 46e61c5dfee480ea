"""The documents tell the truth: generated tables match the code, links lead somewhere, settings exist.

A table that is out of date is printed whole in the failure, ready to paste between its two marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from nashr.observability.metrics import REGISTRY
from nashr.settings import Secret, declared
from nashr.steps import STEPS, Kind
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
FOR_EVER = 1_000_000
# Set by the supervisor for its children and by make, never by people.
NOT_SETTINGS = frozenset({"NASHR_READY_FILE"})
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PATH = re.compile(r"`((?:shared|services|infra|tests|benchmarks|docs)/[^`\s]+)`")
_VARIABLE = re.compile(r"\bNASHR_[A-Z0-9_]*[A-Z0-9]\b")
_SERIES = re.compile(r"\bnashr_\w+")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def _documents() -> list[Path]:
    return sorted(
        path
        for path in ROOT.rglob("*.md")
        if not any(
            part[0] == "." or part in {"build", "node_modules"} for part in path.relative_to(ROOT).parts
        )
    )


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


every_document = pytest.mark.parametrize("document", _documents(), ids=_name)


def test_readme_shows_the_table_of_steps() -> None:
    """README's table of steps is the one in steps.py."""
    _assert_shows("README.md", "steps", steps_table())


def test_settings_page_shows_every_setting() -> None:
    """docs/settings.md lists every setting with its type, default and sentence."""
    _assert_shows("docs/settings.md", "settings", settings_table())


def test_operations_shows_every_metric() -> None:
    """docs/operations.md lists the registry of metrics: name, kind, labels, meaning."""
    _assert_shows("docs/operations.md", "metrics", metrics_table())


def test_alerts_ask_for_metrics_that_there_are() -> None:
    """Each name in the alert rules is a series of the registry."""
    rules = YAML(typ="safe").load((ROOT / "infra/prometheus/alerts.yml").read_text("utf-8"))
    asked = {
        name for group in rules["groups"] for rule in group["rules"] for name in _SERIES.findall(rule["expr"])
    }
    known = {
        f"{metric.name}{end}"
        for metric in REGISTRY.values()
        for end in (("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",))
    }
    assert asked
    assert asked <= known


@every_document
def test_links_lead_somewhere(document: Path) -> None:
    """Every relative link of a document names a file that exists, and a heading that is in it."""
    text = document.read_text("utf-8")

    broken = [link for link in _LINK.findall(text) if _is_relative(link) and not _leads(document, link)]

    assert broken == []


@every_document
def test_paths_exist(document: Path) -> None:
    """Every path of the repository that a document names is there."""
    named = {path.split(":")[0] for path in _PATH.findall(document.read_text("utf-8"))}

    missing = sorted(path for path in named if not any(ROOT.glob(path.rstrip("/"))))

    assert missing == []


@every_document
def test_variables_exist(document: Path) -> None:
    """Every NASHR_ variable that a document names is a setting."""
    named = set(_VARIABLE.findall(document.read_text("utf-8")))

    unknown = sorted(named - {_variable(name) for name in declared()} - NOT_SETTINGS)

    assert unknown == []


def steps_table() -> str:
    """README's table of steps."""
    head = ("step", "service", "keyed by", "gives", "a page waits", "when it is dead")
    return _table(head, [_step_row(kind) for kind in STEPS.values()])


def _step_row(kind: Kind) -> tuple[str, ...]:
    return (f"`{kind.name}`", kind.service, kind.input, kind.result, _wait(kind), _when_dead(kind))


def _wait(kind: Kind) -> str:
    if not kind.first_wait:
        return "no"
    if kind.first_wait == kind.wait:
        return f"{kind.wait:g} s"
    return f"{kind.wait:g} s; the first time {kind.first_wait:g} s"


def _when_dead(kind: Kind) -> str:
    if kind.max_attempts >= FOR_EVER:
        return "tried without limit"
    if not kind.first_wait:
        return "a person looks"
    return "the publication fails and says why" if kind.on_dead == "block" else "pages go without it"


def settings_table() -> str:
    """The table in docs/settings.md."""
    head = ("variable", "type", "default", "what it is")
    return _table(head, [_setting_row(name) for name in declared()])


def _setting_row(name: str) -> tuple[str, ...]:
    field = declared()[name]
    kind, description = str(field.type).lower(), field.metadata["description"]
    return (f"`{_variable(name)}`", kind, _default(field.default), description)


def metrics_table() -> str:
    """The registry of metrics as Markdown."""
    rows = [
        (
            f"`{metric.name}`",
            metric.kind,
            ", ".join(f"`{name}`" for name in metric.labels) or "-",
            metric.meaning,
        )
        for metric in REGISTRY.values()
    ]
    return _table(("metric", "kind", "labels", "meaning"), rows)


def _default(value: Any) -> str:
    text = value.get_secret_value() if isinstance(value, Secret) else str(value)
    return f"`{text}`" if text else "empty"


def _variable(name: str) -> str:
    return f"NASHR_{name.upper()}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _assert_shows(document: str, mark: str, expected: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    shown = text.partition(f"<!-- {mark} -->\n")[2].partition(f"\n<!-- /{mark} -->")[0]
    assert shown == expected, f"{document}: between <!-- {mark} --> and <!-- /{mark} --> put\n\n{expected}\n"


def _is_relative(link: str) -> bool:
    return "://" not in link and not link.startswith("mailto:")


def _leads(document: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = document.parent / name if name else document
    if not target.exists():
        return False
    return not anchor or anchor in _anchors(target.read_text("utf-8"))


def _anchors(text: str) -> Iterator[str]:
    """The anchors that Git hosts make of headings."""
    for heading in _HEADING.findall(text):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
