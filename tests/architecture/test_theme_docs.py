"""docs/themes.md tells the truth: keys, words, blocks, and the names that templates get.

A table that is out of date is printed whole in the failure, ready to paste between its two marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from jinja2 import meta, nodes
from nashr.domain.theme import CARD_KEYS, KEYS
from nashr_delivery.locales import catalogue
from nashr_delivery.markup import environment
from nashr_delivery.themes.templates import themable

PAGE = Path(__file__).parents[2] / "docs/themes.md"
KINDS = {
    "colour": "a colour",
    "text": "text",
    "file": "a file beside the TOML",
    "folder": "a folder beside the TOML",
}


def shown(mark: str) -> str:
    """What stands between two marks."""
    found = re.search(rf"<!-- {mark} -->\n(.*?)<!-- /{mark} -->", PAGE.read_text("utf-8"), re.DOTALL)
    assert found, f"no <!-- {mark} --> in {PAGE.name}"
    return found[1]


def table(*rows: tuple[str, ...]) -> str:
    lines = [rows[0], ("---",) * len(rows[0]), *rows[1:]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def named(names: Iterator[str] | list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def common() -> set[str]:
    """The names of the table of what all templates have."""
    text = PAGE.read_text("utf-8").partition("All templates have:")[2].partition("\n\nAn article")[0]
    return {
        name
        for line in text.splitlines()
        if "|" in line
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }


def test_every_key_of_a_theme_is_told() -> None:
    """The table of keys is the one that a site is checked by."""
    rows = [
        (
            f"`{key}`",
            KINDS[kind],
            "pages, cards" if key == "accent" else "cards" if key in CARD_KEYS else "pages",
        )
        for key, kind in KEYS.items()
    ]
    wanted = table(("key", "what it is", "for"), *rows)
    assert shown("theme-keys") == wanted, f"\n{wanted}"


def test_every_word_is_told() -> None:
    """The table of words has each in English and Arabic."""
    english, arabic = catalogue("en"), catalogue("ar")
    rows = [(f"`{name}`", text, arabic[name]) for name, text in english.items()]
    wanted = table(("word", "English", "Arabic"), *rows)
    assert shown("theme-words") == wanted, f"\n{wanted}"


def test_every_block_and_name_is_told() -> None:
    """The table of templates has their blocks and all that they get, beside what every template has."""
    wanted = table(("template", "blocks", "gets", "macros"), *map(_row, sorted(themable())))
    assert shown("theme-templates") == wanted, f"\n{wanted}"


def _row(template: str) -> tuple[str, str, str, str]:
    tree = environment().parse(files("nashr_delivery").joinpath("templates", template).read_text("utf-8"))
    blocks = [block.name for block in tree.find_all(nodes.Block)]
    macros = {macro.name: [arg.name for arg in macro.args] for macro in tree.find_all(nodes.Macro)}
    imported = {
        name if isinstance(name, str) else name[1]
        for one in tree.find_all(nodes.FromImport)
        for name in one.names
    }
    gets = meta.find_undeclared_variables(tree) - imported - macros.keys() - common()
    calls = [f"{name}({', '.join(arguments)})" for name, arguments in macros.items()]
    return f"`{template}`", named(blocks), named(sorted(gets)), named(calls)


def test_what_all_templates_have_is_there() -> None:
    """No name of that table is invented: each is used by a template of ours, or is a function for themes."""
    trees = [
        environment().parse(files("nashr_delivery").joinpath("templates", name).read_text("utf-8"))
        for name in themable()
    ]
    used = {name.name for tree in trees for name in tree.find_all(nodes.Name)}
    assert len(common()) > 10
    assert common() - used == {"file"}
