"""Programs that take articles out of pages get all of the article and nothing else.

trafilatura, newspaper4k and Mozilla's Readability know nothing of nashr: search engines, archives and reader
views work like them. Readability gives no lead image and drops a figure before the text, so the hero is not
in what it gives: its image is the first one that it keeps in the text.
"""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tests.audit.conftest import node
from tests.audit.rendered import CASES, Rendered, article

Found = Mapping[str, Any]

ENOUGH: Final = 0.95
PYTHON: Final = ("trafilatura", "newspaper4k")
WRITERS: Final = frozenset({None, "reporter", "author"})


@pytest.fixture(scope="module")
def stories() -> Sequence[Rendered]:
    return [article(language, full=full) for language, full in CASES]


@pytest.fixture(scope="module")
def files(stories: Sequence[Rendered], tmp_path_factory: pytest.TempPathFactory) -> Sequence[Path]:
    """The stories' pages, then the first again with see-also links as if they were paragraphs."""
    folder = tmp_path_factory.mktemp("extraction")
    pages = {one.name: one.html for one in stories}
    pages["leaking"] = re.sub(rb"(</?)aside", rb"\1p", stories[0].html)
    for name, html in pages.items():
        (folder / f"{name}.html").write_bytes(html)
    return [folder / f"{name}.html" for name in pages]


@pytest.fixture(scope="module")
def python_tools(files: Sequence[Path]) -> Mapping[str, Mapping[str, Found]]:
    if importlib.util.find_spec("trafilatura") is None:
        pytest.skip("trafilatura and newspaper4k are not installed: make audit installs them")
    command = [sys.executable, str(Path(__file__).with_name("extract.py")), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def readability(files: Sequence[Path]) -> Mapping[str, Found]:
    return dict(node("readability.mjs", *map(str, files)))


def words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text))


def agreement(found: str, truth: str) -> float:
    """F1 over words: twice what both have, by what each has."""
    ours, theirs = words(truth), words(found)
    return 2 * (ours & theirs).total() / (ours.total() + theirs.total())


def faults(found: Found, story: Rendered) -> list[str]:
    """What a tool got wrong, but for the image."""
    content = story.view.content
    named = {who.name for who in content.byline}
    wrote = {who.name for who in content.byline if who.role in WRITERS}
    got = set(found["authors"])
    score = agreement(found["body"], story.words)
    wrong = [f"the headline of another story: {one}" for one in story.others if one in found["body"]]
    wrong += [f"F1 {score:.3f}"] if score < ENOUGH else []
    wrong += [f"headline {found['headline']}"] if found["headline"] != content.headline else []
    wrong += [f"authors {got}"] if not wrote <= got <= named else []
    wrong += [f"date {found['date']}"] if str(found["date"])[:10] != "2026-11-23" else []
    return wrong


@pytest.mark.parametrize("tool", PYTHON)
def test_python_tools_get_the_article(
    tool: str, stories: Sequence[Rendered], files: Sequence[Path], python_tools: Mapping[str, Any]
) -> None:
    """Headline, text, authors, date, and one of the article's cards as its image."""
    for story, file in zip(stories, files, strict=False):
        found = python_tools[tool][str(file)]
        assert faults(found, story) == [], story.name
        assert found["image"] in {f"https://khabar.example{card.path}" for card in story.view.cards}


def test_readability_gets_the_article(
    stories: Sequence[Rendered], files: Sequence[Path], readability: Mapping[str, Found]
) -> None:
    """Headline, text, authors as one line, date, and the first photo inside the text."""
    for story, file in zip(stories, files, strict=False):
        found = readability[str(file)]
        assert faults({**found, "authors": found["authors"][0].split(", ")}, story) == [], story.name
        photo = story.view.photos["inside"].renditions
        assert found["image"] in {f"https://khabar.example{one.path}" for one in photo}


def test_a_leak_is_seen(
    stories: Sequence[Rendered], files: Sequence[Path],
    python_tools: Mapping[str, Any], readability: Mapping[str, Found],
) -> None:  # fmt: skip
    """See-also links set as paragraphs are found in what each tool takes for the text."""
    for found in (*(python_tools[tool][str(files[-1])] for tool in PYTHON), readability[str(files[-1])]):
        assert any(one in found["body"] for one in stories[0].others)
