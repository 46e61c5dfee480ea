"""The catalogues of the chrome's words: complete, in step with each other, and a site's own come first."""

from __future__ import annotations

import re
from dataclasses import fields
from importlib.resources import files

import pytest
from jinja2 import nodes
from nashr_delivery.locales import (
    LANGUAGES,
    BadCatalogue,
    Words,
    catalogue,
    fault,
    messages,
    placeholders,
    words,
)
from nashr_delivery.markup import environment

NAMES = [field.name for field in fields(Words) if field.name != "language"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_has_every_word_and_no_other(language: str) -> None:
    """Arabic, English, Persian and Urdu have the same messages, and each belongs to a field."""
    found = catalogue(language)
    assert found.keys() == catalogue("en").keys()
    assert {name.partition(".")[0] for name in found} == set(NAMES)
    assert words(language).language == language
    assert len(words(language).notices) == 3


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_fill_in_the_same(language: str) -> None:
    """No translation loses what is filled in, or asks for more."""
    wrong = {name: text for name, text in catalogue(language).items() if fault(name, text)}
    assert wrong == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_translation_was_left_in_english(language: str) -> None:
    """Every word of an Arabic, Persian or Urdu page is in its script; no English one is."""
    arabic = {name for name, text in catalogue(language).items() if re.search("[\u0600-\u06ff]", text)}
    assert arabic == (set() if language == "en" else catalogue(language).keys())


def test_templates_use_words_that_there_are() -> None:
    """Every ``words.x`` of a template is a field."""
    env = environment()
    asked = set()
    for entry in files("nashr_delivery").joinpath("templates").iterdir():
        tree = env.parse(entry.read_text("utf-8"))
        asked |= {
            node.attr
            for node in tree.find_all(nodes.Getattr)
            if isinstance(node.node, nodes.Name) and node.node.name == "words"
        }
    assert len(asked) > 15
    assert asked <= {*NAMES, "language"}


def test_own_words_come_first() -> None:
    """A site's own word stands in the place of ours; the others stay."""
    found = words("ar-LB", (("roles.editor", "بتحرير {}"), ("see_also", "اقرأ أيضاً")))
    assert (found.see_also, found.roles["editor"]) == ("اقرأ أيضاً", "بتحرير {}")
    assert found.roles["photographer"] == words("ar").roles["photographer"]
    assert found.home == words("ar").home


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nothing", "x"),
        ("share_on", "Share"),
        ("home", "{}"),
        ("share_on", "{0.__class__}"),
        ("share_on", "{"),
    ],
)
def test_a_word_that_cannot_be_is_left_out(name: str, text: str) -> None:
    """What is no word, or fills in something else, never reaches a page."""
    assert fault(name, text)
    assert words("en", ((name, text),)) == words("en")


def test_another_language_is_english_until_it_is_whole() -> None:
    """A site in French has English words and says so, or all of its own."""
    assert words("fr", (("home", "Accueil"),)).language == "en"
    whole = tuple((name, text) for name, text in catalogue("en").items())
    assert words("fr-CH", whole).language == "fr"


def test_a_broken_catalogue_names_its_line() -> None:
    """What is no gettext is refused with the line."""
    with pytest.raises(BadCatalogue) as refused:
        messages(b'msgid "home"\nmsgstr "Home"\n\nmsgid "share"\nmsgstr no quotes\n')
    assert refused.value.line == 5


def test_placeholders_are_told_exactly() -> None:
    """Attributes, formats and conversions are part of what is filled in."""
    assert placeholders("{} and {0.x!r:>4}") == ["{0.x!r:>4}", "{}"]
